"""What a check says: a stable code, an outcome, the number and its limit, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faceproof.metrics import Measured
from faceproof.results import Scalar

Outcome = Literal["pass", "fail", "underpowered", "not_applicable"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `value` over `n` is compared with `limit`, in the unit that `measure` names. `low` and `high`
    are its 95 % interval, None where everything was counted; `value` is None where it could not be
    measured. `underpowered` means: these data cannot tell; `not_applicable`: they lack what the
    check looks at, or the value is reported, not scored. `power` says what would have been seen,
    and `counts` what n counts.
    """

    code: str
    outcome: Outcome
    measure: str
    value: float | None
    low: float | None
    high: float | None
    limit: float
    n: int
    meaning: str
    advice: str
    power: str = ""
    counts: str = "images"


def to_values(findings: Sequence[Finding]) -> dict[str, Measured | Scalar]:
    """Findings as named numbers: `<code>_outcome`, `<code>_limit`, `<code>` with n and interval."""
    values: dict[str, Measured | Scalar] = {}
    for finding in findings:
        values |= {
            f"{finding.code}_outcome": finding.outcome,
            f"{finding.code}_limit": finding.limit,
        }
        if finding.low is None or finding.high is None or finding.value is None:
            values |= {finding.code: finding.value, f"{finding.code}_n": finding.n}
        else:
            values[finding.code] = Measured(finding.value, finding.n, finding.low, finding.high)
    return values
