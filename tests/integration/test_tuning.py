"""How the released detectors were made, in small: adapters tuned, a small network taught."""

import json
from pathlib import Path

import pytest
from tests.conftest import run_script
from tests.unit.detector.test_clip import require_weights

from faceproof.detector.models import load_model
from faceproof.detector.settings import KINDS


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_weights()
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="module")
def tuned(work: Path, dataset: Path) -> Path:
    """One block of CLIP, two steps, on a few images."""
    done = run_script(
        "training/tune.py", "--dataset", str(dataset), "--output", str(work / "adapters"),
        "--model", str(work / "model"), "--work", str(work / "work"),
        "--results", str(work / "tuned.json"), "--blocks", "1", "--rank", "2", "--steps", "2",
        "--batch", "8", "--views", "2", "--limit", "60", "--error_rate", "0.2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return work / "adapters"


def test_adapters_are_kept_without_their_base(tuned: Path) -> None:
    files = {path.name: path.stat().st_size for path in tuned.iterdir()}
    assert set(files) == {
        ".faceproof", "adapter_config.json", "adapter_model.safetensors", "decision.json"
    }  # fmt: skip
    assert sum(files.values()) < 200_000
    stored = json.loads((tuned / "decision.json").read_text())
    assert stored["decision"]["error_rate"] == 0.2
    assert len(stored["base_sha256"]) == 64


def test_the_heads_are_measured_beside_the_network(work: Path, tuned: Path) -> None:
    values = json.loads((work / "tuned.json").read_text())["values"]
    assert {"heads_auroc", "validation_auroc", "heads_auroc_swap"} <= set(values)
    assert not [name for name in values if name.startswith("test_")]


def test_a_small_network_learns_from_a_model_folder(work: Path, tuned: Path, dataset: Path) -> None:
    words = [
        "training/teach.py", "--dataset", str(dataset), "--work", str(work / "work"),
        "--results", str(work / "taught.json"), "--steps", "2", "--batch", "8", "--views", "2",
        "--limit", "60", "--side_pixels", "64", "--error_rate", "0.2",
    ]  # fmt: skip
    done = run_script(*words, "--output", str(work / "small"), "--teacher", str(work / "model"))
    assert done.returncode == 0, done.stderr
    model, _, decision = load_model(str(work / "small"))
    assert tuple(model.config.id2label.values()) == KINDS
    assert decision.error_rate == 0.2
