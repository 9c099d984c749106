"""Numbers from labels and scores: numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceproof.errors import MetricError

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Rows = NDArray[np.int64]


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
    rank_sum = float(_rank(scores)[labels == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def place(labels: Labels, scores: Scores) -> Scores:
    """For each image the share of the other class that it is ranked right against, shape (N,).

    Ties count half. The mean over either class is the AUROC.

    Source: placement values (DeLong et al. 1988).
    """
    placed = np.empty(len(scores))
    ranks, is_fake = _rank(scores), labels == 1
    for own, sign in ((is_fake, 1), (~is_fake, -1)):
        below = (ranks[own] - _rank(scores[own])) / (len(labels) - own.sum())
        placed[own] = below if sign > 0 else 1 - below
    return placed


def _rank(scores: Scores) -> Scores:
    """Ranks from 1; equal scores share the mean of theirs."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Share of images whose side of the threshold matches their label; at it counts as fake."""
    return float(np.mean((scores >= threshold) == (labels == 1)))


def average_precision(labels: Labels, scores: Scores) -> float:
    """Mean precision over the fakes, from the highest score down; tied scores count as one step.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), any monotone score of fake.

    Raises:
        MetricError: no fake is present.

    Source: area under the precision-recall steps, without interpolation (Manning et al. 2008,
    chapter 8.4).
    """
    found, alarms = _count_above(labels, scores)
    if not found[-1]:
        raise MetricError("average precision needs fake images; none is present")
    gained = np.diff(found, prepend=0)
    return float((gained * found / (found + alarms)).sum() / found[-1])


def equal_error_rate(labels: Labels, scores: Scores) -> float:
    """Error rate at the threshold where missed fakes and false alarms are equally frequent.

    Between two thresholds the curve is a straight line.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), any monotone score of fake.

    Raises:
        MetricError: only one class is present.

    Source: ISO/IEC 19795-1, on the convex ROC's chords as drawn.
    """
    false_alarms, found = roc_curve(labels, scores)
    gap = false_alarms - (1 - found)  # from -1, where nothing is called fake, to 1
    after = int(np.argmax(gap >= 0))
    before = max(after - 1, 0)
    step = gap[after] - gap[before]
    share = 0.0 if step == 0 else -gap[before] / step
    return float(false_alarms[before] + share * (false_alarms[after] - false_alarms[before]))


def found_at_false_alarms(labels: Labels, scores: Scores, false_alarm_rate: float) -> float:
    """Share of fakes found by the best threshold with at most so many false alarms (TPR@FPR).

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), any monotone score of fake.
        false_alarm_rate: 0 to 1, of the real images.

    Raises:
        MetricError: only one class, or fewer real images than one false alarm stands for.
    """
    false_alarms, found = roc_curve(labels, scores)
    real = int((labels == 0).sum())
    if real * false_alarm_rate < 1:
        raise MetricError(
            f"{real} real images cannot show a false-alarm rate of {false_alarm_rate:g}"
        )
    return float(found[false_alarms <= false_alarm_rate].max())


def brier_score(labels: Labels, scores: Scores) -> float:
    """Mean squared distance of the probability of fake from the label, 0 to 1 (Brier 1950)."""
    return float(np.mean((scores - labels) ** 2))


def calibration_error(labels: Labels, scores: Scores, bins: int = 10) -> float:
    """Mean distance of stated from observed frequency of fakes over bins of equal count.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), probability of fake, 0 to 1.
        bins: at most; fewer where there are fewer images.

    Raises:
        MetricError: there are no images.

    Source: expected calibration error (Naeini et al. 2015), bins of equal count (Nguyen and
    O'Connor 2015), which do not leave most images in one bin.
    """
    stated, observed, counts = reliability_bins(labels, scores, bins)
    return float((counts * np.abs(stated - observed)).sum() / counts.sum())


def reliability_bins(
    labels: Labels, scores: Scores, bins: int = 10
) -> tuple[Scores, Scores, NDArray[np.int64]]:
    """Mean stated probability, observed share of fakes and count of bins of about equal count.

    Raises:
        MetricError: there are no images.
    """
    places = assign_bins(scores, bins)
    counts = np.bincount(places)
    return np.bincount(places, scores) / counts, np.bincount(places, labels) / counts, counts


def assign_bins(scores: Scores, bins: int = 10) -> Rows:
    """The bin of each image, shape (N,), from the lowest scores up; of about equal count.

    Raises:
        MetricError: there are no images.
    """
    if not len(scores):
        raise MetricError("calibration needs images; there are none")
    ordered = np.sort(scores)
    ends = np.linspace(0, len(ordered), min(bins, len(ordered)) + 1).round().astype(np.int64)[1:]
    # Equal scores share a bin: their order says nothing.
    return np.searchsorted(np.unique(ordered[ends - 1]), scores, side="left")


def precision_recall_curve(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Share of fakes found, and share of fakes among what is called fake, from the highest score.

    Raises:
        MetricError: no fake is present.
    """
    found, alarms = _count_above(labels, scores)
    if not found[-1]:
        raise MetricError("a precision-recall curve needs fake images; none is present")
    return found / found[-1], found / (found + alarms)


def roc_curve(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Rates of false alarms and of found fakes, from none called fake to all.

    Raises:
        MetricError: only one class is present.
    """
    found, alarms = _count_above(labels, scores)
    if not found[-1] or not alarms[-1]:
        raise MetricError("a ROC curve needs both real and fake images; only one class is present")
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, found / found[-1])


def _count_above(labels: Labels, scores: Scores) -> tuple[Rows, Rows]:
    """Fakes and reals at or above each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    fakes = np.cumsum(labels[order] == 1)[ends]
    return fakes, ends + 1 - fakes
