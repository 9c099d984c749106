"""What a classifier must beat: logistic regression on facts that need no network, or a frozen one.

Four of them: the radial power spectrum, an 8 x 8 thumbnail, what the file says, and the features of
a pretrained EfficientNet-lite0.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.console import progress
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.images import Pixels
from faceproof.detector.assets import open_lite0
from faceproof.detector.preprocessing import to_tensor
from faceproof.metrics import Labels, Rows, auroc
from faceproof.storage import claim_folder, replacing
from faceproof.training.splits import LoadedSplit

Features = NDArray[np.float32]

_THUMBNAIL_PIXELS = 8
_RINGS = 40  # of the spectrum, from flat to the finest detail
_SPECTRUM_PIXELS = 128
_LITE0_PIXELS = 224  # the side it was trained at
_BATCH = 16
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # inverse regularisation, chosen on validation
_STEPS = 300
_FILE_NUMBERS = (
    "size_bytes", "width", "height", "bytes_per_pixel", "quantisation", "subsampling", "has_exif",
)  # fmt: skip


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


def _measure_each(measure: Callable[[Pixels], Features]) -> Callable[[LoadedSplit], Features]:
    def measure_pool(pool: LoadedSplit) -> Features:
        rows = progress(range(len(pool.images)), measure.__name__, "images", len(pool.images))
        return np.stack([measure(np.ascontiguousarray(pool.images.image(row))) for row in rows])

    return measure_pool


def _embed(pool: LoadedSplit) -> Features:
    """Pooled features of EfficientNet-lite0, shape (N, 1280)."""
    model, processor = open_lite0(_LITE0_PIXELS)
    rows = np.arange(len(pool.images))
    return embed_rows(
        pool, rows, processor, lambda values: model.base_model(pixel_values=values).pooler_output
    )


@torch.inference_mode()
def embed_rows(
    pool: LoadedSplit, rows: Rows, processor: BaseImageProcessor, embed: Callable[[Tensor], Tensor]
) -> Features:
    """What a network gives of some images, shape (M, D).

    Args:
        pool: the split.
        rows: of its images, shape (M,).
        processor: of the network.
        embed: from pictures, (n, 3, H, W), to features, (n, D).
    """
    parts = []
    starts = range(0, len(rows), _BATCH)
    for start in progress(starts, "features", "batches", len(starts)):
        chosen = rows[start : start + _BATCH].tolist()
        pictures = [np.ascontiguousarray(pool.images.image(row)) for row in chosen]
        parts.append(embed(to_tensor(pictures, processor)).numpy())
    return np.concatenate(parts).astype(np.float32)


def _read_files(pool: LoadedSplit) -> Features:
    """The numbers that each file states before its pixels are looked at."""
    facts = pd.DataFrame([read_file_facts(data) for data in pool.read_files()])
    return facts[list(_FILE_NUMBERS)].fillna(-1).to_numpy(np.float32)


BASELINES: Mapping[str, Callable[[LoadedSplit], Features]] = {
    "spectrum": _measure_each(measure_spectrum),
    "thumbnail": _measure_each(shrink_to_thumbnail),
    "file": _read_files,
    "lite0": _embed,
}


def read_baseline(name: str, pool: LoadedSplit, place: Path) -> Features:
    """A baseline's features of a split, measured once and kept at `place`."""
    return keep_features(place, lambda: BASELINES[name](pool))


def keep_features(place: Path, measure: Callable[[], Features]) -> Features:
    """Features that are measured once and kept at `place`."""
    if not place.is_file():
        claim_folder(place.parent)
        with replacing(place) as partial, partial.open("wb") as sink:
            np.save(sink, measure())
    features: Features = np.load(place)
    return features


def score_baseline(
    known: tuple[Features, Labels], choosing: tuple[Features, Labels], unseen: Features
) -> NDArray[np.float64]:
    """Margins of unseen images, shape (N,), by logistic regression.

    Args:
        known: features and labels to learn from.
        choosing: validation, by whose AUROC the regularisation is chosen.
        unseen: features of the images to score.
    """
    regressions = [
        make_pipeline(
            StandardScaler(),
            LogisticRegression(C=strength, max_iter=_STEPS, class_weight="balanced"),
        ).fit(*known)
        for strength in _STRENGTHS
    ]
    best = max(regressions, key=lambda one: auroc(choosing[1], one.decision_function(choosing[0])))
    return np.asarray(best.decision_function(unseen), np.float64)
