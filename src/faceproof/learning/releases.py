"""A trained model made ready for others: the files that stock classes read, and no others."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from faceproof.data.pushes import PushSettings
from faceproof.learning.engines import FULL_MODEL, INT8_MODEL
from faceproof.learning.models import WEIGHTS, load_model

CARD = "README.md"
_NEEDED = (WEIGHTS, "config.json", "preprocessor_config.json")
_OPTIONAL = (CARD, FULL_MODEL, INT8_MODEL)


@dataclass(frozen=True, kw_only=True)
class ModelPush(PushSettings):
    """Which model goes where."""

    model: Path | None = field(
        default=None, metadata={"help": "model folder; the released detector if not given"}
    )
    onnx: bool = field(
        default=True, metadata={"help": "add ONNX files, full and 8-bit (the extra `export`)"}
    )


def copy_model(model: Path, folder: Path) -> Path:
    """Copy a model's files into a new folder.

    Raises:
        ModelError: it is none that was trained here.
    """
    load_model(str(model))
    for file in list_files(model):
        place = folder / file.relative_to(model)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    return folder


def list_files(model: Path) -> list[Path]:
    """Weights, configuration, processor; card and ONNX files where there are any."""
    files = [model / name for name in (*_OPTIONAL[:1], *_NEEDED, *_OPTIONAL[1:])]
    return [file for file in files if file.is_file()]
