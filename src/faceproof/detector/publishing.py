"""A trained model made ready for others: the files that stock classes read, and no others."""

import shutil
from pathlib import Path

from faceproof.detector.models import WEIGHTS, load_model
from faceproof.detector.onnx_export import ONNX_MODEL

CARD = "README.md"
_NEEDED = (WEIGHTS, "config.json", "preprocessor_config.json")


def copy_model(model: Path, folder: Path) -> Path:
    """Copy a model's weights, configuration, processor and, where there is one, card.

    Raises:
        ModelError: it is none that was trained here.
    """
    load_model(str(model))
    folder.mkdir(parents=True)
    for name in (*_NEEDED, CARD):
        if name in _NEEDED or (model / name).is_file():
            shutil.copyfile(model / name, folder / name)
    return folder


def list_files(model: Path) -> list[Path]:
    """What is pushed of a copied model: its card first, its ONNX file last, where there is one."""
    files = [model / name for name in (CARD, *_NEEDED, ONNX_MODEL)]
    return [file for file in files if file.is_file()]
