"""Numbers of scored images: how well they are ranked, how calibrated, how sure we are of them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from faceproof.bootstrap import Statistic, measure
from faceproof.detector.calibration import Decision
from faceproof.errors import MetricError
from faceproof.intervals import Ranking, Share, TooFewGroupsError
from faceproof.metrics import (
    Labels,
    Measured,
    Rows,
    Scores,
    average_precision,
    brier_score,
    calibration_error,
    equal_error_rate,
    found_at_false_alarms,
)
from faceproof.records import FAKE

Metric = Callable[[Labels, Scores], float]

_METRICS: Mapping[str, Metric] = {
    "average_precision": average_precision,
    "eer": equal_error_rate,
    "found_at_5": partial(found_at_false_alarms, false_alarm_rate=0.05),
    "found_at_1": partial(found_at_false_alarms, false_alarm_rate=0.01),
    "brier": brier_score,
    "ece": calibration_error,
}
TITLES: Mapping[str, str] = {
    "auroc": "area under the ROC curve",
    "average_precision": "average precision",
    "eer": "equal error rate",
    "found_at_5": "fakes found at 5 % false alarms",
    "found_at_1": "fakes found at 1 % false alarms",
    "brier": "Brier score",
    "ece": "calibration error",
    "accuracy": "accuracy, forced",
    "coverage": "coverage: not unsure",
    "accuracy_decided": "accuracy where not unsure",
    "false_alarms": "false alarms among reals",
}  # of what `list_statistics` lists, for readers


def measure_decision(
    labels: Labels, scores: Scores, decision: Decision, groups: NDArray[np.str_], seed: int
) -> dict[str, Measured]:
    """Ranking, calibration, the forced verdict and the one that may abstain.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), calibrated probability of fake.
        decision: of the model.
        groups: component of each image, shape (N,).
        seed: of the intervals' bootstrap.

    Returns:
        What these images can give of `list_statistics`; a share of some images states their
        number, not that of all.
    """
    return measure_all(list_statistics(labels, scores, decision), groups, seed)


def list_statistics(labels: Labels, scores: Scores, decision: Decision) -> dict[str, Statistic]:
    """Every metric as a function of row numbers.

    `accuracy` is of the forced verdict; `coverage` the share that is not unsure, and
    `accuracy_decided` and `false_alarms` are of the verdicts that may abstain.
    """
    called_fake = scores >= decision.fake_from
    decided = called_fake | (scores < decision.real_below)
    is_right = called_fake == (labels == FAKE)
    every = np.ones(len(labels), bool)
    return {
        "auroc": Ranking(labels, scores),
        **{name: partial(on_rows, metric, labels, scores) for name, metric in _METRICS.items()},
        "accuracy": Share(decision.force(scores) == (labels == FAKE), every),
        "coverage": Share(decided, every),
        "accuracy_decided": Share(is_right, decided),
        "false_alarms": Share(called_fake, labels != FAKE),
    }


def average(runs: Sequence[Mapping[str, Statistic]]) -> dict[str, Statistic]:
    """The mean of each statistic over training runs that scored the same rows."""

    def mean(name: str, rows: Rows) -> float:
        return float(np.mean([run[name](rows) for run in runs]))

    return {name: partial(mean, name) for name in runs[0]}


def measure_all(
    statistics: Mapping[str, Statistic], groups: NDArray[np.str_], seed: int,
    limits: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Measured]:  # fmt: skip
    """Each statistic with its interval over components; those that do not exist are left out.

    With fewer than five groups the interval is the whole range, `limits`: the number is known, and
    nothing of its error.
    """
    values = {name: _try(one, groups, seed, limits) for name, one in statistics.items()}
    return {name: value for name, value in values.items() if value is not None}


def on_rows(metric: Metric, labels: Labels, scores: Scores, rows: Rows) -> float:
    """A metric of some rows; with the first three given, a statistic."""
    return metric(labels[rows], scores[rows])


def _try(
    statistic: Statistic, groups: NDArray[np.str_], seed: int, limits: tuple[float, float]
) -> Measured | None:
    try:
        return measure(statistic, groups, seed, limits)
    except TooFewGroupsError as error:
        return Measured(error.value, error.n, *limits)
    except MetricError:
        return None
