"""Pictures as a model takes them: what its image processor says, done in batches."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.errors import SettingsError

_CONVOLUTIONS = ("convnextv2", "efficientnet")
_EXTRAS = ("include_top", "rescale_offset")  # steps of some processors that only they know
_RAW = {"do_rescale": False, "do_normalize": False}


def to_tensor(
    pictures: Sequence[Pixels], processor: BaseImageProcessor, side_pixels: int | None = None
) -> Tensor:
    """Pictures of any size as the model takes them, (N, 3, side, side) float32.

    Args:
        pictures: (H, W, 3) uint8 RGB each.
        processor: of the model.
        side_pixels: in place of the processor's own side.
    """
    return normalise([fit(one, processor, side_pixels) for one in pictures], processor)


def fit(picture: Pixels, processor: BaseImageProcessor, side_pixels: int | None = None) -> Pixels:
    """A picture in the model's size, (side, side, 3) uint8 RGB.

    Squares are resized at once, everything else goes through the processor's own code. A processor
    with steps that only it knows leaves the picture as it is, for `normalise`.

    Args:
        picture: (H, W, 3) uint8 RGB.
        processor: of the model.
        side_pixels: in place of the processor's own side.
    """
    if _is_special(processor):
        return picture
    side = side_of(processor) if side_pixels is None else side_pixels
    keeps_all = getattr(processor, "crop_pct", None) in (None, 1.0)
    is_cropped = bool(getattr(processor, "do_center_crop", False))
    height, width = picture.shape[:2]
    if height == width and keeps_all and not is_cropped and processor.do_resize:
        if height == side:
            return picture
        resized = Image.fromarray(picture).resize((side, side), processor.resample)
        return np.asarray(resized, np.uint8)
    size = {} if side_pixels is None else {"size": {"shortest_edge": side}}
    fitted = processor(images=picture, return_tensors="np", **_RAW, **size)["pixel_values"][0]
    return np.ascontiguousarray(np.asarray(fitted, np.uint8).transpose(1, 2, 0))


def normalise(fitted: Sequence[Pixels], processor: BaseImageProcessor) -> Tensor:
    """What `fit` gave, scaled and normalised at once, (N, 3, side, side) float32.

    Args:
        fitted: pictures of one size.
        processor: whose constants are used.
    """
    if _is_special(processor):
        whole = [processor(images=one, return_tensors="pt")["pixel_values"] for one in fitted]
        return torch.cat(whole)
    pixels = torch.from_numpy(np.stack(fitted)).permute(0, 3, 1, 2)
    values = pixels.to(torch.float32, memory_format=torch.contiguous_format)
    if processor.do_rescale:
        values.mul_(processor.rescale_factor)
    if not processor.do_normalize:
        return values
    mean, deviation = (
        torch.tensor(value).view(-1, 1, 1) for value in (processor.image_mean, processor.image_std)
    )
    return values.sub_(mean).div_(deviation)


def side_of(processor: BaseImageProcessor) -> int:
    """Side of the square that the model sees, pixels."""
    size = processor.crop_size if getattr(processor, "do_center_crop", False) else processor.size
    return int(size.get("shortest_edge") or size["height"])


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


def _is_special(processor: BaseImageProcessor) -> bool:
    """True where only the processor's own code will do: steps of its own, or no single size."""
    has_side = any(processor.size.get(name) for name in ("shortest_edge", "height"))
    return not has_side or any(getattr(processor, name, False) for name in _EXTRAS)
