"""A build that is killed, at several points, and run again."""

import shutil
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY, run_script
from tests.scripts import run_until_killed

from faceproof.data import shards
from faceproof.data.sources.photos import SourcePhoto


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


@pytest.mark.parametrize(
    ("place", "calls"),
    [
        ("faceproof.data.plans:write", 1),
        ("faceproof.records:to_row", 30),
        ("faceproof.data.shards:_write_split", 1),
    ],
    ids=["after the plan", "while rows are made", "while shards are written"],
)
def test_a_killed_build_leaves_the_old_dataset_and_a_second_run_gives_the_same_bytes(
    whole: Path, place: str, calls: int
) -> None:
    root = whole.parent / place.rpartition(":")[2]
    wanted = shards.verify(whole / "set")
    shutil.copytree(whole / "set", root / "set")
    run_until_killed(place, calls, build_words(root), REPOSITORY)
    assert shards.verify(root / "set") == wanted
    shutil.rmtree(root / "set")
    done = run_script(*build_words(root))
    assert done.returncode == 0, done.stderr
    assert shards.verify(root / "set") == wanted
    for name in ("mini_dataset.zip", "test_faces.zip"):
        assert (root / "exports" / name).read_bytes() == (whole / "exports" / name).read_bytes()
