"""Training as its commands run it, small."""

import json
from pathlib import Path

import evaluate
import pytest
import torch
from safetensors.torch import load_file
from tests.conftest import REPOSITORY, run_script
from tests.scripts import run_until_killed
from transformers import AutoModelForImageClassification

from faceproof.detector.models import WEIGHTS, load_model


def train_words(dataset: Path, folder: Path) -> list[str]:
    return [
        "training/train.py", "--config", "training/tiny.yaml", "--dataset", str(dataset),
        "--output_dir", str(folder), "--cache_dir", str(dataset.parent / "pixels"),
        "--num_train_epochs", "1", "--per_device_train_batch_size", "28", "--patch_size", "4",
        "--hidden_sizes", "4", "8", "8", "--report_to", "tensorboard", "--use_cpu",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("launcher", "processes"),
    [
        (["-m", "accelerate.commands.launch", "--cpu"], 1),
        (["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"], 2),
    ],
    ids=["accelerate", "torchrun"],
)
def test_a_run_saves_a_model_that_stock_classes_open(
    dataset: Path, tmp_path: Path, launcher: list[str], processes: int
) -> None:
    done = run_script(*launcher, *train_words(dataset, tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "results.json").read_text())
    assert result["values"]["processes"] == processes
    assert result["values"]["test_auroc_n"] == 320
    assert result["provenance"]["inputs"]["dataset"]
    opened = AutoModelForImageClassification.from_pretrained(tmp_path)
    assert opened.config.label2id["fake"] == 1
    decision = load_model(str(tmp_path))[2]
    assert decision.threshold == pytest.approx(result["values"]["threshold"], abs=1e-6)
    entries = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert any("eval_auroc" in entry for entry in entries)
    assert list(tmp_path.rglob("events.out.tfevents.*"))
    assert (tmp_path / "history.png").stat().st_size > 1000


def test_the_local_metric_loads_without_the_hub() -> None:
    metric = evaluate.load(
        str(REPOSITORY / "training" / "detection_metric.py"), keep_in_memory=True
    )
    computed = metric.compute(predictions=[0.25, 0.875, 0.625, 0.375], references=[0, 1, 1, 1])
    # One image a bin; they are off by 0.25, 0.125, 0.375 and 0.625.
    assert computed == {"auroc": 1.0, "eer": 0.0, "ece": 0.34375, "accuracy": 0.75}


def test_the_local_metric_states_rates_that_the_reals_can_show() -> None:
    metric = evaluate.load(
        str(REPOSITORY / "training" / "detection_metric.py"), keep_in_memory=True
    )
    reals, fakes = [0.1] * 19 + [0.8], [0.7, 0.9]
    computed = metric.compute(predictions=reals + fakes, references=[0] * 20 + [1, 1])
    assert computed["tpr_at_5_fpr"] == 1.0  # one real of twenty may be called fake
    assert "tpr_at_1_fpr" not in computed


def test_a_changed_dataset_is_refused_before_training(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "README.md").write_bytes((dataset / "README.md").read_bytes())
    done = run_script(*train_words(copy, tmp_path / "run"))
    assert done.returncode == 1
    assert "card but no shards" in done.stderr


def read_measured(path: Path) -> dict[str, object]:
    """The values that do not tell the time."""
    values: dict[str, object] = json.loads(path.read_text())["values"]
    return {name: value for name, value in values.items() if "seconds" not in name}


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(dataset: Path, tmp_path: Path) -> None:
    def words(folder: Path) -> list[str]:
        return [*train_words(dataset, folder), "--num_train_epochs", "2"]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run_script(*words(whole))
    assert done.returncode == 0, done.stderr

    run_until_killed("transformers:Trainer._save_checkpoint", 1, words(killed), REPOSITORY)
    assert not (killed / WEIGHTS).exists()

    done = run_script(*words(killed))
    assert done.returncode == 0, done.stderr
    assert "going on from" in done.stderr
    first, second = (load_file(folder / WEIGHTS) for folder in (whole, killed))
    assert all(torch.equal(first[name], second[name]) for name in first)
    measured, again = (read_measured(folder / "results.json") for folder in (whole, killed))
    assert measured == again


def test_a_family_that_is_left_out_must_be_there(dataset: Path, tmp_path: Path) -> None:
    done = run_script(*train_words(dataset, tmp_path), "--leave_out", "inpaint")
    assert done.returncode == 1
    assert "the dataset holds" in done.stderr
    assert done.stderr.count("\n") <= 3
