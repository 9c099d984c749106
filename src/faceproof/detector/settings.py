"""What the commands of this room take; light, so that `--help` answers at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceproof.data.inputs.labels import LABELS_HELP
from faceproof.data.settings import PushSettings
from faceproof.errors import SettingsError
from faceproof.results import Size
from faceproof.settings import require_positive

KINDS = ("real", "generated", "altered")  # labels of a detector that tells kinds of fake apart
FROM_CONFIG = "config"
Kind = Literal["convnextv2", "vit"]
Precision = Literal["fp32", "bf16"]
Weights = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class PredictSettings:
    """One run over a folder, zip, pattern or dataset."""

    input: str = field(
        metadata={
            "help": "folder or zip of images, never unpacked; a quoted pattern such as "
            "'photos/**/*.jpg'; or user/name of a dataset on the Hub",
            "place": "input",
        }
    )
    output: Path = field(
        metadata={"help": "CSV to write: image, score, label, reason", "place": "file"}
    )
    model: str | None = field(
        default=None,
        metadata={
            "help": "model folder or Hub id; the released detector if not given",
            "place": "input",
        },
    )
    labels: list[str] = field(default_factory=list, metadata={"help": LABELS_HELP})
    align: bool = field(
        default=True, metadata={"help": "cut out the largest face first; off: score whole images"}
    )
    calibrate: bool = field(
        default=True,
        metadata={"help": "divide logits by the stored temperature; off: the model's own"},
    )
    precision: Precision = field(
        default="fp32",
        metadata={"help": "bf16 helps a ViT where the CPU has it"},
    )
    batch: int = field(default=8, metadata={"help": "images scored at a time; speed, not results"})
    workers: int = field(default=2, metadata={"help": "batches at a time, a thread each"})
    explain: Path | None = field(
        default=None,
        metadata={"help": "folder for a heat map PNG of each image", "place": "folder"},
    )
    report: Path | None = field(
        default=None,
        metadata={
            "help": "folder for figures and the worst errors, where truth is known",
            "place": "folder",
        },
    )
    results: Path | None = field(
        default=None, metadata={"help": "result file, if truth is known", "place": "file"}
    )
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "batch", "workers")
        if self.explain is not None and self.precision != "fp32":
            raise SettingsError("explain needs precision fp32: a heat map needs gradients")


@dataclass(frozen=True)
class ExportSettings:
    """What to export."""

    model: Path = field(
        metadata={"help": "model folder written by training/train.py", "place": "inside"}
    )


@dataclass(frozen=True, kw_only=True)
class ModelPush(PushSettings):
    """Which model goes where."""

    model: Path | None = field(
        default=None,
        metadata={"help": "model folder; the released detector if not given", "place": "input"},
    )
    onnx: bool = field(default=True, metadata={"help": "add an ONNX file (the extra `export`)"})
