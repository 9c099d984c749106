"""The commands themselves, pointed at somebody else's files: one line, code 1, nothing touched."""

from pathlib import Path

import pytest
from tests.conftest import run_script
from tests.unit.test_places import read_tree

from faceproof.data.images import Pixels, encode_jpeg

COMMANDS = {
    "predict into a photo": "training/predict.py --input {photos} --output {photos}/a.jpg",
    "predict into a letter": "training/predict.py --input {photos} --output {theirs}/letter.txt",
    "predict, report": "training/predict.py --input {photos} --output {new} --report {theirs}",
    "train, output": (
        "training/train.py --config training/tiny.yaml --dataset {photos} --output_dir {theirs} "
        "--cache_dir {new}"
    ),
    "train, cache": (
        "training/train.py --config training/tiny.yaml --dataset {photos} --output_dir {new} "
        "--cache_dir {theirs}"
    ),
    "train, output is a file": (
        "training/train.py --config training/tiny.yaml --dataset {photos} "
        "--output_dir {theirs}/letter.txt --cache_dir {new}"
    ),
    "train into the pictures": (
        "training/train.py --config training/own.yaml --dataset {photos} --output_dir {photos}/new"
    ),
    "calibrate": (
        "training/calibrate.py --model {photos} --dataset {photos} --cache {new}/c "
        "--output {theirs} --results {new}/r"
    ),
    "build over its input": (
        "dataset_builder/build_dataset.py --config dataset_builder/folder.yaml --input {photos} "
        "--output {photos} --exports {new} --results {new}/r"
    ),
    "build around its input": (
        "dataset_builder/build_dataset.py --config dataset_builder/folder.yaml --input {photos} "
        "--output {root} --exports {new} --results {new}/r"
    ),
    "build, exports": (
        "dataset_builder/build_dataset.py --config dataset_builder/folder.yaml --input {photos} "
        "--output {new} --exports {theirs} --results {new}/r"
    ),
    "audit": "question_02/audit.py --data {photos} --output {theirs}",
    "store": "question_04/build_store.py --source {photos} --place {theirs}",
    "store at no place": "question_04/build_store.py --source {photos} --place gs://bucket/x",
    "index": "question_04/index_store.py --data {photos} --place {theirs}",
    "view": "question_04/make_view.py --store {photos} --uniform 3 --output {theirs}/letter.txt",
    "pages": "src/faceproof/reports/render.py --root {theirs}",
}


@pytest.fixture
def places(tmp_path: Path, face: Pixels) -> dict[str, Path]:
    """Photos, and a folder with a letter and a README of somebody."""
    photos, theirs = tmp_path / "photos", tmp_path / "theirs"
    for folder in (photos, theirs):
        folder.mkdir()
    (photos / "a.jpg").write_bytes(encode_jpeg(face, 90, 0))
    (theirs / "letter.txt").write_text("Dear Anna")
    (theirs / "README.md").write_text("# My own project\n")
    return {"root": tmp_path, "photos": photos, "theirs": theirs, "new": tmp_path / "new"}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_of_somebody_else_is_touched(places: dict[str, Path], command: str) -> None:
    before = read_tree(places["root"])
    done = run_script(*command.format(**places).split())
    assert done.returncode == 1, done.stdout + done.stderr
    errors = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith("error: ")
    assert read_tree(places["root"]) == before
