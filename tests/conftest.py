"""Real small things that many tests share: photos, a built dataset, a saved model, an S3 server."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from tests.scripts import run_forked

from faceproof.buckets import Endpoint
from faceproof.data.images import Pixels, decode
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.detector.calibration import Decision
from faceproof.detector.models import Architecture, make_model, save_model
from faceproof.scale.servers import start_seaweedfs

REPOSITORY = Path(__file__).parents[1]
PEOPLE, PHOTOS_EACH = 10, 3
NOTHING = SourceRequest(input=None, folder=Path("unused"))
DECISION = Decision(temperature=2.0, threshold=0.5, real_below=0.3, fake_from=0.7, error_rate=0.05)
TINY = Architecture(depths=(1, 1, 1, 1), hidden_sizes=(4, 8, 8, 8), stem_pixels=4, side_pixels=92)

settings.load_profile("ci")  # no deadlines, which a busy machine would miss; the same examples


def run_script(*words: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a script of the repository, or what follows `python`, as a user would.

    Launchers start processes of their own, so they get a Python of their own, too.
    """
    if words[0].endswith(".py") or words[1].startswith("benchmarks."):
        return run_forked(words, cwd)
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def photos() -> list[SourcePhoto]:
    """Three photos of each of the first ten people."""
    chosen = [photo for photo in orl.read(NOTHING) if int(photo.path.stem) <= PHOTOS_EACH]
    return chosen[: PEOPLE * PHOTOS_EACH]


@pytest.fixture(scope="session")
def face(photos: list[SourcePhoto]) -> Pixels:
    """One decoded photo, (112, 92, 3)."""
    return decode(photos[0].path.read_bytes())


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder built by the real script from all of ORL, its generator hardly trained.

    One worker builds it, the others wait for the lock and take a copy of their own.
    """
    root = tmp_path_factory.mktemp("built")
    is_alone = "PYTEST_XDIST_WORKER" not in os.environ
    shared = root if is_alone else tmp_path_factory.getbasetemp().parent / "built"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "whole").is_file():
            _build_dataset(shared)
            (shared / "whole").touch()
    if not is_alone:
        shutil.copytree(shared, root, dirs_exist_ok=True)
    return root / "dataset"


def _build_dataset(root: Path) -> None:
    done = run_script(
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/demo.yaml",
        "--output", str(root / "dataset"), "--exports", str(root / "exports"),
        "--results", str(root / "results.json"), "--autoencoder_steps", "3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved classifier with random weights."""
    folder = tmp_path_factory.mktemp("model") / "model"
    torch.manual_seed(7)
    network, processor = make_model("config", TINY)
    save_model(network, processor, DECISION, folder)
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[Endpoint]:
    """A real S3 server on loopback."""
    with start_seaweedfs() as endpoint:
        yield endpoint


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
