"""What the commands of this room take; light, so that `--help` answers at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceproof.detector.settings import FROM_CONFIG, Kind, Precision, Weights
from faceproof.errors import SettingsError
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.results import Size
from faceproof.settings import require_positive, require_rate
from faceproof.training.augmentation import RECIPES, Recipe
from faceproof.training.corruptions import STRESSES

# Titles of `--help`.
_DATA = {"group": "what is learned from"}
_NETWORK = {"group": "the network"}
_LEARNING = {"group": "how it learns"}
_MEASURES = {"group": "what is measured"}


@dataclass(frozen=True)
class TrainSettings:
    """One training run."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    output: Path = field(metadata={"help": "model folder to write", "place": "replaced"})
    work: Path = field(
        metadata={
            "help": "folder for checkpoints and logs; a run that validates may be stopped",
            "place": "folder",
        }
    )
    cache: Path = field(
        metadata={
            "help": "folder for the decoded images, 4 bytes a pixel; shared by runs",
            "place": "folder",
        }
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    history: Path = field(
        metadata={"help": "JSON lines of loss and validation metrics by epoch", "place": "file"}
    )
    figure: Path = field(
        metadata={"help": "PNG of loss and validation AUROC to write", "place": "file"}
    )
    data: str | None = field(
        default=None,
        metadata={
            **_DATA,
            "help": "store to stream training images from, s3://... or a folder; "
            "validation and test stay those of `dataset`",
            "place": "input",
        },
    )
    view: Path | None = field(
        default=None,
        metadata={
            **_DATA,
            "help": "view of `data` to train on; else its split train",
            "place": "input",
        },
    )
    init: str = field(
        default=FROM_CONFIG,
        metadata={
            **_NETWORK,
            "help": "Hub id or folder to fine-tune; `lite0`: the pretrained backbone that is "
            "installed here; `config`: from scratch",
            "place": "input",
        },
    )
    kind: Kind = field(
        default="convnextv2", metadata={**_NETWORK, "help": "network made from scratch"}
    )
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={**_NETWORK, "help": "blocks by stage"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128],
        metadata={**_NETWORK, "help": "channels by stage"},
    )
    stem_pixels: int = field(
        default=4, metadata={**_NETWORK, "help": "side of the patches the stem cuts"}
    )
    side_pixels: int = field(
        default=0,
        metadata={
            **_NETWORK,
            "help": "side of the input; 0: the training faces' own, their median",
        },
    )
    epochs: int = field(
        default=20, metadata={**_LEARNING, "help": "passes over the training photos, at most"}
    )
    patience: int = field(
        default=5,
        metadata={
            **_LEARNING,
            "help": "stop after so many epochs without a better AUROC; 0 validates never",
        },
    )
    validation_images: int = field(
        default=1000, metadata={**_DATA, "help": "drawn to be looked at after each epoch, at most"}
    )
    crop_pixels: int = field(
        default=64,
        metadata={**_DATA, "help": "side of the training crops, native scale; 0 for whole faces"},
    )
    batch: int = field(default=8, metadata={**_LEARNING, "help": "photos a step and process"})
    images_of_each: int = field(
        default=3,
        metadata={**_DATA, "help": "of a photo's reals and of its fakes, drawn each time"},
    )
    learning_rate: float = field(
        default=1e-3, metadata={**_LEARNING, "help": "peak of AdamW's cosine schedule"}
    )
    weight_decay: float = field(default=0.05, metadata={**_LEARNING, "help": "of AdamW"})
    mask_weight: float = field(
        default=1.0,
        metadata={**_NETWORK, "help": "of the mask head's loss beside the label's; 0 for none"},
    )
    decay: float = field(
        default=0.98,
        metadata={**_LEARNING, "help": "of the running mean of the weights, a step; 0 for none"},
    )
    augment: Recipe = field(
        default="degradation",
        metadata={**_DATA, "help": "what training images go through; wild wants crop_pixels 0"},
    )
    leave_out: str | None = field(
        default=None,
        metadata={
            **_DATA,
            "help": "family, method or source that training and validation never see",
        },
    )
    error_rate: float = field(
        default=0.05,
        metadata={
            **_MEASURES,
            "help": "share of validation reals that may be called fake, and fakes real",
        },
    )
    bf16: bool = field(
        default=False,
        metadata={**_LEARNING, "help": "mixed precision; pays for a ViT on CPUs that have it"},
    )
    device: Literal["cpu", "auto"] = field(
        default="cpu", metadata={**_LEARNING, "help": "auto: a GPU where there is one"}
    )
    weights: Weights = field(default="fp32", metadata={**_NETWORK, "help": "how they are saved"})
    report_to: Literal["none", "tensorboard", "trackio"] = field(
        default="none",
        metadata={**_MEASURES, "help": "where losses and metrics are logged beside `history`"},
    )
    read_test: bool = field(
        default=True,
        metadata={**_MEASURES, "help": "measure test at the end; off for a try among others"},
    )
    seed: int = field(
        default=0, metadata={**_MEASURES, "help": "of weights, order, augmentation, intervals"}
    )
    size: Size = field(
        default="sample", metadata={**_MEASURES, "help": "what the results call themselves"}
    )

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "epochs", "batch", "stem_pixels", "images_of_each")
        require_positive(self, "validation_images")
        if self.view is not None and self.data is None:
            raise SettingsError("a view is of a store; give --data too")
        if len(self.depths) != len(self.hidden_sizes):
            raise SettingsError("depths and hidden_sizes must name the same number of stages")
        if self.kind == "vit" and len(self.depths) != 1:
            raise SettingsError("depths has several stages; a vit has one")
        for name in ("patience", "side_pixels", "crop_pixels", "mask_weight"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if not 0 <= self.decay < 1:
            raise SettingsError(f"decay is {self.decay}; it must be 0 to below 1")
        require_rate(self, "error_rate")
        if self.has_crops and RECIPES[self.augment].smallest_cut < 1:
            raise SettingsError(
                f"augment {self.augment} cuts squares of its own; give crop_pixels 0"
            )
        if 0 < self.side_pixels < self.crop_pixels:
            raise SettingsError(
                f"crop_pixels {self.crop_pixels} exceeds side_pixels {self.side_pixels}"
            )

    @property
    def measured(self) -> tuple[Split, ...]:
        """The splits that the trained model is measured on."""
        return UNSEEN_SPLITS if self.read_test else UNSEEN_SPLITS[:1]

    @property
    def has_crops(self) -> bool:
        """Whether this network takes native crops; the others take whole faces."""
        return self.init == FROM_CONFIG and self.kind == "convnextv2" and self.crop_pixels > 0


@dataclass(frozen=True)
class MeasureSettings:
    """One measuring of a finished model."""

    model: Path = field(metadata={"help": "model folder", "place": "input"})
    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    splits: list[str] = field(
        default_factory=lambda: list(UNSEEN_SPLITS), metadata={"help": "validation, test"}
    )
    sources: list[str] = field(
        default_factory=list,
        metadata={
            "help": "only photos of these sources, what was made of them, and fakes they brought; "
            "empty: all. For a model that learned from another split of the rest"
        },
    )
    stresses: list[str] = field(
        default_factory=list,
        metadata={"help": f"also after each of these changes, of {', '.join(STRESSES)}"},
    )
    forgeries: int | None = field(
        default=None, metadata={"help": "of each photo, at most; all if not given"}
    )
    shams: int | None = field(
        default=None, metadata={"help": "of each photo, at most; all if not given"}
    )
    precision: Precision = field(default="fp32", metadata={"help": "of the arithmetic"})
    scores: Path | None = field(
        default=None,
        metadata={
            "help": "folder that keeps the scores: what is there is not computed again",
            "place": "folder",
        },
    )
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap, and of draws"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse splits that a model may have learned from, and changes that are not known."""
        if not self.splits:
            raise SettingsError(f"no splits are named; there are {', '.join(UNSEEN_SPLITS)}")
        for name, known in (("splits", UNSEEN_SPLITS), ("stresses", STRESSES)):
            unknown = sorted(set(getattr(self, name)) - set(known))
            if unknown:
                raise SettingsError(f"{name} are {', '.join(known)}, not {', '.join(unknown)}")


@dataclass(frozen=True)
class CalibrateSettings:
    """One calibration of a trained model."""

    model: Path = field(metadata={"help": "model folder", "place": "input"})
    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel", "place": "folder"}
    )
    output: Path = field(
        metadata={"help": "model folder to write, another than `model`", "place": "replaced"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    side_pixels: int = field(
        default=0, metadata={"help": "side of the input from now on; 0: as it is"}
    )
    error_rate: float | None = field(
        default=None,
        metadata={
            "help": "share of validation reals that may be called fake, and fakes real; "
            "none: the model's own"
        },
    )
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run, or would write over what is read."""
        if self.error_rate is not None:
            require_rate(self, "error_rate")
        if self.side_pixels < 0:
            raise SettingsError(f"side_pixels is {self.side_pixels}; it must be 0 or more")
        if self.output.resolve() == self.model.resolve():
            raise SettingsError(f"output is the model itself, {self.model}; give another folder")


@dataclass(frozen=True, kw_only=True)
class ViewRun:
    """What a network learns from that sees several changed views of each image."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    output: Path = field(metadata={"help": "folder for what was trained", "place": "replaced"})
    work: Path = field(
        metadata={"help": "folder for views, 150 kB each, and decoded images", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    leave_out: list[str] = field(
        default_factory=list,
        metadata={**_DATA, "help": "families, methods and sources that are not learned from"},
    )
    forgeries: int = field(default=2, metadata={**_DATA, "help": "of each photo, at most"})
    shams: int = field(default=1, metadata={**_DATA, "help": "of each photo, at most"})
    limit: int | None = field(
        default=None, metadata={**_DATA, "help": "images of a split, at most; for a trial"}
    )
    views: int = field(default=5, metadata={**_DATA, "help": "of each image, the first unchanged"})
    augment: Recipe = field(default="web", metadata={**_DATA, "help": "how views are changed"})
    steps: int = field(default=2000, metadata={**_LEARNING, "help": "of one batch each"})
    batch: int = field(default=128, metadata={**_LEARNING, "help": "images of a step"})
    learning_rate: float = field(default=2e-4, metadata={**_LEARNING, "help": "at its peak"})
    decay: float = field(
        default=0.99, metadata={**_LEARNING, "help": "of the running mean of weights, 0 to 1"}
    )
    error_rate: float = field(
        default=0.05, metadata={**_MEASURES, "help": "that a verdict may have, of reals and fakes"}
    )
    seed: int = field(default=0, metadata={"help": "of every draw"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "views", "steps", "batch")
        require_rate(self, "error_rate")
        if self.learning_rate <= 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if not 0 <= self.decay < 1:
            raise SettingsError(f"decay is {self.decay}; it must be from 0 to below 1")


@dataclass(frozen=True, kw_only=True)
class TuneRun(ViewRun):
    """One tuning of CLIP with low-rank adapters."""

    blocks: int = field(default=12, metadata={**_NETWORK, "help": "of the network, 1 to 12"})
    rank: int = field(default=16, metadata={**_NETWORK, "help": "of the adapters"})

    def __post_init__(self) -> None:
        """Refuse networks that are not there."""
        super().__post_init__()
        require_positive(self, "rank")
        if not 1 <= self.blocks <= 12:
            raise SettingsError(f"blocks are 1 to 12, not {self.blocks}")


@dataclass(frozen=True, kw_only=True)
class TeachRun(ViewRun):
    """One training of a small network on what a large one says."""

    teacher: Path | None = field(
        default=None,
        metadata={
            "help": "model folder with three labels; the released one if not given",
            "place": "input",
        },
    )
    side_pixels: int = field(default=160, metadata={**_NETWORK, "help": "of the small network"})
