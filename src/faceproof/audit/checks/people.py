"""For whom does it fail: stated subgroups, slices of alike pictures, labels in doubt."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from faceproof.audit.cases import Case, Sampled, count_classes
from faceproof.audit.checks.check import Check, find_worst
from faceproof.data.checks.findings import Finding
from faceproof.errors import MetricError
from faceproof.intervals import Combination, Share
from faceproof.metrics import Rows
from faceproof.records import FAKE, NONE, SHAM

_COLUMNS = ("sex", "age_band", "skin_tone")
_UNKNOWN = ("unknown", "unmeasured", "nan", "None", "")
_FEWEST = 30  # images of each label in a subgroup
_SLICES, _SLICE_IMAGES = 8, 15
_COMPONENTS = 16
_TELLING = 0.7  # AUROC below which scores cannot put a label in doubt
_FIRM = 0.5  # share of the right ones that are less certain than a suspect must be
_LOOK = "Look at these images first; collect more of them or say that they are not covered."


class SubgroupGap(Check):
    """Mean of missed fakes and false alarms in one subgroup less that in another."""

    code, title = "subgroup_gap", "Errors by subgroup"
    measure = "largest difference in error between subgroups"
    limit = 0.10
    passed = "No subgroup fares much worse than another."
    failed = "One subgroup fares much worse than another."
    advice = _LOOK

    def find(self, case: Case) -> Finding:
        columns = [name for name in (*_COLUMNS, *case.subgroups) if case.column(name) is not None]
        found: dict[str, Sampled] = {}
        for said, gap, places in (one for name in columns for one in _list_gaps(case, name)):
            try:
                found[said] = case.measure(gap, places)
            except MetricError:
                continue
        if not found:
            return self.skip(
                f"No column states two subgroups with {_FEWEST} images of each label and people "
                "enough."
            )
        said, measured = find_worst(found, is_upper=True)
        return self.judge(measured, f"The largest of {len(found)} compared is {said}.")


def _list_gaps(case: Case, name: str) -> Iterator[tuple[str, Combination, Rows]]:
    """The gap of each pair of large subgroups of a column, the one with more errors first."""
    values = case.column(name)
    assert values is not None
    large = [
        value
        for value in np.unique(values)
        if value not in _UNKNOWN and min(count_classes(case.labels[values == value])) >= _FEWEST
    ]
    is_fake = case.labels == FAKE
    for pair in combinations(large, 2):
        places = np.flatnonzero(np.isin(values, pair))
        first, second = (
            tuple(Share(case.is_wrong, (values == value) & kind) for kind in (is_fake, ~is_fake))
            for value in pair
        )
        signed = [(0.5, one) for one in first] + [(-0.5, one) for one in second]
        gap = Combination(tuple(signed))
        worse, better = pair
        if gap(np.arange(len(values))) < 0:
            gap = Combination(tuple((-weight, one) for weight, one in signed))
            worse, better = better, worse
        yield f"{name} {worse} against {better}", gap, places


class Slices(Check):
    """Slices are found on half of the groups and measured on the other half.

    Pictures are clustered by what they look like, not by the classifier's features: near its
    boundary those cluster errors by nature.
    """

    code, title = "slices", "Errors among alike pictures"
    measure = "error of the worst slice of alike pictures, over the mean"
    limit = 0.20
    passed = "No slice of alike pictures stands out."
    failed = "There is a slice of alike pictures on which it fails."
    advice = _LOOK

    def find(self, case: Case) -> Finding:
        found, unseen = _halve(case)
        if min(len(found), len(unseen)) < 2 * _SLICE_IMAGES:
            return self.open(f"There are {len(case.labels)} images.", len(case.labels))
        parts = min(_SLICES, len(found) // _SLICE_IMAGES)
        where = _find_slice(case, found, parts)
        size = int(where[unseen].sum())
        if size < _SLICE_IMAGES:
            return self.open(f"The worst slice has {size} images.", len(unseen))
        every = np.ones(len(where), bool)
        inside, anywhere = Share(case.is_wrong, where), Share(case.is_wrong, every)
        measured = case.measure(Combination(((1.0, inside), (-1.0, anywhere))), unseen)
        return self.judge(measured, f"The worst of {parts} slices has {size} images.")


def _find_slice(case: Case, found: Rows, parts: int) -> NDArray[np.bool_]:
    """Where the slice lies that has the most errors among the given places, shape (N,)."""
    rows = {row: place for place, row in enumerate(case.seen.rows.tolist())}
    chosen = [rows[row] for row in case.scored.rows.tolist()]
    looks = case.seen.baselines["thumbnail"][chosen]
    reduced = PCA(min(_COMPONENTS, *looks[found].shape), random_state=case.seed).fit(looks[found])
    clusters = KMeans(parts, n_init=4, random_state=case.seed).fit(reduced.transform(looks[found]))
    errors = [case.is_wrong[found][clusters.labels_ == one].mean() for one in range(parts)]
    return np.asarray(clusters.predict(reduced.transform(looks)) == int(np.argmax(errors)))


def _halve(case: Case) -> tuple[Rows, Rows]:
    names = np.unique(case.groups)
    drawn = np.random.default_rng(case.seed).permutation(names)[: len(names) // 2]
    first = np.isin(case.groups, drawn)
    return np.flatnonzero(first), np.flatnonzero(~first)


def find_suspects(case: Case) -> NDArray[np.bool_]:
    """Places whose label is contradicted by a score as certain as most right ones, shape (N,).

    A classifier that is merely weak errs near its boundary; a wrong label is contradicted as firmly
    as a right one is confirmed. So of what confident learning suspects those count whose margin
    reaches the median of the right ones with the same verdict: half of the wrong labels.

    Source: confident learning (Northcutt et al. 2021), by cleanlab; its check of spurious
    correlations is not used.
    """
    scores, margins = case.scores, np.abs(case.scored.margins)
    if min(count_classes(case.labels)) == 0:
        return np.zeros(len(scores), bool)
    suspects = np.asarray(
        find_label_issues(case.labels, np.column_stack([1 - scores, scores]), n_jobs=1), bool
    )
    for verdict in (False, True):
        same = case.calls_fake == verdict
        right = same & ~suspects
        if right.any():
            suspects &= ~same | (margins >= np.quantile(margins[right], _FIRM))
    return suspects


class LabelNoise(Check):
    """The firm suspects stand for as many wrong labels that are contradicted less firmly.

    Fakes of a method that the scores do not find are left out: they would all be in doubt.
    """

    code, title = "label_noise", "Wrong labels"
    measure = "share of labels that are wrong, by the scores"
    limit = 0.05
    passed = "The labels agree with what the scores say."
    failed = "Some labels look wrong, so the number has a ceiling and a bias."
    advice = "Look at the suspects in the report; correct or remove them in every split."

    def find(self, case: Case) -> Finding:
        places, missed = _find_telling(case)
        reals, fakes = count_classes(case.labels[places])
        if missed and not fakes:
            return self.skip("The scores find no method well enough to doubt a label.")
        if min(reals, fakes) < _FEWEST:
            return self.open(f"There are {reals} real and {fakes} fake images.", len(places))
        ranked = case.rank(places)
        if ranked < _TELLING:
            return self.skip(
                f"With an AUROC of {ranked:.2f} the scores cannot put a label in doubt."
            )
        suspects = find_suspects(case)
        firm = case.measure(Share(suspects, np.ones(len(suspects), bool)), places)
        value, low, high = (min(1.0, one / _FIRM) for one in (firm.value, firm.low, firm.high))
        left = f" Left out, because they are not found: {', '.join(missed)}." if missed else ""
        note = f"{int(suspects[places].sum())} labels are contradicted firmly.{left}"
        return self.judge(replace(firm, value=value, low=low, high=high), note)


def _find_telling(case: Case) -> tuple[Rows, list[str]]:
    """Places whose labels the scores can put in doubt, and the methods left out."""
    methods = case.column("method")
    everything = np.arange(len(case.labels))
    if methods is None:
        return everything, []
    is_fake = case.labels == FAKE
    missed = [
        name
        for name in sorted({*methods[is_fake]} - {NONE, SHAM})
        if case.rank(np.flatnonzero((is_fake & (methods == name)) | ~is_fake)) < _TELLING
    ]
    return np.flatnonzero(~(is_fake & np.isin(methods, missed))), missed


CHECKS: tuple[Check, ...] = (SubgroupGap(), Slices(), LabelNoise())
