"""For whom does it fail: stated subgroups, slices of alike pictures, labels in doubt."""

from collections.abc import Mapping

import numpy as np
from cleanlab.filter import find_label_issues
from fairlearn.metrics import MetricFrame
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score

from faceproof.audit import rules
from faceproof.audit.cases import Case, count_classes
from faceproof.audit.checks.finders import Finder
from faceproof.data.checks.findings import Finding
from faceproof.errors import MetricError
from faceproof.metrics import Rows
from faceproof.records import FAKE, NONE, SHAM

_COLUMNS = ("sex", "age_band", "skin_tone")
_UNKNOWN = ("unknown", "unmeasured", "nan", "None", "")
_FEWEST = 30  # images of each label in a subgroup
_SLICES, _SLICE_IMAGES = 8, 15
_COMPONENTS = 16
_TELLING = 0.7  # AUROC below which scores cannot put a label in doubt
_FIRM = 0.5  # share of the right ones that are less certain than a suspect must be


def _compare(case: Case) -> Finding:
    columns = [name for name in (*_COLUMNS, *case.subgroups) if case.column(name) is not None]
    gaps = [one for name in columns if (one := _find_gap(case, name)) is not None]
    if not gaps:
        return rules.skip(
            "subgroup_gap", f"No column states two subgroups with {_FEWEST} images of each label."
        )
    _, name, worst, best = max(gaps)
    values = case.column(name)
    assert values is not None
    places = np.flatnonzero(np.isin(values, [worst, best]))

    def gap(drawn: Rows) -> float:
        return _find_error(case, drawn[values[drawn] == worst]) - _find_error(
            case, drawn[values[drawn] == best]
        )

    measured = case.measure(gap, places)
    return rules.judge("subgroup_gap", measured, f"Worst {name}: {worst}, best: {best}.")


def _find_gap(case: Case, name: str) -> tuple[float, str, str, str] | None:
    """The largest difference in error within a column, with the two values; None where one is."""
    values = case.column(name)
    assert values is not None
    large = [
        value
        for value in np.unique(values)
        if value not in _UNKNOWN and min(count_classes(case.labels[values == value])) >= _FEWEST
    ]
    if len(large) < 2:
        return None
    places = np.isin(values, large)
    frame = MetricFrame(
        metrics=balanced_accuracy_score,
        y_true=case.labels[places],
        y_pred=case.calls_fake[places].astype(int),
        sensitive_features=values[places],
    )
    by_group = frame.by_group
    return float(frame.difference()), name, str(by_group.idxmin()), str(by_group.idxmax())


def _find_error(case: Case, places: Rows) -> float:
    """Mean of missed fakes and false alarms."""
    labels, calls = case.labels[places] == FAKE, case.calls_fake[places]
    if not len(places) or labels.all() or not labels.any():
        raise MetricError("a subgroup without both labels")
    return float(((~calls[labels]).mean() + calls[~labels].mean()) / 2)


def _slice(case: Case) -> Finding:
    """Slices are found on half of the groups and measured on the other half.

    Pictures are clustered by what they look like, not by the classifier's features: near its
    boundary those cluster errors by nature.
    """
    rows = {row: place for place, row in enumerate(case.seen.rows.tolist())}
    chosen = [rows[row] for row in case.scored.rows.tolist()]
    looks = case.seen.baselines["thumbnail"][chosen]
    halves = _halve(case)
    if min(len(half) for half in halves) < 2 * _SLICE_IMAGES:
        return rules.judge("slices", None, f"There are {len(looks)} images.", len(looks))
    found, unseen = halves
    parts = min(_SLICES, len(found) // _SLICE_IMAGES)
    reduced = PCA(min(_COMPONENTS, *looks[found].shape), random_state=case.seed).fit(looks[found])
    clusters = KMeans(parts, n_init=4, random_state=case.seed).fit(reduced.transform(looks[found]))
    is_wrong = (case.calls_fake != (case.labels == FAKE)).astype(np.float64)
    errors = [is_wrong[found][clusters.labels_ == one].mean() for one in range(parts)]
    worst = int(np.argmax(errors))
    where = clusters.predict(reduced.transform(looks)) == worst

    def excess(drawn: Rows) -> float:
        inside = drawn[where[drawn]]
        if not len(inside):
            raise MetricError("no image of the slice")
        return float(is_wrong[inside].mean() - is_wrong[drawn].mean())

    size = int(where[unseen].sum())
    if size < _SLICE_IMAGES:
        return rules.judge("slices", None, f"The worst slice has {size} images.", len(unseen))
    measured = case.measure(excess, unseen)
    return rules.judge("slices", measured, f"The worst of {parts} slices has {size} images.")


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


def _doubt(case: Case) -> Finding:
    """The firm suspects stand for as many wrong labels that are contradicted less firmly.

    Fakes of a method that the scores do not find are left out: they would all be in doubt.
    """
    places, missed = _find_telling(case)
    reals, fakes = count_classes(case.labels[places])
    if missed and not fakes:
        return rules.skip("label_noise", "The scores find no method well enough to doubt a label.")
    if min(reals, fakes) < _FEWEST:
        return rules.judge("label_noise", None, f"{reals} real and {fakes} fake images.")
    ranked = case.rank(places)
    if ranked < _TELLING:
        return rules.skip(
            "label_noise", f"With an AUROC of {ranked:.2f} the scores cannot put a label in doubt."
        )
    suspects = find_suspects(case)
    measured = case.measure(lambda one: min(1.0, float(suspects[one].mean()) / _FIRM), places)
    left = f" Left out, because they are not found: {', '.join(missed)}." if missed else ""
    note = f"{int(suspects[places].sum())} labels are contradicted firmly.{left}"
    return rules.judge("label_noise", measured, note)


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


FINDERS: Mapping[str, Finder] = {
    "subgroup_gap": Finder("scores", _compare),
    "slices": Finder("scores", _slice),
    "label_noise": Finder("scores", _doubt),
}
