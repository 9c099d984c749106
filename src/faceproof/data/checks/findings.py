"""What a check says: a stable code, an outcome, the number and its limit, and what to do."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "underpowered"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `value` over `n` is compared with `limit`, in the unit that `measure` names. `low` and `high`
    are its 95 % interval, None where everything was counted; `value` is None where it could not be
    measured. `underpowered` means: these data cannot tell.
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
