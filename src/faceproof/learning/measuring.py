"""Numbers of one scored split: how well, how calibrated, for whom, how sure of them we are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import MetricError
from faceproof.learning.augmentation import Augment
from faceproof.learning.decisions import Decision, Margins
from faceproof.learning.pools import Pool
from faceproof.learning.scoring import score_rows
from faceproof.metrics import (
    Labels,
    Measured,
    Rows,
    Scores,
    accuracy,
    auroc,
    average_precision,
    brier_score,
    calibration_error,
    equal_error_rate,
    found_at_false_alarms,
    measure,
)
from faceproof.records import FAKE

Metric = Callable[[Labels, Scores], float]
Statistic = Callable[[Rows], float]

_RANKINGS: Mapping[str, Metric] = {
    "auroc": auroc,
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


@dataclass(frozen=True)
class ScoredSplit:
    """Rows of a split as a model saw them: row numbers, shape (N,), and margins, shape (N,)."""

    pool: Pool
    rows: Rows
    margins: Margins

    @property
    def labels(self) -> Labels:
        """0 real, 1 fake, shape (N,)."""
        return self.pool.labels[self.rows]

    @property
    def groups(self) -> NDArray[np.str_]:
        """The component of each row, shape (N,)."""
        return self.pool.groups[self.rows]

    def keep(self, rows: Rows) -> "ScoredSplit":
        """Those of the rows that are among the given ones."""
        is_kept = np.isin(self.rows, rows)
        return replace(self, rows=self.rows[is_kept], margins=self.margins[is_kept])


def score_split(
    model: PreTrainedModel, processor: BaseImageProcessor, pool: Pool, rows: Rows | None = None,
    change: Augment | None = None,
) -> ScoredSplit:  # fmt: skip
    """Rows of a split, every one if none are named, scored after a change of each image."""
    rows = np.arange(len(pool.table)) if rows is None else rows
    return ScoredSplit(pool, rows, score_rows(model, processor, pool, rows, change))


def measure_split(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """Every metric that these rows can give, and AUROC of each method against all reals.

    Intervals are over components. Values are named `<name>_<metric>` and `<name>_auroc_<method>`;
    those that the rows are too few for are left out.
    """
    scores = decision.to_scores(split.margins)
    whole = measure_decision(split.labels, scores, decision, split.groups, seed)
    values = {f"{name}_{metric}": value for metric, value in whole.items()}
    for method in split.pool.methods:
        known = split.keep(split.pool.rows_against(method))
        statistic = partial(on_rows, auroc, known.labels, known.margins)
        measured = measure_all({f"{name}_auroc_{method}": statistic}, known.groups, seed)
        values |= measured
    return values


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
    values = measure_all(list_statistics(labels, scores, decision), groups, seed)
    decided = (scores >= decision.fake_from) | (scores < decision.real_below)
    among = {"false_alarms": labels != FAKE, "accuracy_decided": decided}
    for name in among.keys() & values.keys():
        values[name] = replace(values[name], n=int(among[name].sum()))
    return values


def list_statistics(labels: Labels, scores: Scores, decision: Decision) -> dict[str, Statistic]:
    """Every metric as a function of row numbers.

    `accuracy` is of the forced verdict; `coverage` the share that is not unsure, and
    `accuracy_decided` and `false_alarms` are of the verdicts that may abstain.
    """
    called_fake = scores >= decision.fake_from
    decided = called_fake | (scores < decision.real_below)
    is_right = called_fake == (labels == FAKE)
    statistics: dict[str, Statistic] = {
        name: partial(on_rows, metric, labels, scores) for name, metric in _RANKINGS.items()
    }
    return statistics | {
        "accuracy": lambda rows: accuracy(labels[rows], scores[rows], decision.threshold),
        "coverage": lambda rows: float(decided[rows].mean()),
        "accuracy_decided": lambda rows: _share(is_right[rows], decided[rows]),
        "false_alarms": lambda rows: _share(called_fake[rows], labels[rows] != FAKE),
    }


def average(runs: Sequence[Mapping[str, Statistic]]) -> dict[str, Statistic]:
    """The mean of each statistic over training runs that scored the same rows."""

    def mean(name: str, rows: Rows) -> float:
        return float(np.mean([run[name](rows) for run in runs]))

    return {name: partial(mean, name) for name in runs[0]}


def measure_all(
    statistics: Mapping[str, Statistic], groups: NDArray[np.str_], seed: int
) -> dict[str, Measured]:
    """Each statistic with its interval over components; those that do not exist are left out."""
    values = {name: _try(statistic, groups, seed) for name, statistic in statistics.items()}
    return {name: value for name, value in values.items() if value is not None}


def on_rows(metric: Metric, labels: Labels, scores: Scores, rows: Rows) -> float:
    """A metric of some rows; with the first three given, a statistic."""
    return metric(labels[rows], scores[rows])


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    if not among.any():
        raise MetricError("a share of no images")
    return float(hits[among].mean())


def _try(statistic: Statistic, groups: NDArray[np.str_], seed: int) -> Measured | None:
    try:
        return measure(statistic, groups, seed)
    except MetricError:
        return None
