"""Two looks at an image that need no network: its radial power spectrum, and an 8 x 8 thumbnail."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceproof.data.images import Pixels

Features = NDArray[np.float32]

_THUMBNAIL_PIXELS = 8
_RINGS = 40  # of the spectrum, from flat to the finest detail
_SPECTRUM_PIXELS = 128


def measure_spectrum(pixels: Pixels) -> Features:
    """Log power in rings of equal width, shape (40,), of the grey middle square.

    Source: azimuthal average of the power spectrum (Durall et al. 2020).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    side = min(_SPECTRUM_PIXELS, *grey.shape)
    top, left = ((length - side) // 2 for length in grey.shape)
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(
        np.fft.fftshift(np.fft.fft2(grey[top : top + side, left : left + side] * window))
    )
    rows, columns = np.indices(power.shape) - side // 2
    radius = np.hypot(rows, columns) / (side / 2)
    ring = np.minimum((radius * _RINGS).astype(np.int64), _RINGS)
    sums = np.bincount(ring.ravel(), (power**2).ravel(), _RINGS + 1)[:_RINGS]
    counts = np.bincount(ring.ravel(), minlength=_RINGS + 1)[:_RINGS]
    return np.log(sums / counts + 1).astype(np.float32)


def shrink_to_thumbnail(pixels: Pixels) -> Features:
    """The image as 8 x 8 colours, shape (192,), 0 to 1."""
    size = (_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small.ravel() / 255, np.float32)
