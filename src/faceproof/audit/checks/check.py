"""What a check is: its code, title, limit and sayings, and how a number becomes a verdict.

A check fails when the whole 95 % interval lies beyond its limit, and passes when the whole interval
lies within; all else is an open question (`underpowered`), with the number of people that would
answer it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from scipy.special import ndtri

from faceproof.audit.cases import Case, Sampled
from faceproof.data.checks.findings import Finding, Outcome
from faceproof.errors import MetricError
from faceproof.intervals import TAIL, miss
from faceproof.metrics import Measured

_NO_SCORES = "No classifier was given."
_NO_MODEL = "Predictions alone cannot be asked again; give the model."
_NAMED = 5  # of what was counted


class Check(ABC):
    """One question to a case.

    `measure` says what the value is and `counts` what its n counts; `is_upper`: values above the
    limit are bad, else those below. `needs`: the data alone, scores too, or the classifier itself.
    """

    code: str
    title: str
    measure: str
    limit: float
    passed: str
    failed: str
    advice: str
    counts: str = "images"
    is_upper: bool = True
    needs: Literal["data", "scores", "model"] = "scores"

    @abstractmethod
    def find(self, case: Case) -> Finding:
        """The finding, where the case holds what the check needs.

        Raises:
            MetricError: the number does not exist.
        """

    def run(self, case: Case) -> Finding:
        """The finding; not applicable where what it needs is not there."""
        if self.needs != "data" and case.test is None:
            return self.skip(_NO_SCORES)
        if self.needs == "model" and case.classifier is None:
            return self.skip(_NO_MODEL)
        try:
            return self.find(case)
        except MetricError as error:
            return self.open(str(error), len(case.seen.rows if case.test is None else case.labels))

    def judge(self, measured: Measured, note: str = "") -> Finding:
        """A finding from a measured value and what else was found, for the reader."""
        sign = 1 if self.is_upper else -1
        beyond = sorted(sign * (one - self.limit) for one in (measured.low, measured.high))
        outcome: Outcome = "underpowered"
        if beyond[0] > 0:
            outcome = "fail"
        elif beyond[1] <= 0:
            outcome = "pass"
        return self._state(outcome, measured, note, self._tell_power(outcome, measured))

    def open(self, reason: str, n: int) -> Finding:
        """A finding that could not be measured for want of images."""
        nothing = "Nothing was measured, so nothing would have been seen."
        said = reason[:1].upper() + reason[1:]
        return self._state("underpowered", None, said, nothing, n)

    def skip(self, reason: str, measured: Measured | None = None) -> Finding:
        """A finding that was not made, with the reason; the value may be told without a verdict."""
        return self._state("not_applicable", measured, reason, "No verdict was made.")

    def count(self, named: list[str], n: int) -> Finding:
        """A finding of what must not be there at all, by name, among so many."""
        shown = "; ".join(named[:_NAMED])
        if len(named) > _NAMED:
            shown += f"; and {len(named) - _NAMED} more"
        power = "All were counted; one would have been enough to fail."
        found = self._state("fail" if named else "pass", None, shown, power, n)
        return replace(found, value=len(named))

    def agree(self, value: float, n: int, note: str) -> Finding:
        """A finding of images that are alike in what is looked at, which needs no interval."""
        return replace(self._state("pass", None, note, "All were compared.", n), value=value)

    def _state(
        self, outcome: Outcome, measured: Measured | None, note: str, power: str, n: int = 0
    ) -> Finding:
        known = {name: getattr(measured, name, None) for name in ("value", "low", "high")}
        return Finding(
            code=self.code, outcome=outcome, measure=self.measure, **known, limit=self.limit,
            n=n if measured is None else measured.n, meaning=self._say(outcome, note),
            advice=self._advise(outcome), power=power, counts=self.counts,
        )  # fmt: skip

    def _say(self, outcome: Outcome, note: str) -> str:
        said = {
            "pass": self.passed,
            "fail": self.failed,
            "underpowered": "These images cannot tell.",
            "not_applicable": "",
        }[outcome]
        ending = "" if not note or note.endswith(".") else "."
        return f"{said} {note}{ending}".strip()

    def _advise(self, outcome: Outcome) -> str:
        return {
            "pass": "",
            "fail": self.advice,
            "underpowered": "Add people, not more images of the same people.",
            "not_applicable": "Give the audit what is missing, or judge this by hand.",
        }[outcome]

    def _tell_power(self, outcome: Outcome, measured: Measured) -> str:
        if outcome == "fail":
            best = measured.low if self.is_upper else measured.high
            return f"Even the better end of the interval, {best:.2f}, is beyond the limit."
        worst = measured.high if self.is_upper else measured.low
        if outcome == "pass":
            return f"Even the worse end of the interval, {worst:.2f}, is within the limit."
        needed = count_needed(measured, self.limit, is_upper=self.is_upper)
        if needed is None:
            return "The value lies beyond the limit, and its interval does not: it may well fail."
        known = _count_groups(measured)
        unit = self.counts if known == measured.n else "people"
        return f"With about {needed:,} {unit} in place of {known:,} this value would pass."


def count_needed(measured: Measured, limit: float, *, is_upper: bool) -> int | None:
    """Groups with which the same value would have its whole interval within the limit.

    Intervals shrink with the square root of the groups; those of what was never seen, at a value of
    0 or 1, as the exact bound does. None where the value is beyond the limit.
    """
    sign = 1 if is_upper else -1
    room = sign * (limit - measured.value)
    reach = measured.high - measured.value if is_upper else measured.value - measured.low
    if room <= 0:
        return None
    groups = _count_groups(measured)
    if measured.value in (0.0, 1.0):
        return math.ceil(math.log(TAIL) / math.log1p(-miss(groups) * min(room / reach, 1.0)))
    return math.ceil(groups * (reach / room) ** 2)


def _count_groups(measured: Measured) -> int:
    return measured.groups if isinstance(measured, Sampled) else measured.n


def find_worst(found: Mapping[str, Sampled], *, is_upper: bool) -> tuple[str, Sampled]:
    """The worst of several numbers that were all looked at, and its interval.

    Bounds are widened for so many looks (Bonferroni, by the ratio of the normal's quantiles). The
    one towards the bad end is the worst of all, so that a pass speaks for every number.
    """
    ratio = float(ndtri(1 - TAIL / len(found)) / ndtri(1 - TAIL))
    wide = {name: one.widen(ratio) for name, one in found.items()}
    sign = 1 if is_upper else -1
    worst = max(wide, key=lambda name: sign * wide[name].value)
    low, high = wide[worst].low, wide[worst].high
    if is_upper:
        high = max(one.high for one in wide.values())
    else:
        low = min(one.low for one in wide.values())
    return worst, Sampled(wide[worst].value, wide[worst].n, low, high, wide[worst].groups)
