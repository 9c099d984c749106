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
from faceproof.audit.checks.finders import Finder

FINDERS: Mapping[str, Finder] = {
    **leaks.FINDERS,
    **shortcuts.FINDERS,
    **reliance.FINDERS,
    **shifts.FINDERS,
    **decisions.FINDERS,
    **people.FINDERS,
    **comparisons.FINDERS,
}  # one for each rule
