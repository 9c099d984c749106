"""Stress tests: fixed changes of test images, a ladder of them, and real photos that look odd.

Source: the corruption ladders of ImageNet-C (Hendrycks and Dietterich 2019) and, for the tiers,
what messengers and boards do to photos; strengths are ours.
"""

from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np

from faceproof.data.images import Pixels
from faceproof.training.augmentation import (
    Augment,
    add_noise,
    bend,
    blur,
    drain,
    jpeg,
    light,
    occlude,
    resample,
    screenshot,
    sharpen,
    shrink,
    webp,
)


def _fixed(change: "partial[Pixels]") -> Augment:
    """A change without draws, in the form of one with."""
    return lambda pixels, rng: change(pixels)


def _round_trip(share: float) -> Augment:
    return _fixed(partial(resample, share=share, down=cv2.INTER_AREA, up=cv2.INTER_CUBIC))


def _send(pixels: Pixels, share: float, quality: int) -> Pixels:
    """Made smaller and encoded, as a site does; it stays small."""
    return jpeg(shrink(pixels, share), quality)


def _cut(pixels: Pixels, share: float) -> Pixels:
    """The middle of the image, each side times `share`."""
    margins = [round(length * (1 - share) / 2) for length in pixels.shape[:2]]
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(
        pixels[margins[0] : height - margins[0], margins[1] : width - margins[1]]
    )


def _mirror(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def _retouch(pixels: Pixels) -> Pixels:
    """Skin smoothed as beauty filters do: edges stay, texture goes."""
    return np.asarray(cv2.bilateralFilter(pixels, 7, 30, 5), np.uint8)


def _dim(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Underexposed and noisy, as a phone sees a dark room."""
    return add_noise(bend(light(pixels, 0.5, 0.0), 1.2), 6.0, rng)


LADDER: Mapping[str, Augment] = {
    "jpeg_90": _fixed(partial(jpeg, quality=90)),
    "jpeg_70": _fixed(partial(jpeg, quality=70)),
    "jpeg_50": _fixed(partial(jpeg, quality=50)),
    "jpeg_30": _fixed(partial(jpeg, quality=30)),
    "double_jpeg": lambda pixels, rng: jpeg(jpeg(pixels, 60), 90),
    "resize_075": _round_trip(0.75),
    "resize_050": _round_trip(0.5),
    "resize_025": _round_trip(0.25),
    "blur_1": _fixed(partial(blur, deviation_pixels=1.0)),
    "blur_2": _fixed(partial(blur, deviation_pixels=2.0)),
    "noise_5": lambda pixels, rng: add_noise(pixels, 5.0, rng),
    "noise_15": lambda pixels, rng: add_noise(pixels, 15.0, rng),
    "sharpened": _fixed(partial(sharpen, amount=1.0)),
    "grey": _fixed(partial(drain)),
    "cropped": _fixed(partial(_cut, share=0.8)),
    "mirrored": _fixed(partial(_mirror)),
    "webp_60": _fixed(partial(webp, quality=60)),
    "occluded": occlude,
    "screenshot": _fixed(partial(screenshot)),
}
HELD_OUT = ("webp_60", "occluded", "screenshot")  # of kinds that training never draws
TIERS: Mapping[str, Augment] = {
    "web": _fixed(partial(_send, share=0.75, quality=60)),
    "hard": _fixed(partial(_send, share=0.5, quality=40)),
}
REENCODED = "jpeg_90"  # the mildest rung: a verdict that flips here flips when a friend sends it on
HARD_REALS: Mapping[str, Augment] = {
    "retouched": _fixed(partial(_retouch)),
    "over_sharpened": _fixed(partial(sharpen, amount=3.0)),
    "upscaled": _round_trip(0.5),
    "low_light": _dim,
}
STRESSES: Mapping[str, Augment] = {**LADDER, **TIERS}
