"""Where a classifier looks: a heat map over the picture.

Source: gradient-weighted class activation mapping (Selvaraju et al. 2017), on the last layer that
still has places.
"""

import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.preprocessing import normalise
from faceproof.records import FAKE
from faceproof.storage import claim_folder, replacing

_NAME_CHARACTERS = 60  # of a map: file systems end at 255 bytes
_STRENGTH = 0.55  # of the colours over the picture


def find_heat(
    model: PreTrainedModel, processor: BaseImageProcessor, picture: Pixels
) -> NDArray[np.float32]:
    """How much each place speaks for fake, (H, W) float32, 0 to 1; all 0 where none does.

    Args:
        model: in evaluation mode.
        processor: of the model.
        picture: (side, side, 3) uint8 RGB, in the model's size.
    """
    values = normalise([picture], processor)
    outputs = model(pixel_values=values, output_hidden_states=True)
    hidden = outputs.hidden_states[-1]
    if hidden.ndim == 3:  # the last tokens of a ViT but the first lead nowhere: one layer earlier
        hidden = outputs.hidden_states[-2]
    margin = torch.logsumexp(outputs.logits[0, FAKE:], dim=0) - outputs.logits[0, 0]
    (slope,) = torch.autograd.grad(margin, hidden)
    places, slopes = to_map(hidden.detach())[0], to_map(slope)[0]
    weight = slopes.mean(dim=(1, 2), keepdim=True)
    heat = torch.relu((weight * places).sum(dim=0)).numpy()
    whole = cv2.resize(heat, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole / max(float(whole.max()), 1e-12), np.float32)


def to_map(hidden: Tensor) -> Tensor:
    """Hidden states by place, (N, C, h, w): maps stay; of tokens the last h * w are places."""
    if hidden.ndim == 4:
        return hidden
    side = int(hidden.shape[1] ** 0.5)
    tokens = hidden[:, -side * side :].transpose(1, 2)
    return tokens.reshape(*tokens.shape[:2], side, side)


def draw_heat(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """The picture and, beside it, the picture under the heat map, (side, 2 * side, 3) uint8."""
    colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = _STRENGTH * heat[..., None]
    covered = np.rint(picture * (1 - share) + colours * share).astype(np.uint8)
    return np.hstack([picture, covered])


def name_map(image: str) -> str:
    """A file name of its own for the map of an image: the end of its path, and a hash of it."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", image)[-_NAME_CHARACTERS:].lstrip("._")
    return f"{readable}-{hashlib.sha256(image.encode()).hexdigest()[:8]}.png"


def write_map(drawn: Pixels, name: str, folder: Path) -> None:
    """Put the heat map of an image into a folder, under the image's name, as a PNG."""
    claim_folder(folder)
    with replacing(folder / name_map(name)) as partial:
        Image.fromarray(drawn).save(partial, "PNG")
