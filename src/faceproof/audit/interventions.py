"""Changes of a picture that take one thing away, or exchange it for another picture's.

All take and give (H, W, 3) uint8 RGB.
"""

import io
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceproof.data.images import Pixels, decode, encode_jpeg, encode_webp, estimate_jpeg_quality
from faceproof.training.augmentation import blur, jpeg, shrink

Mask = NDArray[np.uint8]  # (H, W), 0 kept to 255 hidden
Exchange = Callable[[Pixels, Pixels, bytes], Pixels]

_FRAME = 0.08  # of the shorter side
_FACE_AXES = 0.36, 0.46  # half axes of the ellipse that holds the face, of width and height
_SOFT = 0.02  # of the side: edges of what is hidden, so that they are no trace themselves
_FINE, _COARSE = 0.01, 0.08  # of the side: blur that takes detail, blur that is taken away
_TONES_SIDE = 256  # pixels; larger photos are blurred at this size
_LIKE_ALL = 75  # JPEG quality of the encoding that all images get
_LOSSY_WEBP = 80  # a WebP file does not tell its quality


def exchange_size(picture: Pixels, donor: Pixels, data: bytes) -> Pixels:
    """The picture in the donor's size in pixels."""
    return _resize(picture, donor.shape[1], donor.shape[0])


def exchange_codec(picture: Pixels, donor: Pixels, data: bytes) -> Pixels:
    """The picture encoded as the donor's file is: its format, JPEG quality and subsampling."""
    with Image.open(io.BytesIO(data)) as file:
        format_ = file.format
        is_subsampled = _is_subsampled(file)
    if format_ == "JPEG":
        quality = min(estimate_jpeg_quality(data) or _LIKE_ALL, 95)
        return decode(encode_jpeg(picture, quality, 2 if is_subsampled else 0))
    return decode(encode_webp(picture, _LOSSY_WEBP)) if format_ == "WEBP" else picture


def _is_subsampled(file: Image.Image) -> bool:
    layers = getattr(file, "layer", None) or ()
    return any(layer[1:3] != (1, 1) for layer in layers[:1]) and len(layers) > 1


def exchange_border(picture: Pixels, donor: Pixels, data: bytes) -> Pixels:
    """The donor's frame around the picture."""
    height, width = picture.shape[:2]
    rim = max(2, round(_FRAME * min(height, width)))
    framed = _resize(donor, width, height).copy()
    framed[rim:-rim, rim:-rim] = picture[rim:-rim, rim:-rim]
    return framed


def exchange_background(picture: Pixels, donor: Pixels, data: bytes) -> Pixels:
    """The donor's surroundings around the picture's face."""
    height, width = picture.shape[:2]
    return _mix(_resize(donor, width, height), picture, find_middle(height, width))


def exchange_colour(picture: Pixels, donor: Pixels, data: bytes) -> Pixels:
    """The donor's mean and spread of each channel (Reinhard et al. 2001, on RGB)."""
    own, other = (
        (one.reshape(-1, 3).mean(axis=0), one.reshape(-1, 3).std(axis=0) + 1e-3)
        for one in (picture, donor)
    )
    moved = (picture - own[0]) * (other[1] / own[1]) + other[0]
    return np.asarray(np.clip(np.rint(moved), 0, 255), np.uint8)


EXCHANGES: Mapping[str, Exchange] = {
    "size": exchange_size,
    "codec": exchange_codec,
    "border": exchange_border,
    "background": exchange_background,
    "colour": exchange_colour,
}


def find_middle(height: int, width: int) -> Mask:
    """An ellipse where the face of a crop is, 255 inside, soft at its edge, (H, W)."""
    mask = np.zeros((height, width), np.uint8)
    centre = (width // 2, height // 2)
    axes = (round(_FACE_AXES[0] * width), round(_FACE_AXES[1] * height))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    return np.asarray(
        cv2.GaussianBlur(mask, (0, 0), max(1.0, _SOFT * min(height, width))), np.uint8
    )


def hide(picture: Pixels, mask: Mask) -> Pixels:
    """The picture with the mean colour of the rest where the mask is.

    Of the rest alone: a mean over all would tell what was hidden.
    """
    rest = picture[mask == 0] if (mask == 0).any() else picture.reshape(-1, 3)
    flat = np.broadcast_to(rest.mean(axis=0), picture.shape).astype(np.uint8)
    return _mix(picture, flat, mask)


def keep_middle(picture: Pixels) -> Pixels:
    """The face alone, the mean colour around it."""
    return hide(picture, np.asarray(255 - find_middle(*picture.shape[:2]), np.uint8))


def take_detail(picture: Pixels) -> Pixels:
    """Slightly blurred: a pixel, or a hundredth of the side."""
    return blur(picture, max(1.0, _FINE * min(picture.shape[:2])))


def take_tones(picture: Pixels) -> Pixels:
    """Without its coarse light and colour: what a strong blur keeps is taken away."""
    height, width = picture.shape[:2]
    share = min(1.0, _TONES_SIDE / min(height, width))  # a blur this wide needs few pixels
    small = shrink(picture, share) if share < 1 else picture
    coarse = cv2.GaussianBlur(small, (0, 0), _COARSE * min(small.shape[:2]))
    coarse = _resize(np.asarray(coarse, np.uint8), width, height)
    return np.asarray(np.clip(picture.astype(np.int16) - coarse + 128, 0, 255), np.uint8)


def encode_alike(picture: Pixels) -> Pixels:
    """Once more a JPEG, of the same quality for all."""
    return jpeg(picture, _LIKE_ALL)


def fit_mask(mask: Mask, picture: Pixels) -> Mask:
    """The mask in the picture's size."""
    if mask.shape == picture.shape[:2]:
        return mask
    size = picture.shape[1::-1]
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def widen(mask: Mask) -> Mask:
    """The mask with its soft edge taken in whole and a little beyond, 0 or 255 before softening."""
    side = max(3, round(2 * _SOFT * min(mask.shape)) * 2 + 1)
    hard = np.where(mask > 0, 255, 0).astype(np.uint8)
    wide = cv2.dilate(hard, np.ones((side, side), np.uint8))
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), 1.0), np.uint8)


def _mix(under: Pixels, over: Pixels, mask: Mask) -> Pixels:
    share = mask[..., None].astype(np.float32) / 255
    return np.asarray(np.rint(under * (1 - share) + over * share), np.uint8)


def _resize(picture: Pixels, width: int, height: int) -> Pixels:
    if picture.shape[:2] == (height, width):
        return picture
    smaller = width < picture.shape[1]
    kernel = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=kernel), np.uint8)
