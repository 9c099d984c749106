"""Can the score be read as a probability, does a threshold hold, what is an alarm worth?"""

import math

import numpy as np

from faceproof.audit.cases import Case, Sampled, sample
from faceproof.audit.checks.check import Check
from faceproof.bootstrap import measure
from faceproof.data.checks.findings import Finding
from faceproof.errors import MetricError
from faceproof.intervals import TAIL, Share, measure_calibration
from faceproof.metrics import Measured, Rows
from faceproof.records import FAKE

_ALARM_RATE = 0.05
_RATES = (0.5, 0.01, 0.001)  # shares of fakes among all images; the first is judged
_FEWEST = 20


class Unscored(Check):
    """Images that the predictions leave out."""

    code, title = "unscored", "Images without a score"
    measure = "images that can be read and have no score"
    limit = 0
    passed = "Every image that can be read has a score."
    failed = "The number leaves images out, and nobody knows how they would have been judged."
    advice = "Score every image; count those that cannot be judged as errors."

    def find(self, case: Case) -> Finding:
        named = [str(name) for name in case.evidence.table["name"].iloc[case.unscored]]
        return self.count(named, len(case.seen.rows))


class Calibration(Check):
    """The stated probability against the observed frequency."""

    code, title = "calibration", "Score read as a probability"
    measure = "root mean square calibration error, free of chance"
    limit = 0.10
    passed = "The score can be read as a probability."
    failed = "The score is not the probability it looks like."
    advice = "Fit a temperature on validation, or state that scores only rank."

    def find(self, case: Case) -> Finding:
        scores, labels = case.scores, case.labels
        if len(labels) < 2 * _FEWEST:
            return self.open(f"There are {len(labels)} images.", len(labels))
        measured = sample(measure_calibration(labels, scores, case.groups), case.groups)
        share = float((labels == FAKE).mean())
        return self.judge(
            measured, f"Mean score {scores.mean():.2f}, share of fakes {share:.2f}."
        )  # fmt: skip


class ThresholdTransfer(Check):
    """False alarms in test at the score that a twentieth of validation's reals exceed."""

    code, title = "threshold_transfer", "Threshold on unseen people"
    measure = "false alarms in test at the threshold with 5 % in validation"
    limit = 0.15
    counts = "real images of test"
    passed = "The threshold holds on unseen people."
    failed = "The threshold does not hold on unseen people."
    advice = "Choose thresholds on people, sources and encoders like those in use."

    def find(self, case: Case) -> Finding:
        if case.validation is None:
            return self.skip("No scores of validation images are known.")
        labels = case.evidence.labels[case.validation.rows]
        reals = case.validation.margins[labels != FAKE]
        own = np.flatnonzero(case.labels != FAKE)
        if len(reals) < _FEWEST or len(own) < _FEWEST:
            return self.open(f"There are not {_FEWEST} real images on both sides.", len(own))
        margins = np.concatenate([reals, case.scored.margins[own]])
        is_known = np.arange(len(margins)) < len(reals)
        known = case.evidence.groups[case.validation.rows][labels != FAKE]

        def alarm(drawn: Rows) -> float:
            seen, unseen = margins[drawn][is_known[drawn]], margins[drawn][~is_known[drawn]]
            if not len(seen) or not len(unseen):
                raise MetricError("no real image on one side")
            return float((unseen > _limit(seen)).mean())

        groups = np.concatenate([known, case.groups[own]])
        both = measure(alarm, groups, case.seed)
        # No wider than the alarms at this very threshold would be a false promise.
        every = np.ones(len(case.labels), bool)
        alone = case.measure(Share(case.scored.margins > _limit(reals), every), own)
        low, high = min(both.low, alone.low), max(both.high, alone.high)
        return self.judge(Sampled(alone.value, alone.n, low, high, alone.groups))


def _limit(margins: np.ndarray) -> float:
    return float(np.quantile(margins, 1 - _ALARM_RATE, method="higher"))


class BaseRate(Check):
    """How many alarms are right at some shares of fakes, from the bounds of both rates."""

    code, title = "base_rate", "Worth of an alarm"
    measure = "share of right alarms where half of all images are fake"
    limit = 0.80
    is_upper = False
    passed = "At even odds an alarm is mostly right."
    failed = "Even where half of all images are fake, many alarms are wrong."
    advice = "Raise the threshold; say what an alarm is worth at the rate of fakes in use."

    def find(self, case: Case) -> Finding:
        is_fake, places = case.labels == FAKE, np.arange(len(case.labels))
        found, alarms = (
            case.measure(Share(case.calls_fake, among), places) for among in (is_fake, ~is_fake)
        )
        told = [_weigh(found, alarms, rate) for rate in _RATES]
        said = ", ".join(
            f"{rate:.1%} fakes: {one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
            for rate, one in zip(_RATES, told, strict=True)
        )
        note = (
            f"Right alarms at {said}. Fakes found {_tell(found)}; false alarms {_tell(alarms)} "
            f"among {alarms.n} real images. {self._need(found)}"
        )
        people = len(np.unique(case.groups))
        return self.judge(Sampled(**vars(told[0]), groups=people), note.strip())

    def _need(self, found: Measured) -> str:
        """People without a false alarm that the rarest rate would take."""
        rare = _RATES[-1]
        alarms = found.value * rare / (1 - rare) * (1 - self.limit) / self.limit
        if not 0 < alarms < 1:
            return ""
        people = math.ceil(math.log(TAIL) / math.log1p(-alarms))
        return (
            f"To show {self.limit:.2f} at {rare:.1%}, about {people:,} people without any false "
            "alarm would be needed."
        )


def _tell(measured: Measured) -> str:
    return f"{measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f})"


def _weigh(found: Measured, alarms: Measured, rate: float) -> Measured:
    """Precision, where so large a share of the images is fake.

    Raises:
        MetricError: no alarm was raised.
    """

    def precision(right: float, wrong: float) -> float:
        right, wrong = rate * right, (1 - rate) * wrong
        if not right + wrong:
            raise MetricError("No alarm was raised.")
        return right / (right + wrong)

    value = precision(found.value, alarms.value)
    low, high = precision(found.low, alarms.high), precision(found.high, alarms.low)
    return Measured(value, found.n + alarms.n, low, high)


CHECKS: tuple[Check, ...] = (Unscored(), Calibration(), ThresholdTransfer(), BaseRate())
