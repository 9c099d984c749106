"""A trained model's decision, fitted again: to other data, or to inputs of another size."""

from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError
from faceproof.results import Size
from faceproof.settings import require_rate

_CONVOLUTIONS = ("convnextv2", "efficientnet")


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


def resize_input(model: PreTrainedModel, processor: BaseImageProcessor, side_pixels: int) -> None:
    """Have a network of convolutions look at images of another size.

    Why: one that was trained on squares cut out of faces saw them enlarged; whole faces look to it
    as they did then when they are larger too.

    Args:
        model: its config is told.
        processor: changed in place.
        side_pixels: of the input.

    Raises:
        SettingsError: another kind of network, whose places may be learned for one size, or a
            processor that cuts out the middle.

    Source: the train-test resolution discrepancy (Touvron et al. 2019).
    """
    kind = model.config.model_type
    if kind not in _CONVOLUTIONS:
        known = " and ".join(_CONVOLUTIONS)
        raise SettingsError(f"only {known} take another size; a {kind} keeps its own")
    if getattr(processor, "do_center_crop", False):
        raise SettingsError("the processor cuts out the middle; its size cannot be changed alone")
    sides = [name for name in ("shortest_edge", "height", "width") if processor.size.get(name)]
    processor.size = dict.fromkeys(sides, side_pixels)
    model.config.image_size = side_pixels
