"""A dataset from a stranger's own photos, by the documented command."""

import json
import shutil
from pathlib import Path

from tests.conftest import run_script

from faceproof.data import shards, tables
from faceproof.data.sources.photos import SourcePhoto


def test_a_folder_of_people_becomes_a_dataset(photos: list[SourcePhoto], tmp_path: Path) -> None:
    for number, photo in enumerate(photos):
        place = tmp_path / "mine" / photo.identity_id / f"{number}.pgm"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo.path, place)
    (tmp_path / "mine" / photos[0].identity_id / "broken.jpg").write_bytes(b"")
    done = run_script(
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/folder.yaml",
        "--input", str(tmp_path / "mine"), "--output", str(tmp_path / "set"),
        "--exports", str(tmp_path / "exports"), "--results", str(tmp_path / "results.json"),
        "--autoencoder_steps", "3",
        "--methods", "swap", "expression", "hole", "autoencoder", "super_resolution", "dcgan",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "10 people in 31 photos, by the names at folder level 1 (orl-01," in done.stderr
    values = json.loads((tmp_path / "results.json").read_text())["values"]
    assert (values["photos_in"], values["photos_kept"], values["people"]) == (31, 30, 10)
    assert values["photos_dropped_empty"] == 1
    # real, a sham of each family but synthesis, each method
    assert values["records"] + values["records_dropped_near_copy"] == 30 * (1 + 4 + 6)
    assert values["records_dropped_near_copy"] < 30
    shards.verify(tmp_path / "set")
    table = tables.to_frame(tables.open_dataset(tmp_path / "set"))
    assert (table.groupby("identity_id")["split"].nunique() == 1).all()
    card = (tmp_path / "set" / "README.md").read_text()
    assert "license: unknown" in card
    assert "AT&T" not in card


def test_the_source_folder_without_an_input_says_what_to_give(tmp_path: Path) -> None:
    done = run_script("dataset_builder/build_dataset.py", "--config", "dataset_builder/folder.yaml")
    assert done.returncode == 1
    assert "give --input" in done.stderr
