"""What a classifier must beat: logistic regression on facts that need no network, or a frozen one.

Four of them: the radial power spectrum, an 8 x 8 thumbnail, what the file says, and the features of
a pretrained EfficientNet-lite0.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from faceproof.console import progress
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.images import Pixels
from faceproof.detector.assets import open_lite0
from faceproof.detector.preprocessing import to_tensor
from faceproof.metrics import Labels, auroc
from faceproof.storage import claim_folder, replacing
from faceproof.training.baselines import Features, measure_spectrum, shrink_to_thumbnail
from faceproof.training.splits import LoadedSplit

_LITE0_PIXELS = 224  # the side it was trained at
_BATCH = 16
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # inverse regularisation, chosen on validation
_STEPS = 300
_FILE_NUMBERS = (
    "size_bytes", "width", "height", "bytes_per_pixel", "quantisation", "subsampling", "has_exif",
)  # fmt: skip


def _measure_each(measure: Callable[[Pixels], Features]) -> Callable[[LoadedSplit], Features]:
    def measure_pool(pool: LoadedSplit) -> Features:
        rows = progress(range(len(pool.images)), measure.__name__, "images", len(pool.images))
        return np.stack([measure(np.ascontiguousarray(pool.images.image(row))) for row in rows])

    return measure_pool


@torch.inference_mode()
def _embed(pool: LoadedSplit) -> Features:
    """Pooled features of EfficientNet-lite0, shape (N, 1280)."""
    model, processor = open_lite0(_LITE0_PIXELS)
    parts = []
    starts = range(0, len(pool.images), _BATCH)
    for start in progress(starts, "features", "batches", len(starts)):
        rows = range(start, min(start + _BATCH, len(pool.images)))
        pictures = [np.ascontiguousarray(pool.images.image(row)) for row in rows]
        outputs = model.base_model(pixel_values=to_tensor(pictures, processor))
        parts.append(outputs.pooler_output.numpy())
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
    if not place.is_file():
        claim_folder(place.parent)
        with replacing(place) as partial, partial.open("wb") as sink:
            np.save(sink, BASELINES[name](pool))
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
