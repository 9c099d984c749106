"""A trained model's decision, fitted again: to other data, or to inputs of another size."""

from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError

_CONVOLUTIONS = ("convnextv2", "efficientnet")


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
