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

PATIENCE_SECONDS = 120


def build_words(root: Path) -> list[str]:
    return [
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/demo.yaml",
        "--output", str(root / "set"), "--exports", str(root / "exports"),
        "--results", str(root / "results.json"), "--autoencoder_steps", "3",
    ]  # fmt: skip


def kill_when(root: Path, is_there: Callable[[Path], bool]) -> None:
    """Start a build and kill it without warning as soon as a trace of it is seen."""
    build = subprocess.Popen(
        [sys.executable, *build_words(root)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_there(root) and build.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
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
    dataset: Path, tmp_path: Path, is_there: Callable[[Path], bool]
) -> None:
    wanted = shards.verify(dataset)
    shutil.copytree(dataset, tmp_path / "set")
    kill_when(tmp_path, is_there)
    assert shards.verify(tmp_path / "set") == wanted
    shutil.rmtree(tmp_path / "set")
    done = run_script(*build_words(tmp_path))
    assert done.returncode == 0, done.stderr
    assert shards.verify(tmp_path / "set") == wanted
    for name in ("mini_dataset.zip", "test_faces.zip"):
        first = dataset.parent / "exports" / name
        assert (tmp_path / "exports" / name).read_bytes() == first.read_bytes()
