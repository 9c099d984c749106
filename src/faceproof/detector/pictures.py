"""What a caller in Python may hand over as a picture, as the bytes of an image file."""

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from faceproof.data.images import UNDECODABLE
from faceproof.errors import InputError
from faceproof.storage import expand_home

_KEPT = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I", "I;16", "F")  # TIFF has them
_NEAREST = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}

# A path, the bytes of an image file, a Pillow image, or (H, W), (H, W, 3) or (H, W, 4) uint8 with
# the channels in the order RGBA.
Picture = str | PathLike[str] | bytes | Image.Image | NDArray[Any]


def read_picture(picture: Picture) -> bytes:
    """The bytes of an image file that shows the picture, without loss.

    Raises:
        OSError: a path that cannot be read.
        InputError: anything that is no `Picture`, or an image that is closed or empty.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str | PathLike):
        return expand_home(Path(picture)).read_bytes()
    if isinstance(picture, np.ndarray):
        return _write_image(_open_array(picture))
    if isinstance(picture, Image.Image):
        return _write_image(_turn_upright(picture))
    raise InputError(
        f"a picture is a path, bytes, a Pillow image or an array, not {type(picture).__name__}"
    )


def _open_array(pixels: NDArray[Any]) -> Image.Image:
    is_picture = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not is_picture or not pixels.size:
        raise InputError(
            "an array is a picture if it is uint8, 0 to 255, of shape (H, W), (H, W, 3) or "
            f"(H, W, 4); this one is {pixels.dtype} of shape {pixels.shape}"
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _turn_upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except UNDECODABLE:  # metadata that says nothing; the pixels are as they are
        return picture


def _write_image(picture: Image.Image) -> bytes:
    sink = BytesIO()
    try:
        kept = (
            picture if picture.mode in _KEPT else picture.convert(_NEAREST.get(picture.mode, "RGB"))
        )
        kept.save(sink, "TIFF")
    except (OSError, ValueError) as error:  # closed, or without pixels
        raise InputError(f"the image cannot be used: {error}") from error
    return sink.getvalue()
