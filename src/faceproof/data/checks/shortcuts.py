"""Can the label be told without looking at the face?"""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold

from faceproof.data.checks.findings import Finding, Outcome
from faceproof.data.images import UNDECODABLE
from faceproof.errors import MetricError
from faceproof.intervals import Ranking
from faceproof.metrics import Labels, Measured

FAIL_ABOVE = 0.55  # AUROC: the interval lies wholly above, so the label does leak
PASS_BELOW = 0.60  # AUROC: the interval must end at or below it, and the value at FAIL_ABOVE
_FOLDS = 5
_TREES = 100
_LEAF_IMAGES = 5
_QUANTISATION = 0  # the luminance table of a JPEG


def read_file_facts(data: bytes) -> dict[str, float | str]:
    """What a file says before its pixels are looked at.

    Returns:
        Size in bytes, width, height, bytes per pixel, format, colour mode, sum of the JPEG
        luminance table and chroma subsampling (-1 where there is none), whether EXIF is present.
        An undecodable file gives its size and the format `unreadable`.
    """
    facts: dict[str, float | str] = {"size_bytes": float(len(data)), "format": "unreadable"}
    try:
        with Image.open(io.BytesIO(data)) as picture:
            tables = getattr(picture, "quantization", None) or {}
            is_jpeg = isinstance(picture, JpegImagePlugin.JpegImageFile)
            subsampling = JpegImagePlugin.get_sampling(picture) if is_jpeg else -1
            facts |= {
                "format": str(picture.format),
                "mode": picture.mode,
                "width": float(picture.width),
                "height": float(picture.height),
                "bytes_per_pixel": len(data) / (picture.width * picture.height),
                "quantisation": float(sum(tables.get(_QUANTISATION, [-1]))),
                "subsampling": float(subsampling),
                "has_exif": float("exif" in picture.info),
            }
    except (Image.DecompressionBombError, *UNDECODABLE):
        pass  # the format says `unreadable`: that too is a fact about the file
    return facts


def probe(
    facts: Sequence[dict[str, float | str]], labels: Labels, groups: NDArray[np.str_], seed: int
) -> Measured:
    """How well a small forest tells the label from facts it has not seen, groups kept apart.

    Args:
        facts: one dict per image.
        labels: shape (N,), 0 real, 1 fake.
        groups: images of one group are never on both sides of a fold, shape (N,).
        seed: of folds, forest and bootstrap.

    Returns:
        AUROC of out-of-fold scores with its 95 % interval over groups.

    Raises:
        MetricError: fewer than five groups, or fewer than five images of a label.
    """
    table = pd.get_dummies(pd.DataFrame(list(facts))).fillna(-1).to_numpy(np.float64)
    rarest = min(np.bincount(labels, minlength=2))
    if len(np.unique(groups)) < _FOLDS or rarest < _FOLDS:
        raise MetricError(f"a probe needs at least {_FOLDS} groups and images of each label")
    scores = np.zeros(len(labels))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for known, unseen in folds.split(table, labels, groups):
        forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF_IMAGES, random_state=seed)
        forest.fit(table[known], labels[known])
        # A fold may hold one class only; its forest then says nothing about the other.
        scores[unseen] = (
            forest.predict_proba(table[unseen])[:, -1] if len(forest.classes_) == 2 else 0.5
        )
    return Ranking(labels, scores).estimate(groups).measured


def judge(code: str, measured: Measured | None, n: int, seen: str) -> Finding:
    """Compare a probe's AUROC over `n` images with the limits; None: it could not be run."""
    outcome: Outcome = "underpowered"
    if measured is not None and measured.low > FAIL_ABOVE:
        outcome = "fail"
    elif measured is not None and measured.value <= FAIL_ABOVE and measured.high <= PASS_BELOW:
        outcome = "pass"
    meaning, advice = _SAYINGS[outcome]
    value, low, high = (
        (None,) * 3 if measured is None else (measured.value, measured.low, measured.high)
    )
    return Finding(code, outcome, seen, value, low, high, FAIL_ABOVE, n, meaning, advice)


_SAYINGS: dict[Outcome, tuple[str, str]] = {
    "pass": ("What this probe sees does not tell real from fake.", "Nothing to do."),
    "fail": (
        "Real and fake can be told apart without a look at the face; a high accuracy may be this.",
        "Write both labels with one encoder at one size, and measure the classifier again.",
    ),
    "underpowered": (
        "There are too few independent groups to say whether this gives the label away.",
        "Add people (groups), not more images of the same ones.",
    ),
}
