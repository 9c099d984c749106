"""What is simulated: a kind of number with known truth, and how its images are grouped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from faceproof.bootstrap import measure
from faceproof.intervals import Combination, Groups, Ranking, Share, measure_calibration
from faceproof.metrics import (
    Labels,
    Measured,
    Scores,
    average_precision,
    brier_score,
    equal_error_rate,
    found_at_false_alarms,
    reliability_bins,
)

Kind = Literal[
    "auroc", "auroc_apart", "rate", "lead", "gap", "average_precision", "eer", "found_at_5",
    "brier", "calibration",
]  # fmt: skip

Drawer = Callable[["Cell", NDArray[np.int64], np.random.Generator], Share | Ranking | Combination]

METRICS: Mapping[Kind, Callable[[Labels, Scores], float]] = {
    "average_precision": average_precision,
    "eer": equal_error_rate,
    "found_at_5": partial(found_at_false_alarms, false_alarm_rate=0.05),
    "brier": brier_score,
}
_GROUPS, _IMAGES = (5, 8, 20, 100, 500), (1, 4, 20)
_CORRELATIONS = (0.0, 0.3, 0.7)
_AUROCS, _RATES = (0.5, 0.75, 0.95, 0.99, 1.0), (0.002, 0.02, 0.1, 0.5)
_UNEVEN = 0.8  # spread of the logarithm of a group's size, where groups are unequal
_REST_AUROC = 0.9  # of scores whose other numbers are simulated
_TILT = 2.0  # what makes them uncalibrated
_LEAD, _ALIKE = 0.05, 0.8  # between two classifiers, and how alike their scores are
_GAP_RATES = (0.1, 0.02)
_DIFFERENCES: tuple[tuple[Kind, float], ...] = (
    ("lead", 0.0), ("lead", _LEAD), ("gap", round(_GAP_RATES[0] - _GAP_RATES[1], 4)),
)  # fmt: skip
_TRUTH_IMAGES = 2_000_000


@dataclass(frozen=True)
class Cell:
    """One kind of number, the truth of it, and the groups of its images.

    `correlation` is that of two images of one group; `is_equal`: every group has `images` images,
    else that many on average. The AUROC `auroc_apart` has groups of one label each.
    """

    kind: Kind
    truth: float
    groups: int
    images: int
    correlation: float
    is_equal: bool = True

    @property
    def is_apart(self) -> bool:
        """Its classes stand apart, so that its bound always holds."""
        return self.kind == "auroc" and self.truth == 1

    @property
    def name(self) -> str:
        """The same as a name of a value."""
        sizes = "equal" if self.is_equal else "unequal"
        return (
            f"{self.kind}_{self.truth:g}_groups_{self.groups}_images_{self.images}"
            f"_correlation_{self.correlation:g}_{sizes}"
        )


def list_cells() -> list[Cell]:
    """Every cell; single images have no correlation and no unequal groups."""
    cells = [Cell("auroc", truth, *grouping) for truth in _AUROCS for grouping in _list_groupings()]
    cells += [Cell("rate", truth, *grouping) for truth in _RATES for grouping in _list_groupings()]
    cells += [
        Cell("auroc_apart", truth, groups, images, correlation)
        for truth in _AUROCS[:4]
        for groups in (8, 20, 100)
        for images in (4, 20)
        for correlation in _CORRELATIONS
    ]
    cells += [
        Cell(kind, truth, groups, images, correlation)
        for kind, truth in _DIFFERENCES
        for groups in ((8, 20, 100) if kind == "lead" else (20, 100))
        for images in (4, 20)
        for correlation in _CORRELATIONS
    ]  # fmt: skip
    rest = [(20, 4), (20, 20), (100, 4)]
    cells += [
        Cell("calibration", tilt, groups, images, correlation)
        for tilt in (1.0, _TILT)
        for groups, images in rest
        for correlation in _CORRELATIONS
    ]
    return cells + [
        Cell(kind, find_truth(kind), groups, images, correlation)
        for kind in METRICS
        for groups, images in rest
        for correlation in (0.3, 0.7)
    ]


def _list_groupings() -> Iterator[tuple[int, int, float, bool]]:
    for groups in _GROUPS:
        yield groups, 1, 0.0, True
        for images in _IMAGES[1:]:
            for correlation in _CORRELATIONS:
                yield from ((groups, images, correlation, is_equal) for is_equal in (True, False))


@cache
def find_truth(kind: Kind) -> float:
    """A metric of very many images, to four digits."""
    rng = np.random.default_rng(0)
    labels, scores = _draw_scores(np.arange(_TRUTH_IMAGES), 0.0, rng)
    return round(METRICS[kind](labels, scores), 4)


@cache
def _find_gap(tilt: float, bins: int) -> float:
    """The calibration error of very many images."""
    rng = np.random.default_rng(0)
    labels, scores = _draw_scores(np.arange(_TRUTH_IMAGES), 0.0, rng, tilt)
    stated, observed, counts = reliability_bins(labels, scores, bins)
    return float(np.sqrt((counts * (stated - observed) ** 2).sum() / counts.sum()))


def draw(cell: Cell, rng: np.random.Generator) -> tuple[Measured, float]:
    """One data set of a cell, measured; and the truth.

    Raises:
        MetricError: there is no interval, as with five groups of which one has the only reals.
    """
    sizes = _draw_sizes(cell, rng)
    codes = np.repeat(np.arange(cell.groups), sizes)
    groups: Groups = codes.astype(np.str_)
    if cell.kind in METRICS:
        labels, scores = _draw_scores(codes, cell.correlation, rng)
        metric = METRICS[cell.kind]
        seed = int(rng.integers(2**31))
        return measure(lambda r: metric(labels[r], scores[r]), groups, seed), cell.truth
    if cell.kind == "calibration":
        labels, scores = _draw_scores(codes, cell.correlation, rng, cell.truth)
        bins = int(np.clip(cell.groups // 4, 2, 10))
        return measure_calibration(labels, scores, groups), _find_gap(cell.truth, bins)
    return _DRAWERS[cell.kind](cell, codes, rng).estimate(groups).measured, cell.truth


def _draw_sizes(cell: Cell, rng: np.random.Generator) -> NDArray[np.int64]:
    if cell.is_equal:
        return np.full(cell.groups, cell.images)
    drawn = rng.lognormal(0, _UNEVEN, cell.groups)
    sizes = np.rint(drawn / drawn.mean() * cell.images).astype(np.int64)
    return np.asarray(np.maximum(1, sizes))


def _draw_noise(
    codes: NDArray[np.int64], correlation: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Standard normal, so correlated within groups."""
    shared = rng.normal(size=int(codes[-1]) + 1)[codes]
    own = rng.normal(size=len(codes))
    return np.asarray(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


def _draw_ranking(cell: Cell, codes: NDArray[np.int64], rng: np.random.Generator) -> Ranking:
    """Two normals; groups of several images hold both labels, unless they are to lie apart."""
    is_single = cell.images == 1 or cell.kind == "auroc_apart"
    labels = (codes if is_single else np.arange(len(codes))) % 2
    return Ranking(labels, _draw_noise(codes, cell.correlation, rng) + _shift(cell.truth) * labels)


def _shift(truth: float) -> float:
    return float(np.sqrt(2) * ndtri(truth)) if truth < 1 else 100.0


def _draw_rate(cell: Cell, codes: NDArray[np.int64], rng: np.random.Generator) -> Share:
    return Share(_draw_hits(cell.truth, codes, cell.correlation, rng), np.ones(len(codes), bool))


def _draw_hits(
    rate: float, codes: NDArray[np.int64], correlation: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Hits at a rate that each group draws for itself (beta-binomial)."""
    rates = np.full(int(codes[-1]) + 1, rate)
    if correlation:
        odds = (1 - correlation) / correlation
        rates = rng.beta(rate * odds, (1 - rate) * odds, len(rates))
    return rng.random(len(codes)) < rates[codes]


def _draw_lead(cell: Cell, codes: NDArray[np.int64], rng: np.random.Generator) -> Combination:
    """The AUROC of one classifier less that of another on the same images."""
    labels: Labels = np.arange(len(codes)) % 2
    shared, own = (_draw_noise(codes, cell.correlation, rng) for _ in range(2))
    first = shared + _shift(_REST_AUROC) * labels
    second = np.sqrt(_ALIKE) * shared + np.sqrt(1 - _ALIKE) * own
    second += _shift(_REST_AUROC - cell.truth) * labels
    return Combination(((1.0, Ranking(labels, first)), (-1.0, Ranking(labels, second))))


def _draw_gap(cell: Cell, codes: NDArray[np.int64], rng: np.random.Generator) -> Combination:
    """The error rate of one half of the groups less that of the other half."""
    is_first = codes % 2 == 0
    rates = (_draw_hits(rate, codes, cell.correlation, rng) for rate in _GAP_RATES)
    hits = np.where(is_first, *rates)
    return Combination(((1.0, Share(hits, is_first)), (-1.0, Share(hits, ~is_first))))


def _draw_scores(
    codes: NDArray[np.int64], correlation: float, rng: np.random.Generator, tilt: float = 1.0
) -> tuple[Labels, Scores]:
    """Scores that mean what they say, unless tilted; half of the images are fake."""
    labels = rng.integers(0, 2, len(codes))
    shift = _shift(_REST_AUROC)
    logits = shift * (_draw_noise(codes, correlation, rng) + shift * labels - shift / 2)
    return labels, np.asarray(expit(tilt * logits))


_DRAWERS: Mapping[str, Drawer] = {
    "auroc": _draw_ranking, "auroc_apart": _draw_ranking, "rate": _draw_rate,
    "lead": _draw_lead, "gap": _draw_gap,
}  # fmt: skip
