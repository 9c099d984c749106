"""The checks of the audit, in the order of the report."""

from collections.abc import Callable, Mapping

from faceproof.audit.cases import Case
from faceproof.audit.checks import (
    comparisons,
    decisions,
    leaks,
    people,
    reliance,
    shifts,
    shortcuts,
)
from faceproof.data.checks.findings import Finding

CHECKS: Mapping[str, Callable[[Case], list[Finding]]] = {
    "leaks": leaks.check,
    "shortcuts": shortcuts.check,
    "reliance": reliance.check,
    "shifts": shifts.check,
    "decisions": decisions.check,
    "people": people.check,
    "comparisons": comparisons.check,
}
