"""A build that is killed, at several points, and run again."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, run_script

from faceproof.data import shards
from faceproof.data.sources.photos import SourcePhoto

PATIENCE_SECONDS = 900  # both cores may be busy with other tests


def build_words(root: Path) -> list[str]:
    """Photos of ten people into `root/set`; they lie beside `root`."""
    return [
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/folder.yaml",
        "--input", str(root.parent / "photos"), "--output", str(root / "set"),
        "--exports", str(root / "exports"), "--results", str(root / "results.json"),
        "--methods", "swap", "autoencoder", "--autoencoder_steps", "3", "--rows_per_shard", "20",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(photos: list[SourcePhoto], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build that nobody interrupted."""
    root = tmp_path_factory.mktemp("interrupted") / "whole"
    for photo in photos:
        place = root.parent / "photos" / photo.identity_id / photo.path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo.path, place)
    done = run_script(*build_words(root))
    assert done.returncode == 0, done.stderr
    return root


def kill_when(root: Path, is_there: Callable[[Path], bool]) -> None:
    """Start a build and kill it without warning as soon as a trace of it is seen."""
    build = subprocess.Popen(
        [sys.executable, *build_words(root)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_there(root) and build.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert time.monotonic() < deadline, "no trace was seen"
    build.send_signal(signal.SIGKILL)
    assert build.wait() == -signal.SIGKILL, "the build ended before its trace was seen"


@pytest.mark.parametrize(
    "is_there",
    [
        lambda root: (root / "exports" / "build" / "plan.json").exists(),
        lambda root: any((root / "exports" / "build" / "arrow").glob("**/*.incomplete*")),
        lambda root: any((root / "exports" / "build" / "staged").glob("*.parquet")),
    ],
    ids=["after the plan", "while rows are made", "while shards are written"],
)
def test_a_killed_build_leaves_the_old_dataset_and_a_second_run_gives_the_same_bytes(
    whole: Path, request: pytest.FixtureRequest, is_there: Callable[[Path], bool]
) -> None:
    root = whole.parent / request.node.callspec.id
    wanted = shards.verify(whole / "set")
    shutil.copytree(whole / "set", root / "set")
    kill_when(root, is_there)
    assert shards.verify(root / "set") == wanted
    shutil.rmtree(root / "set")
    done = run_script(*build_words(root))
    assert done.returncode == 0, done.stderr
    assert shards.verify(root / "set") == wanted
    for name in ("mini_dataset.zip", "test_faces.zip"):
        assert (root / "exports" / name).read_bytes() == (whole / "exports" / name).read_bytes()
