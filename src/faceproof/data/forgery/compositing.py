"""Putting one picture into another: light, seams, soft edges, rounding."""

import cv2
import numpy as np

from faceproof.data.images import Pixels, is_grey

_MAX_GAIN = 1.4  # of contrast: more burns highlights out


def match_light(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Give the source the target's mean and contrast inside the mask, per channel.

    Source: colour transfer (Reinhard et al. 2001) in RGB.
    """
    chosen = mask > 0
    values, wanted = source[chosen].astype(np.float64), target[chosen].astype(np.float64)
    gain = wanted.std(axis=0) / np.maximum(values.std(axis=0), 1.0)
    gain = np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN)
    matched = (source - values.mean(axis=0)) * gain + wanted.mean(axis=0)
    return to_pixels(matched)


def mix(source: Pixels, target: Pixels, mask: Pixels, share: float = 1.0) -> Pixels:
    """The source where the mask is 255, the target where it is 0.

    Args:
        source: (H, W, 3) uint8.
        target: (H, W, 3) uint8.
        mask: (H, W) uint8.
        share: of the source where the mask is 255, 0 to 1.
    """
    alpha = share * mask[..., None] / 255.0
    return to_pixels(alpha * source + (1 - alpha) * target)


def clone(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Poisson-clone the masked source into the target; fade out along the feather.

    Source: Perez et al. 2003, as in OpenCV's seamlessClone.
    """
    hard = np.where(mask > 0, 255, 0).astype(np.uint8)
    rows, columns = np.where(hard)
    # seamlessClone centres the mask's bounding box on this point.
    centre = (int(columns.min() + columns.max() + 1) // 2, int(rows.min() + rows.max() + 1) // 2)
    cloned = cv2.seamlessClone(source, target, hard, centre, cv2.NORMAL_CLONE)
    return mix(np.asarray(cloned, np.uint8), target, mask)


def dither(pixels: Pixels, mask: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture rounded again with one level of triangular noise where the mask is set.

    A sham for methods whose pipeline, with the manipulation left out, would give the photo back
    byte for byte: it carries the rounding of a computed picture and nothing else.
    """
    noise = np.rint(rng.triangular(-1, 0, 1, pixels.shape[:2]))[..., None]
    return to_pixels(pixels + noise * (mask[..., None] > 0))


def match_grey(pixels: Pixels, photo: Pixels) -> Pixels:
    """A grey photo's fakes stay grey: a tint would give them away."""
    if not is_grey(photo):
        return pixels
    return np.repeat(to_pixels(pixels.mean(axis=2, keepdims=True)), 3, axis=2)


def to_pixels(values: np.ndarray) -> Pixels:
    """Rounded and clipped to uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
