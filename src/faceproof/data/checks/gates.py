"""What a build must pass before anything is published: probes that never see the forgery.

Each probe sees one aspect of the images (the file, a thumbnail, the border, who it is, ...) and
tries to tell fake from real by it, family by family. Local forgeries leave file, thumbnail and
border alone and are made of everybody alike, so there a probe that succeeds refuses the build.
Forgeries of the whole image change every pixel, and colour and spectrum change with any forgery:
those probes are reported and refuse nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.shortcuts import judge, probe, read_file_facts
from faceproof.data.images import Pixels, decode
from faceproof.errors import DatasetError, MetricError
from faceproof.intervals import Ranking
from faceproof.metrics import Labels, Measured, auroc
from faceproof.records import FAKE, NONE, SPLITS

View = Callable[[Pixels], NDArray[np.float64]]

LOCAL_FAMILIES = ("blend", "inpaint", "warp")
CONTAINER = "container"
IDENTITY = "identity"
_REFUSING = (CONTAINER, IDENTITY, "thumbnail", "border")
_TRAITS = ("identity_id", "sex", "age_band", "skin_tone")
_ALL = "all"
_THUMBNAIL_SIDE = 8
_BORDER_PIXELS = 2
_SPECTRUM_SIDE = 64
_FOLDS = 5
_PERMUTATIONS = 10
_PENALTY = 0.1  # of the logistic regression, scikit-learn's C

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Image:
    """An image as the probes see it."""

    facts: dict[str, float | str]
    traits: dict[str, str]
    views: dict[str, NDArray[np.float64]]
    label: int
    family: str
    pair: str
    group: str


def see_thumbnail(pixels: Pixels) -> NDArray[np.float64]:
    """An 8 by 8 grey thumbnail, shape (64,)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    side = (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE)
    return np.asarray(cv2.resize(grey, side, interpolation=cv2.INTER_AREA), np.float64).ravel()


def see_border(pixels: Pixels) -> NDArray[np.float64]:
    """Mean and spread of each side's outermost pixels per channel, shape (24,)."""
    rim = _BORDER_PIXELS
    sides = (pixels[:rim], pixels[-rim:], pixels[:, :rim], pixels[:, -rim:])
    numbers = [side.reshape(-1, 3).astype(np.float64) for side in sides]
    return np.concatenate([part for one in numbers for part in (one.mean(axis=0), one.std(axis=0))])


def see_colour(pixels: Pixels) -> NDArray[np.float64]:
    """Mean and spread of each channel and of their differences, shape (12,)."""
    values = pixels.astype(np.int16)
    both = (cv2.meanStdDev(one) for one in (values, values - np.roll(values, -1, axis=2)))
    means, spreads = zip(*both, strict=True)
    return np.concatenate([*means, *spreads]).ravel()


def see_blur(pixels: Pixels) -> NDArray[np.float64]:
    """Log spread of the Laplacian at three scales, of all and of the middle, shape (6,).

    Source: variance of the Laplacian as a measure of focus (Pech-Pacheco et al. 2000).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    spreads = []
    for size in (1, 3, 5):
        edges = cv2.Laplacian(grey, cv2.CV_64F, ksize=size)
        top, left = (side // 4 for side in edges.shape)
        spreads += [edges.std(), edges[top:-top, left:-left].std()]
    return np.log(np.array(spreads) + 1e-3)


def see_spectrum(pixels: Pixels) -> NDArray[np.float64]:
    """Log power by radial frequency of the middle of the picture, shape (32,).

    Source: azimuthal averages (Durall et al. 2020, section 3.1).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float64)
    side = min(_SPECTRUM_SIDE, *grey.shape)
    top, left = ((length - side) // 2 for length in grey.shape)
    window = np.outer(np.hanning(side), np.hanning(side))
    middle = grey[top : top + side, left : left + side] * window
    power = np.log(np.abs(np.fft.fft2(middle)) ** 2 + 1e-6)
    frequencies = np.fft.fftfreq(side) * _SPECTRUM_SIDE
    radius = np.minimum(np.hypot(frequencies[:, None], frequencies[None]), 31).astype(int)
    counts = np.bincount(radius.ravel(), minlength=32)
    return np.bincount(radius.ravel(), power.ravel(), minlength=32) / np.maximum(counts, 1)


VIEWS: Mapping[str, View] = {
    "thumbnail": see_thumbnail, "border": see_border, "colour": see_colour, "blur": see_blur,
    "spectrum": see_spectrum,
}  # fmt: skip


def check_gates(splits: Mapping[str, Dataset], seed: int) -> list[Finding]:
    """Run every probe on every family of encoded images.

    The code of a finding is `gate_<family>_<probe>`.
    """
    rows = (row for name in SPLITS for row in splits[name])
    total = sum(len(splits[name]) for name in SPLITS)
    images = [_look(row) for row in progress(rows, "looking for shortcuts", "images", total)]
    families = sorted({image.family for image in images if image.label == FAKE})
    findings = []
    for family in families:
        chosen = [one for one in images if one.family in (family, NONE)]
        findings += [
            _probe_family(chosen, family, name, seed) for name in (CONTAINER, IDENTITY, *VIEWS)
        ]
    return findings


def refuse_failures(findings: Sequence[Finding]) -> None:
    """Stop a build in which file, person, thumbnail or border tell a local forgery.

    Raises:
        DatasetError: with the codes and values.
    """
    codes = {f"gate_{family}_{name}" for family in LOCAL_FAMILIES for name in _REFUSING}
    failed = [one for one in findings if one.outcome == "fail" and one.code in codes]
    for one in findings:
        if one.outcome == "fail":
            logger.warning("%s: AUROC %.3f without a look at the face", one.code, one.value)
    if failed:
        said = ", ".join(f"{one.code} (AUROC {one.value:.3f})" for one in failed)
        raise DatasetError(f"the label can be told without the face: {said}; nothing was published")


def _look(row: dict[str, object]) -> _Image:
    data = bytes(row["image"]["bytes"])  # type: ignore[index]  # an encoded image
    pixels = decode(data)
    return _Image(
        facts=read_file_facts(data),
        traits={name: str(row[name]) for name in _TRAITS},
        views={name: see(pixels) for name, see in VIEWS.items()},
        label=int(str(row["label"])),
        family=str(row["family"]),
        pair=str(row["pair_id"]),
        group=str(row["component_id"]),
    )


def _probe_family(images: Sequence[_Image], family: str, name: str, seed: int) -> Finding:
    labels = np.array([image.label for image in images], np.int64)
    groups = np.array([image.group for image in images])
    pairs = name_pairs(np.array([image.pair for image in images]), labels)
    seen = f"AUROC of a probe that sees the {name} of {family} and real images"
    measured: Measured | None
    try:
        if agree_within(pairs, _show(images, name)):
            measured = Measured(0.5, len(labels), 0.5, 0.5)  # compared, not estimated
            found = judge(f"gate_{family}_{name}", measured, len(labels), seen)
            return replace(found, low=None, high=None)
        if name == CONTAINER:
            measured = probe([image.facts for image in images], labels, groups, seed)
        elif name == IDENTITY:
            # Folds by photo: a person's other photos are what could tell. Images of one photo have
            # the same traits, so chance is any exchange of labels, not one within photos.
            photos = np.array([image.pair for image in images])
            anywhere = np.full(len(images), _ALL)
            traits = DictVectorizer().fit_transform([one.traits for one in images])
            measured = probe_view(traits, labels, anywhere, photos, seed)
        else:
            measured = probe_view(_show(images, name), labels, pairs, groups, seed)
    except MetricError:
        measured = None
    return judge(f"gate_{family}_{name}", measured, len(labels), seen)


def _show(images: Sequence[_Image], name: str) -> NDArray[np.generic]:
    """What a probe sees of each image; facts of the file and of the person as text."""
    if name in (CONTAINER, IDENTITY):
        return np.array([str(one.facts if name == CONTAINER else one.traits) for one in images])
    return np.stack([image.views[name] for image in images])


def name_pairs(pairs: NDArray[np.str_], labels: Labels) -> NDArray[np.str_]:
    """Within what labels, (N,), may be exchanged: a photo, (N,); all where photos are not alike.

    If every photo has as many fakes, photos cannot tell the label and are taken out. If not (fakes
    of nobody's photo, or of some people only), differences between photos count.
    """
    counts: dict[str, list[int]] = {}
    for pair, label in zip(pairs.tolist(), labels.tolist(), strict=True):
        counts.setdefault(pair, [0, 0])[label] += 1
    is_balanced = len({fake / max(real, 1) for real, fake in counts.values()}) == 1
    return pairs if is_balanced else np.full(len(pairs), _ALL)


def agree_within(pairs: NDArray[np.str_], views: NDArray[np.generic]) -> bool:
    """All images of a pair look the same: nothing tells the label, and nothing is estimated."""
    order = np.argsort(pairs, kind="stable")
    is_next = pairs[order][1:] == pairs[order][:-1]
    one, other = views[order][1:][is_next], views[order][:-1][is_next]
    is_number = np.issubdtype(views.dtype, np.number)
    return np.allclose(one, other) if is_number else bool((one == other).all())


def probe_view(
    views: NDArray[np.float64] | csr_matrix, labels: Labels, pairs: NDArray[np.str_],
    groups: NDArray[np.str_], seed: int,
) -> Measured:  # fmt: skip
    """How well a linear probe tells the label, calibrated by what it reaches by chance.

    Images of one photo look alike, which biases probes across folds. So the label is permuted
    within each pair some times, and the mean of what the probe then reaches is moved to 0.5.

    Args:
        views: what the probe sees, shape (N, D).
        labels: shape (N,), 0 real, 1 fake.
        pairs: within what labels are permuted, usually the photo, shape (N,).
        groups: images of one group are never on both sides of a fold, shape (N,).
        seed: of folds, permutations and bootstrap.

    Raises:
        MetricError: fewer than five groups, or a single class.
    """
    rng = np.random.default_rng(seed)
    scores = score_across_folds(views, labels, groups, seed)
    by_chance = []
    for _ in range(_PERMUTATIONS):
        permuted = _permute_within(labels, pairs, rng)
        by_chance.append(auroc(permuted, score_across_folds(views, permuted, groups, seed)))
    shift = 0.5 - float(np.mean(by_chance))
    raw = Ranking(labels, scores).estimate(groups).measured
    value, low, high = (min(1.0, one + shift) for one in (raw.value, raw.low, raw.high))
    return Measured(value, raw.n, low, high)


def score_across_folds(
    views: NDArray[np.float64] | csr_matrix, labels: Labels, groups: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """Scores of a logistic regression for images it was not fitted on, shape (N,).

    Arguments as those of `probe_view`.

    Raises:
        MetricError: fewer than five groups of a label.
    """
    if min(len(np.unique(groups[labels == label])) for label in (0, 1)) < _FOLDS:
        raise MetricError(f"a regression needs at least {_FOLDS} groups of each label")
    scores = np.zeros(len(labels))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    # The products are small; on busy cores their threads would mostly wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for known, unseen in folds.split(views, labels, groups):
            scaler = StandardScaler(with_mean=not issparse(views))
            model = make_pipeline(scaler, LogisticRegression(C=_PENALTY, max_iter=500))
            model.fit(views[known], labels[known])
            scores[unseen] = model.decision_function(views[unseen])
    return scores


def _permute_within(labels: Labels, pairs: NDArray[np.str_], rng: np.random.Generator) -> Labels:
    permuted = np.empty_like(labels)
    by_pair = np.argsort(pairs, kind="stable")
    drawn = np.lexsort((rng.random(len(labels)), pairs))
    permuted[by_pair] = labels[drawn]
    return permuted
