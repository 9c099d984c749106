"""The checks of the audit."""

from collections.abc import Mapping

from faceproof.audit.checks import (
    comparisons,
    decisions,
    leaks,
    people,
    reliance,
    shifts,
    shortcuts,
)
from faceproof.audit.checks.check import Check

SECTIONS: Mapping[str, tuple[Check, ...]] = {
    "Leaks": leaks.CHECKS,
    "Shortcuts in the data": shortcuts.CHECKS,
    "What the classifier follows": reliance.FOLLOWS,
    "What is left when something is taken away": reliance.ABLATIONS,
    "Other conditions": shifts.CHECKS,
    "Decisions": decisions.CHECKS,
    "Groups of people and pictures": people.CHECKS,
    "Comparisons": comparisons.CHECKS,
}  # in the order of the report
CHECKS: Mapping[str, Check] = {one.code: one for checks in SECTIONS.values() for one in checks}
