"""What unseen images went through before they reach us, imitated: used for training only.

Both labels pass through the same draws, so that none of it can stand for the label.
"""

from collections.abc import Callable

import cv2
import numpy as np

from faceproof.data.images import Pixels, decode, encode_jpeg

Augment = Callable[[Pixels, np.random.Generator], Pixels]

_CHANCE = 0.15  # of each degradation: most images keep most of their traces


def augment(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A mirrored, lit, blurred, resampled, noisy or re-encoded version, each drawn by itself.

    Args:
        pixels: (H, W, 3) uint8 RGB; the result has the same shape.
        rng: source of the draws.
    """
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    for degrade in _DEGRADATIONS:
        if rng.random() < _CHANCE:
            pixels = degrade(pixels, rng)
    return pixels


def _light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    gain, shift = rng.uniform(0.8, 1.2), rng.uniform(-20, 20)
    return _clip(pixels * gain + shift)


def _blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.0)), np.uint8)


def _resample(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Shrink and grow again, each with a kernel of its own."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.6, 0.95)
    kernels = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)
    down, up = (kernels[rng.integers(len(kernels))] for _ in range(2))
    small = cv2.resize(pixels, (round(width * share), round(height * share)), interpolation=down)
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def _add_noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return _clip(pixels + rng.normal(0, rng.uniform(1, 6), pixels.shape))


def _encode_again(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return decode(encode_jpeg(pixels, int(rng.integers(50, 96)), int(rng.choice([0, 2]))))


def _clip(values: np.ndarray) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


_DEGRADATIONS: tuple[Augment, ...] = (_light, _blur, _resample, _add_noise, _encode_again)
