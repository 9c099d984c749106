"""What the checks are given: evidence, observations, and the scores that are in question."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from faceproof.audit.classifiers import Classifier
from faceproof.audit.evidence import Evidence
from faceproof.audit.observations import ForgedRegions, Observations, hash_rows, observe
from faceproof.audit.scores import read_scores
from faceproof.bootstrap import Statistic, measure
from faceproof.console import progress
from faceproof.data.checks.duplicates import Hash
from faceproof.data.images import Pixels
from faceproof.data.inputs.labels import LabelReader
from faceproof.data.inputs.names import NameIndex
from faceproof.detector.calibration import Decision, Margins
from faceproof.errors import ImageError, InputError, MetricError
from faceproof.intervals import FEWEST_GROUPS, Combination, Ranking, Share
from faceproof.metrics import Labels, Measured, Rows, Scores, auroc
from faceproof.records import FAKE

logger = logging.getLogger(__name__)

_VALIDATION = "validation"
_CALIBRATING = 2000  # images of validation that are scored, at most
_PLAIN = Decision(1.0, 0.5, 0.5, 0.5, 0.05)  # of a classifier that stored none


@dataclass(frozen=True)
class Scored:
    """Rows with their margins (above 0 means fake), both of shape (N,)."""

    rows: Rows
    margins: Margins


@dataclass(frozen=True)
class Sampled(Measured):
    """A measured number, and over how many groups."""

    groups: int

    def widen(self, ratio: float) -> "Sampled":
        """The same share or difference of shares, its bounds so many times as far away."""
        low, high = (self.value + ratio * (one - self.value) for one in (self.low, self.high))
        return replace(self, low=max(low, -1.0 if self.low < 0 else 0.0), high=min(high, 1.0))


def sample(measured: Measured, groups: NDArray[np.str_]) -> Sampled:
    """A measured number with the count of its groups, from the group of each row."""
    return Sampled(**vars(measured), groups=len(np.unique(groups)))


def _on_places(statistic: Statistic, places: Rows, drawn: Rows) -> float:
    return statistic(places[drawn])


@dataclass(frozen=True)
class Case:
    """One classifier on one set of images.

    Attributes:
        evidence: the images and what is stated of them.
        seen: what was seen of the audited rows.
        test: the scores in question; None where only the data are audited.
        validation: scores of validation rows, None where there are none.
        classifier: None where only predictions are known.
        decision: its rule; a plain one where it stored none.
        images: at most so many images are changed and scored again.
        subgroups: columns whose values are compared.
        seed: of folds, draws and intervals.
        others: AUROC of the same classifier trained with other seeds.
        unscored: audited rows that can be read and that the predictions leave out.
    """

    evidence: Evidence
    seen: Observations
    test: Scored | None
    validation: Scored | None
    classifier: Classifier | None
    decision: Decision
    images: int
    subgroups: tuple[str, ...]
    seed: int
    others: tuple[float, ...] = ()
    unscored: Rows = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def scored(self) -> Scored:
        """The scores in question.

        Raises:
            MetricError: there are none.
        """
        if self.test is None:
            raise MetricError("no classifier was given")
        return self.test

    @cached_property
    def labels(self) -> Labels:
        """Truth of the scored rows, shape (N,)."""
        return self.evidence.labels[self.scored.rows]

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """What ties the scored rows, shape (N,)."""
        return self.evidence.groups[self.scored.rows]

    @cached_property
    def scores(self) -> Scores:
        """Probability of fake of the scored rows, shape (N,)."""
        return self.decision.to_scores(self.scored.margins)

    @cached_property
    def calls_fake(self) -> NDArray[np.bool_]:
        """The forced verdict on the scored rows, shape (N,)."""
        return self.decision.force(self.scores)

    def column(self, name: str) -> NDArray[np.str_] | None:
        """A column of the scored rows as text; None where the data do not state it."""
        if name not in self.evidence.table:
            return None
        return np.asarray(self.evidence.table[name].astype(str))[self.scored.rows]

    def measure(
        self, statistic: Statistic, places: Rows, limits: tuple[float, float] = (0.0, 1.0)
    ) -> Sampled:
        """A statistic of places among the scored rows, with its interval over groups.

        Args:
            statistic: from places among the scored rows to a number.
            places: which of them, shape (M,).
            limits: between which it lies.

        Raises:
            MetricError: the statistic or its interval does not exist.
        """
        groups = self.groups[places]
        if isinstance(statistic, Share | Ranking | Combination):
            statistic = statistic.keep(places)
            return sample(measure(statistic, groups, self.seed, limits), groups)
        own = partial(_on_places, statistic, places)
        return sample(measure(own, groups, self.seed, limits), groups)

    @cached_property
    def ranking(self) -> Ranking:
        """AUROC of the scored rows as a statistic."""
        return Ranking(self.labels, self.scored.margins)

    @cached_property
    def is_wrong(self) -> NDArray[np.bool_]:
        """The forced verdict is not the truth, shape (N,)."""
        return np.asarray(self.calls_fake != (self.labels == FAKE))

    def rank(self, places: Rows) -> float:
        """AUROC of places among the scored rows."""
        return auroc(self.labels[places], self.scored.margins[places])

    @cached_property
    def drawn(self) -> Rows:
        """Places of whole groups drawn at random, about `images` of them, shape (M,)."""
        return draw_groups(self.groups, self.images, self.seed)

    def pictures(self, places: Rows) -> Iterator[Pixels]:
        """The images at some places, decoded one at a time."""
        return (self.evidence.picture(row) for row in self.scored.rows[places].tolist())

    def hashes_of(self, rows: Rows) -> dict[int, Hash]:
        """Perceptual hashes of those of these rows that can be decoded."""
        known = {row: self.seen.hashes[row] for row in rows.tolist() if row in self.seen.hashes}
        missing = np.array([row for row in rows.tolist() if row not in known], np.int64)
        return known | hash_rows(self.evidence, missing)

    @cached_property
    def regions(self) -> ForgedRegions:
        """Where the photos were forged."""
        return ForgedRegions(self.evidence)


@dataclass(frozen=True)
class Question:
    """How a case is looked at: see `Case`; `labels` reads what the predictions call an image."""

    images: int = 400
    subgroups: tuple[str, ...] = ()
    seed: int = 0
    labels: LabelReader = field(default_factory=LabelReader)


def open_case(
    evidence: Evidence, classifier: Classifier | None, predictions: Path | None, question: Question
) -> Case:
    """Look at the audited images and get their scores.

    Args:
        evidence: the images.
        classifier: scores them; None where predictions are given, or only data are audited.
        predictions: CSV with scores by image name.
        question: how they are looked at.

    Raises:
        InputError: no image of the predictions is in the data, or no image can be read.
    """
    seen = observe(evidence, evidence.audited)
    if not len(seen.rows):
        raise InputError("none of the images with known truth can be read")
    test = validation = None
    decision = _PLAIN
    if classifier is not None:
        test = _score(evidence, classifier, seen.rows, "scoring")
        chosen = _choose_validation(evidence, question.seed)
        validation = _score(evidence, classifier, chosen, "scoring validation")
        decision = classifier.decision or _PLAIN
    elif predictions is not None:
        by_name, threshold = read_scores(predictions, question.labels)
        test, validation = _look_up(evidence, by_name, seen.rows, predictions)
        decision = replace(_PLAIN, threshold=threshold)
    scored = seen.rows if test is None else test.rows
    return Case(
        evidence=evidence, seen=seen, test=test, unscored=np.setdiff1d(seen.rows, scored),
        validation=validation if validation is not None and len(validation.rows) else None,
        classifier=classifier, decision=decision, images=question.images,
        subgroups=question.subgroups, seed=question.seed,
    )  # fmt: skip


def _score(evidence: Evidence, classifier: Classifier, rows: Rows, title: str) -> Scored:
    readable: list[int] = []

    def read() -> Iterator[Pixels]:
        for row in progress(rows.tolist(), title, "images", len(rows)):
            try:
                picture = evidence.picture(row)
            except ImageError:
                continue
            readable.append(row)
            yield picture

    margins = classifier.score(read())
    return Scored(np.array(readable, np.int64), margins)


def _choose_validation(evidence: Evidence, seed: int) -> Rows:
    rows = np.setdiff1d(evidence.rows_of(_VALIDATION), evidence.audited)
    drawn = np.random.default_rng(seed).permutation(len(rows))[:_CALIBRATING]
    return rows[np.sort(drawn)]


def _look_up(
    evidence: Evidence, by_name: dict[str, float], rows: Rows, predictions: Path
) -> tuple[Scored, Scored]:
    """Scores of the audited rows, and of validation rows that are in the predictions too."""
    scores_of = _align(evidence, by_name)
    edge = np.finfo(np.float64).eps

    def find(among: Rows) -> Scored:
        known = among[np.isfinite(scores_of[among])]
        scores = scores_of[known]
        return Scored(known, np.asarray(logit(np.clip(scores, edge, 1 - edge)), np.float64))

    test = find(rows)
    if not len(test.rows):
        raise InputError(
            f"none of the images in {predictions} is in the data; give the data it was made on"
        )
    if len(test.rows) < len(rows):
        logger.warning(
            "%d of %d images have no score in %s",
            len(rows) - len(test.rows), len(rows), predictions,
        )  # fmt: skip
    return test, find(np.setdiff1d(evidence.rows_of(_VALIDATION), rows))


def _align(evidence: Evidence, by_name: dict[str, float]) -> NDArray[np.float64]:
    """The score of each row, not a number where the predictions name it by neither name nor id."""
    table = evidence.table
    scores = np.full(len(table), np.nan)
    for column in ("image_id", "name"):  # ids name the images of a Hub dataset
        if column not in table:
            continue
        names = [str(one) for one in table[column]]
        index, rows = NameIndex(names), {name: row for row, name in enumerate(names)}
        for name, score in by_name.items():
            if (found := index.find(name)) is not None:
                scores[rows[found]] = score
    return scores


def draw_groups(groups: NDArray[np.str_], images: int, seed: int) -> Rows:
    """Places of whole groups drawn at random, that hold so many images at most.

    Five groups are drawn whatever they hold: fewer have no interval. Those that hold too many for
    the rest are passed over.
    """
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    taken: list[int] = []
    left = images
    for one in np.random.default_rng(seed).permutation(len(names)).tolist():
        if len(taken) < FEWEST_GROUPS or counts[one] <= left:
            taken.append(one)
            left -= int(counts[one])
    return np.flatnonzero(np.isin(codes, taken))


def count_classes(labels: Labels) -> tuple[int, int]:
    """How many are real and how many fake."""
    fakes = int((labels == FAKE).sum())
    return len(labels) - fakes, fakes
