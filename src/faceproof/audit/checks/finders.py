"""What a check is: a function of the case, and what the case must hold for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from faceproof.audit import rules
from faceproof.audit.cases import Case
from faceproof.data.checks.findings import Finding

_NO_SCORES = "No classifier was given."
_NO_MODEL = "Predictions alone cannot be asked again; give the model."


@dataclass(frozen=True)
class Finder:
    """How a check is made. `needs`: the data alone, scores too, or the classifier itself."""

    needs: Literal["data", "scores", "model"]
    find: Callable[[Case], Finding]

    def run(self, code: str, case: Case) -> Finding:
        """The finding; not applicable where what it needs is not there."""
        if self.needs != "data" and case.test is None:
            return rules.skip(code, _NO_SCORES)
        if self.needs == "model" and case.classifier is None:
            return rules.skip(code, _NO_MODEL)
        count = len(case.seen.rows if self.needs == "data" else case.labels)
        return rules.attempt(code, partial(self.find, case), count)
