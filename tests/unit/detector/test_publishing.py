import json
from pathlib import Path

import pytest

from faceproof.detector.models import load_model
from faceproof.detector.publishing import copy_model, list_files
from faceproof.errors import ModelError


def test_a_copy_holds_what_stock_classes_read_and_no_more(model: Path, tmp_path: Path) -> None:
    copied = copy_model(model, tmp_path / "copy")
    (copied / "notes.txt").write_text("mine")
    (copied / "README.md").write_text("a card")
    assert [path.name for path in list_files(copied)] == [
        "README.md", "model.safetensors", "config.json", "preprocessor_config.json"
    ]  # fmt: skip
    assert load_model(str(copied))[2] == load_model(str(model))[2]


def test_a_classifier_of_something_else_is_not_copied(model: Path, tmp_path: Path) -> None:
    other = copy_model(model, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["id2label"] = {"0": "cat", "1": "dog"}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cat"):
        copy_model(other, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
