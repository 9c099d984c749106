"""What a check says: a stable code, an outcome, the number and its limit, and what to do."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["pass", "fail", "underpowered"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `value` with its 95 % interval `low` to `high` over `n` is compared with `limit`; all are in
    the unit that `measure` names. `underpowered` means: these data cannot tell.
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
