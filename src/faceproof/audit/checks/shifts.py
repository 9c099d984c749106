"""Away from home: by kind of forgery and source, on worse images, on odd real photos."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from faceproof.audit import rules
from faceproof.audit.cases import Case, count_classes
from faceproof.audit.checks.finders import Finder
from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.images import Pixels
from faceproof.detector.calibration import Margins
from faceproof.errors import ImageError, MetricError
from faceproof.metrics import Measured, Rows, auroc
from faceproof.records import FAKE, NONE, SHAM
from faceproof.training.augmentation import Augment
from faceproof.training.corruptions import HARD_REALS, TIERS

_FEWEST = 20  # images that a kind must have to be named


def _find_worst(name: str, case: Case) -> Finding:
    code = f"worst_{name}"
    column = case.column(name)
    if column is None:
        return rules.skip(code, f"The data do not state the {name}.")
    is_fake = case.labels == FAKE
    found: dict[str, Measured] = {}
    for kind in sorted({*column[is_fake]} - {NONE, SHAM}):
        among = column == kind if name == "source" else (column == kind) & is_fake
        places = np.flatnonzero(among if name == "source" else among | ~is_fake)
        if min(count_classes(case.labels[places])) < _FEWEST:
            continue
        try:
            found[kind] = case.measure(case.rank, places)
        except MetricError:
            continue
    if len(found) < 2:  # one kind alone is the whole
        return rules.skip(code, f"Fewer than two kinds of {name} have {_FEWEST} of each label.")
    worst = min(found, key=lambda kind: found[kind].value)
    said = ", ".join(f"{kind} {one.value:.2f}" for kind, one in found.items())
    return rules.judge(code, found[worst], f"The worst is {worst}. By {name}: {said}.")


def _degrade(name: str, case: Case) -> Finding:
    places = case.drawn
    margins = np.full(len(case.scored.rows), np.nan)
    margins[places] = _score(case, places, TIERS[name])
    measured = case.measure(lambda one: auroc(case.labels[one], margins[one]), places)
    return rules.judge(f"tier_{name}", measured, f"As they are: {case.rank(places):.2f}.")


def _score(case: Case, places: Rows, change: Augment) -> Margins:
    assert case.classifier is not None
    pictures = zip(places.tolist(), case.pictures(places), strict=True)
    return case.classifier.score(
        _change(one, change, np.random.default_rng((case.seed, place))) for place, one in pictures
    )


def _change(picture: Pixels, change: Augment, rng: np.random.Generator) -> Pixels:
    """The picture changed; as it is where it is too small for that."""
    try:
        return change(picture, rng)
    except ImageError:
        return picture


def _alarm(case: Case) -> Finding:
    reals = case.drawn[case.labels[case.drawn] != FAKE]
    if len(reals) < _FEWEST:
        return rules.judge("hard_reals", None, f"There are not {_FEWEST} real images.", len(reals))
    found: dict[str, Measured] = {}
    for name, change in progress(HARD_REALS.items(), "odd reals", "kinds", len(HARD_REALS)):
        alarms = np.zeros(len(case.scored.rows))
        scores = case.decision.to_scores(_score(case, reals, change))
        alarms[reals] = case.decision.force(scores)
        found[name] = case.measure(_mean_of(alarms), reals)
    worst = max(found, key=lambda name: found[name].value)
    said = ", ".join(f"{name} {one.value:.2f}" for name, one in found.items())
    plain = float(case.calls_fake[reals].mean())
    return rules.judge("hard_reals", found[worst], f"As they are {plain:.2f}, {said}.")


def _mean_of(values: np.ndarray) -> Callable[[Rows], float]:
    return lambda places: float(values[places].mean())


FINDERS: Mapping[str, Finder] = {
    **{
        f"worst_{name}": Finder("scores", partial(_find_worst, name))
        for name in ("method", "family", "source")
    },
    **{f"tier_{name}": Finder("model", partial(_degrade, name)) for name in TIERS},
    "hard_reals": Finder("model", _alarm),
}
