"""Does anyone stand on both sides of a split?"""

from collections.abc import Sequence

from faceproof.data.checks.findings import Finding
from faceproof.data.splits import find_crossings
from faceproof.records import Split

GROUP_CROSSING = "group_crossing"
_NAMED = 5  # groups named in the finding; the rest are counted


def check_groups(groups: Sequence[str] | None, splits: Sequence[Split] | None) -> Finding:
    """Groups (people, near-duplicates) that stand in more than one split.

    Args:
        groups: group of each image, or None where the data state none.
        splits: split of each image, or None.
    """
    if groups is None or splits is None or len(set(splits)) < 2:
        return _make_finding(
            None, 0,
            "The data state no groups or fewer than two splits, so a leak cannot be seen.",
            "Give the audit a dataset with component_id or identity_id and its splits.",
        )  # fmt: skip
    crossings = find_crossings(zip(groups, splits, strict=True))
    number = len(set(groups))
    if not crossings:
        return _make_finding(0, number, "No group stands in two splits.", "Nothing to do.")
    names = [f"{group} ({', '.join(where)})" for group, where in sorted(crossings.items())[:_NAMED]]
    return _make_finding(
        len(crossings), number,
        f"The classifier is tested on people it was trained on: {'; '.join(names)}.",
        "Split by group, train again, and forget the old number.",
    )  # fmt: skip


def _make_finding(crossing: int | None, groups: int, meaning: str, advice: str) -> Finding:
    return Finding(
        code=GROUP_CROSSING,
        outcome="underpowered" if crossing is None else ("fail" if crossing else "pass"),
        measure="groups in more than one split",
        value=crossing,
        low=None,
        high=None,
        limit=0,
        n=groups,
        meaning=meaning,
        advice=advice,
    )
