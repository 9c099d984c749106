"""Numbers from labels and scores: numpy alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceproof.errors import MetricError

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Rows = NDArray[np.int64]

_REPEATS = 1000


@dataclass(frozen=True)
class Measured:
    """A number with its count and 95 % interval."""

    value: float
    n: int
    low: float
    high: float


def auroc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve: the chance that a fake outscores a real, ties counting half.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), any monotone score of fake.

    Raises:
        MetricError: only one class is present.

    Source: Mann-Whitney U statistic (Hanley and McNeil 1982, section 2).
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        raise MetricError("AUROC needs both real and fake images; only one class is present")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mean_rank[inverse][labels == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Share of images whose side of the threshold matches their label; at it counts as fake."""
    return float(np.mean((scores >= threshold) == (labels == 1)))


def measure(statistic: Callable[[Rows], float], groups: NDArray[np.str_], seed: int) -> Measured:
    """A statistic of all rows with its interval over groups.

    Args:
        statistic: from row numbers, shape (M,), to a number; may raise MetricError.
        groups: group name of each row, shape (N,).
        seed: of the bootstrap.

    Raises:
        MetricError: the statistic or its interval does not exist.
    """
    low, high = bootstrap_interval(statistic, groups, np.random.default_rng(seed))
    return Measured(statistic(np.arange(len(groups))), len(groups), low, high)


def bootstrap_interval(
    statistic: Callable[[Rows], float],
    groups: NDArray[np.str_],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """95 % percentile interval when images of one group are not independent.

    Whole groups are drawn with replacement, because photos of one person rise and fall together.
    Draws in which the statistic does not exist (a single class) are drawn again.

    Args:
        statistic: from row numbers, shape (M,), to a number; may raise MetricError.
        groups: group name of each image, shape (N,).
        rng: source of the draws.

    Raises:
        MetricError: fewer than two groups, or the statistic almost never exists.

    Source: cluster bootstrap (Field and Welsh 2007, section 3.1).
    """
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise MetricError("an interval over groups needs at least two groups")
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    values: list[float] = []
    for _ in range(10 * _REPEATS):
        drawn = rng.integers(len(names), size=len(names))
        try:
            values.append(statistic(np.concatenate([members[group] for group in drawn])))
        except MetricError:
            continue
        if len(values) == _REPEATS:
            low, high = np.percentile(values, [2.5, 97.5])
            return float(low), float(high)
    raise MetricError("the groups are too few for an interval: most draws hold a single class")
