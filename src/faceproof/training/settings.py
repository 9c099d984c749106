"""What the commands of this room take; light, so that `--help` answers at once.

`train.py` reads three dataclasses, as the library's own examples do: `ModelArguments` and
`DataArguments` below, and `transformers.TrainingArguments`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from faceproof import settings
from faceproof.data.inputs.labels import LABELS_HELP
from faceproof.detector.settings import FROM_CONFIG, Kind, Precision, Weights
from faceproof.errors import SettingsError
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.results import Size
from faceproof.settings import require_positive, require_rate
from faceproof.training.augmentation import RECIPES, Recipe
from faceproof.training.corruptions import STRESSES

if TYPE_CHECKING:
    from transformers import TrainingArguments

# In place of the library's own: the best checkpoint by validation AUROC is kept.
DEFAULTS: Mapping[str, object] = {
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "logging_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "auroc",
    "restore_callback_states_from_checkpoint": True,
    "save_total_limit": 1,
    "per_device_train_batch_size": 32,
    "per_device_eval_batch_size": 32,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.1,
    "weight_decay": 0.05,
    "hub_strategy": "end",
    "remove_unused_columns": False,
    "dataloader_pin_memory": False,
}
_CACHE = "_pixels"  # in output_dir; what begins with an underscore is never pushed to the Hub


@dataclass(frozen=True)
class ModelArguments:
    """The network, and what is ours about learning and deciding."""

    _argument_group_name = "the network"

    model_name_or_path: str = field(
        default=FROM_CONFIG,
        metadata={
            "help": "Hub id or folder to fine-tune; `lite0`: the pretrained backbone that is "
            "installed here; `config`: from scratch",
            "place": "input",
        },
    )
    model_type: Kind = field(default="convnextv2", metadata={"help": "network made from scratch"})
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={"help": "blocks by stage, from scratch"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128],
        metadata={"help": "channels by stage, from scratch"},
    )
    patch_size: int = field(
        default=4, metadata={"help": "side of the patches the stem cuts, pixels, from scratch"}
    )
    image_size: int = field(
        default=0,
        metadata={"help": "side of the input, pixels; 0: the training faces' own, their median"},
    )
    mask_weight: float = field(
        default=1.0,
        metadata={
            "help": "of the mask head's loss beside the label's; 0 for none; without effect on "
            "pictures that have no masks"
        },
    )
    ema_decay: float = field(
        default=0.98, metadata={"help": "of the running mean of the weights, a step; 0 for none"}
    )
    early_stopping_patience: int = field(
        default=5,
        metadata={"help": "stop after so many evaluations without a better one; 0: never"},
    )
    error_rate: float = field(
        default=0.05,
        metadata={"help": "share of validation reals that may be called fake, and fakes real"},
    )
    save_dtype: Weights = field(default="fp32", metadata={"help": "of the weights that are saved"})

    def __post_init__(self) -> None:
        """Refuse values that make no network."""
        require_positive(self, "patch_size")
        if len(self.depths) != len(self.hidden_sizes):
            raise SettingsError("depths and hidden_sizes must name the same number of stages")
        if self.model_type == "vit" and len(self.depths) != 1:
            raise SettingsError("depths has several stages; a vit has one")
        _refuse_negative(self, "image_size", "mask_weight", "early_stopping_patience")
        if not 0 <= self.ema_decay < 1:
            raise SettingsError(f"ema_decay is {self.ema_decay}; it must be 0 to below 1")
        require_rate(self, "error_rate")


@dataclass(frozen=True)
class DataArguments:
    """The pictures: which ones, and what is done to them."""

    _argument_group_name = "the pictures"

    dataset: str = field(
        metadata={
            "help": "dataset folder made by build_dataset.py; or your own pictures: a folder or "
            "zip with real/ and fake/ or labels.csv, parquet with a label column, or user/name on "
            "the Hub",
            "place": "input",
        }
    )
    labels: list[str] = field(default_factory=list, metadata={"help": LABELS_HELP})
    store: str | None = field(
        default=None,
        metadata={
            "help": "store to stream training images from, s3://... or a folder; validation and "
            "test stay those of `dataset`",
            "place": "input",
        },
    )
    view: Path | None = field(
        default=None,
        metadata={
            "help": "view of `store` to train on; else its split train",
            "place": "input",
        },
    )
    cache_dir: Path | None = field(
        default=None,
        metadata={
            "help": "folder for the decoded images, 4 bytes a pixel, which runs may share; else "
            f"{_CACHE} in output_dir",
            "place": "folder",
        },
    )
    images_of_each: int = field(
        default=3, metadata={"help": "of a photo's reals and of its fakes, drawn for a batch"}
    )
    crop_pixels: int = field(
        default=64,
        metadata={"help": "side of the training crops, native scale; 0 for whole faces"},
    )
    augmentation: Recipe = field(
        default="degradation",
        metadata={"help": "what training images go through; wild wants crop_pixels 0"},
    )
    leave_out: str | None = field(
        default=None,
        metadata={"help": "family, method or source that training and validation never see"},
    )
    max_eval_samples: int = field(
        default=1000, metadata={"help": "images drawn for an evaluation during training, at most"}
    )
    read_test: bool = field(
        default=True, metadata={"help": "measure test at the end; off for a try among others"}
    )
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "images_of_each", "max_eval_samples")
        _refuse_negative(self, "crop_pixels")
        if self.view is not None and self.store is None:
            raise SettingsError("a view is of a store; give --store too")


def _refuse_negative(arguments: object, *names: str) -> None:
    for name in names:
        if getattr(arguments, name) < 0:
            raise SettingsError(f"{name} is {getattr(arguments, name)}; it must be 0 or more")


@dataclass(frozen=True)
class Arguments:
    """One training run."""

    model: ModelArguments
    data: DataArguments
    training: "TrainingArguments"

    def __post_init__(self) -> None:
        """Refuse values that do not fit each other."""
        augmentation, crop_pixels = self.data.augmentation, self.data.crop_pixels
        if self.has_crops and RECIPES[augmentation].smallest_cut < 1:
            raise SettingsError(
                f"augmentation {augmentation} cuts squares of its own; give crop_pixels 0"
            )
        if 0 < self.model.image_size < crop_pixels:
            raise SettingsError(
                f"crop_pixels {crop_pixels} exceeds image_size {self.model.image_size}"
            )
        if not self.training.learning_rate > 0:
            raise SettingsError(
                f"learning_rate is {self.training.learning_rate}; it must be above 0"
            )

    @property
    def output_dir(self) -> Path:
        """Where everything is written."""
        return Path(self.training.output_dir)

    @property
    def cache_dir(self) -> Path:
        """Where the decoded images are."""
        return self.data.cache_dir or self.output_dir / _CACHE

    @property
    def measured(self) -> tuple[Split, ...]:
        """The splits that the trained model is measured on."""
        return UNSEEN_SPLITS if self.data.read_test else UNSEEN_SPLITS[:1]

    @property
    def has_crops(self) -> bool:
        """Whether this network takes native crops; the others take whole faces."""
        is_convolution = self.model.model_type == "convnextv2"
        is_ours = self.model.model_name_or_path == FROM_CONFIG
        return is_ours and is_convolution and self.data.crop_pixels > 0

    def record(self) -> dict[str, object]:
        """All of ours, and of the library's what is not its default, ready for JSON."""
        library = {one.name: one.default for one in fields(self.training)}
        stated = {
            name: value
            for name, value in self.training.to_dict().items()
            if name in library and value != library[name] and name != "hub_token"
        }
        return {**asdict(self.model), **asdict(self.data), **stated, "seed": self.training.seed}


def read_arguments(description: str | None, argv: Sequence[str] | None = None) -> Arguments:
    """The arguments of `train.py`, from a recipe and the words after it.

    Raises:
        SettingsError: see `settings.read_training`, and values that make no run.
    """
    kinds = (ModelArguments, DataArguments)
    return Arguments(*settings.read_training(kinds, DEFAULTS, description, argv))


@dataclass(frozen=True, kw_only=True)
class _Look:
    """A trained model and the built dataset that it is looked at with."""

    model: Path = field(metadata={"help": "model folder", "place": "input"})
    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})


@dataclass(frozen=True, kw_only=True)
class MeasureSettings(_Look):
    """One measuring of a finished model."""

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

    def __post_init__(self) -> None:
        """Refuse splits that a model may have learned from, and changes that are not known."""
        if not self.splits:
            raise SettingsError(f"no splits are named; there are {', '.join(UNSEEN_SPLITS)}")
        for name, known in (("splits", UNSEEN_SPLITS), ("stresses", STRESSES)):
            unknown = sorted(set(getattr(self, name)) - set(known))
            if unknown:
                raise SettingsError(f"{name} are {', '.join(known)}, not {', '.join(unknown)}")


@dataclass(frozen=True, kw_only=True)
class CalibrateSettings(_Look):
    """One calibration of a trained model."""

    output: Path = field(
        metadata={"help": "model folder to write, another than `model`", "place": "replaced"}
    )
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

    def __post_init__(self) -> None:
        """Refuse values that make no run, or would write over what is read."""
        if self.error_rate is not None:
            require_rate(self, "error_rate")
        _refuse_negative(self, "side_pixels")
        if self.output.resolve() == self.model.resolve():
            raise SettingsError(f"output is the model itself, {self.model}; give another folder")
