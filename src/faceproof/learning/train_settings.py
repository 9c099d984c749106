"""The settings of one training run."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from faceproof.errors import SettingsError
from faceproof.learning.augmentation import RECIPES, Recipe
from faceproof.learning.batches import Treatment
from faceproof.learning.models import FROM_CONFIG, Architecture, Kind, Weights, check_design
from faceproof.learning.pixels import PixelStore
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.results import Size
from faceproof.settings import require_positive, require_rate

_SELF_BLENDS = ("blend", "self_blend")  # the family and the method of online self-blends


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
            "help": "store to stream training images from, s3://... or a folder; "
            "validation and test stay those of `dataset`",
            "place": "input",
        },
    )
    view: Path | None = field(
        default=None,
        metadata={"help": "view of `data` to train on; else its split train", "place": "input"},
    )
    init: str = field(
        default=FROM_CONFIG,
        metadata={
            "help": "Hub id or folder to fine-tune; `lite0`: the pretrained backbone that is "
            "installed here; `config`: from scratch",
            "place": "input",
        },
    )
    frozen_blocks: int = field(
        default=0,
        metadata={"help": "blocks of a pretrained network that stay as they are, with the stem"},
    )
    kind: Kind = field(default="convnextv2", metadata={"help": "network made from scratch"})
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={"help": "blocks by stage"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128], metadata={"help": "channels by stage"}
    )
    stem_pixels: int = field(default=4, metadata={"help": "side of the patches the stem cuts"})
    side_pixels: int = field(
        default=0, metadata={"help": "side of the input; 0: the training faces' own, their median"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training photos, at most"})
    patience: int = field(
        default=5,
        metadata={"help": "stop after so many epochs without a better AUROC; 0 validates never"},
    )
    validation_images: int = field(
        default=1000, metadata={"help": "drawn to be looked at after each epoch, at most"}
    )
    crop_pixels: int = field(
        default=64, metadata={"help": "side of the training crops, native scale; 0 for whole faces"}
    )
    batch: int = field(default=8, metadata={"help": "photos a step and process"})
    images_of_each: int = field(
        default=3, metadata={"help": "of a photo's reals and of its fakes, drawn each time"}
    )
    learning_rate: float = field(default=1e-3, metadata={"help": "peak of AdamW's cosine schedule"})
    weight_decay: float = field(default=0.05, metadata={"help": "of AdamW"})
    mask_weight: float = field(
        default=1.0, metadata={"help": "of the mask head's loss beside the label's; 0 for none"}
    )
    decay: float = field(
        default=0.98, metadata={"help": "of the running mean of the weights, a step; 0 for none"}
    )
    augment: Recipe = field(
        default="degradation",
        metadata={"help": "what training images go through; wild wants crop_pixels 0"},
    )
    leave_out: str | None = field(
        default=None,
        metadata={"help": "family, method or source that training and validation never see"},
    )
    soften: float = field(
        default=0.0,
        metadata={
            "help": "share of the labels of reals and generated faces that a linear head on the "
            "pretrained network's features decides; 0 for none"
        },
    )
    error_rate: float = field(
        default=0.05,
        metadata={"help": "share of validation reals that may be called fake, and fakes real"},
    )
    bf16: bool = field(
        default=False, metadata={"help": "mixed precision; pays for a ViT on CPUs that have it"}
    )
    device: Literal["cpu", "auto"] = field(
        default="cpu", metadata={"help": "auto: a GPU where there is one"}
    )
    weights: Weights = field(default="fp32", metadata={"help": "how they are saved"})
    report_to: Literal["none", "tensorboard", "trackio"] = field(
        default="none", metadata={"help": "where losses and metrics are logged beside `history`"}
    )
    read_test: bool = field(
        default=True, metadata={"help": "measure test at the end; off for a try among others"}
    )
    seed: int = field(default=0, metadata={"help": "of weights, order, augmentation, intervals"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "epochs", "batch", "stem_pixels", "images_of_each")
        require_positive(self, "validation_images")
        if self.view is not None and self.data is None:
            raise SettingsError("a view is of a store; give --data too")
        check_design(self.depths, self.hidden_sizes, self.kind)
        for name in ("patience", "side_pixels", "crop_pixels", "mask_weight", "frozen_blocks"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        for name in ("decay", "soften"):
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 to below 1")
        require_rate(self, "error_rate")
        self._check_pretrained()
        if self.has_crops and RECIPES[self.augment].smallest_cut < 1:
            raise SettingsError(
                f"augment {self.augment} cuts squares of its own; give crop_pixels 0"
            )
        if 0 < self.side_pixels < self.crop_pixels:
            raise SettingsError(
                f"crop_pixels {self.crop_pixels} exceeds side_pixels {self.side_pixels}"
            )

    def _check_pretrained(self) -> None:
        for name in ("frozen_blocks", "soften"):
            if getattr(self, name) and self.init == FROM_CONFIG:
                raise SettingsError(f"{name} is of a pretrained network; give init too")
        if self.soften and self.data is not None:
            raise SettingsError("soften is of the dataset's own images; leave out data")

    def design(self, faces: PixelStore) -> Architecture:
        """The network made when `init` is `config`, for faces of this size."""
        depths, sizes = tuple(self.depths), tuple(self.hidden_sizes)
        side = self.side_pixels or faces.median_side()
        return Architecture(depths, sizes, self.stem_pixels, side, self.kind)

    @property
    def measured(self) -> tuple[Split, ...]:
        """The splits that the trained model is measured on."""
        return UNSEEN_SPLITS if self.read_test else UNSEEN_SPLITS[:1]

    @property
    def has_crops(self) -> bool:
        """Whether this network takes native crops; the others take whole faces."""
        return self.init == FROM_CONFIG and self.kind == "convnextv2" and self.crop_pixels > 0

    @property
    def treatment(self) -> Treatment:
        """What training images go through.

        Online self-blends are forgeries of the family `blend`: where that is left out, or the
        method itself, there are none.
        """
        policy = RECIPES[self.augment]
        if self.leave_out in _SELF_BLENDS:
            policy = replace(policy, self_blends=0.0)
        return Treatment(
            policy=policy,
            images_of_each=self.images_of_each,
            crop_pixels=self.crop_pixels if self.has_crops else None,
            epochs=self.epochs,
            seed=self.seed,
        )
