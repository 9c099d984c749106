"""Can the score be read as a probability, and does a threshold hold?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from faceproof.audit import rules
from faceproof.audit.cases import Case, require_groups
from faceproof.audit.checks.finders import Finder
from faceproof.bootstrap import measure
from faceproof.data.checks.findings import Finding
from faceproof.errors import MetricError
from faceproof.metrics import Measured, Rows, calibration_error
from faceproof.records import FAKE

_ALARM_RATE = 0.05
_RATES = (0.5, 0.01, 0.001)  # shares of fakes among all images
_FEWEST = 20
_DRAWS = 50


def _calibrate(case: Case) -> Finding:
    scores, labels = case.scores, case.labels
    if len(labels) < 2 * _FEWEST:
        return rules.judge("calibration", None, f"There are {len(labels)} images.", len(labels))

    def error(places: Rows) -> float:
        return calibration_error(labels[places], scores[places])

    # Few images in a bin err by chance: what labels drawn from the scores would show is taken off.
    rng = np.random.default_rng(case.seed)
    drawn = (rng.random((_DRAWS, len(scores))) < scores).astype(np.int64)
    by_chance = float(np.mean([calibration_error(one, scores) for one in drawn]))
    whole = case.measure(error, np.arange(len(labels)))
    value, low, high = (max(0.0, one - by_chance) for one in (whole.value, whole.low, whole.high))
    measured = Measured(value, whole.n, low, high)
    share = float((labels == FAKE).mean())
    return rules.judge(
        "calibration", measured,
        f"Mean score {scores.mean():.2f}, share of fakes {share:.2f}.",
    )  # fmt: skip


def _transfer(case: Case) -> Finding:
    """The threshold is that of the highest twentieth of validation's reals, and drawn with them."""
    code = "threshold_transfer"
    if case.validation is None:
        return rules.skip(code, "No scores of validation images are known.")
    labels = case.evidence.labels[case.validation.rows]
    reals = case.validation.margins[labels != FAKE]
    own = np.flatnonzero(case.labels != FAKE)
    if len(reals) < _FEWEST or len(own) < _FEWEST:
        return rules.judge(code, None, f"There are not {_FEWEST} real images on both sides.")
    margins = np.concatenate([reals, case.scored.margins[own]])
    is_known = np.arange(len(margins)) < len(reals)
    known_groups = case.evidence.groups[case.validation.rows][labels != FAKE]
    require_groups(known_groups)
    require_groups(case.groups[own])

    def alarm(drawn: Rows) -> float:
        known, unseen = margins[drawn][is_known[drawn]], margins[drawn][~is_known[drawn]]
        if not len(known) or not len(unseen):
            raise MetricError("no real image on one side")
        limit = np.quantile(known, 1 - _ALARM_RATE, method="higher")
        return float((unseen > limit).mean())

    measured = measure(alarm, np.concatenate([known_groups, case.groups[own]]), case.seed)
    return rules.judge(code, replace(measured, n=len(own)))


def _weigh_alarms(case: Case) -> Finding:
    labels, calls = case.labels, case.calls_fake

    def precision(places: Rows, rate: float) -> float:
        fakes = labels[places] == FAKE
        if fakes.all() or not fakes.any():
            raise MetricError("only one class")
        found, alarms = calls[places][fakes].mean(), calls[places][~fakes].mean()
        right = rate * found
        if not right + alarms:
            raise MetricError("no alarm was raised")
        return float(right / (right + (1 - rate) * alarms))

    places = np.arange(len(labels))
    measured = case.measure(lambda one: precision(one, _RATES[0]), places)
    said = ", ".join(f"{rate:.1%} fakes: {precision(places, rate):.2f}" for rate in _RATES)
    return rules.judge("base_rate", measured, f"Right alarms at {said}.")


def _find_unscored(case: Case) -> Finding:
    named = [str(name) for name in case.evidence.table["name"].iloc[case.unscored]]
    return rules.count("unscored", named, len(case.seen.rows))


FINDERS: Mapping[str, Finder] = {
    "unscored": Finder("scores", _find_unscored),
    "calibration": Finder("scores", _calibrate),
    "threshold_transfer": Finder("scores", _transfer),
    "base_rate": Finder("scores", _weigh_alarms),
}
