"""Does the test know anybody, or anything, that training knew?"""

from collections.abc import Iterable, Mapping

import numpy as np

from faceproof.audit import rules
from faceproof.audit.cases import Case
from faceproof.audit.checks.finders import Finder
from faceproof.data.checks.duplicates import find_near
from faceproof.data.checks.findings import Finding
from faceproof.data.splits import find_crossings
from faceproof.records import FAKE

_NO_SPLITS = "The data state no splits; give a dataset with train and test."
_NAMING = ("identity_id", "component_id")


def _has_splits(case: Case) -> bool:
    table = case.evidence.table
    return "split" in table and table["split"].nunique() > 1


def _find_people(case: Case) -> Finding:
    table = case.evidence.table
    if not _has_splits(case):
        return rules.skip("leak_identity", _NO_SPLITS)
    stated = [name for name in _NAMING if name in table]
    if not stated:
        return rules.skip("leak_identity", "The data state neither people nor components.")
    crossing: dict[str, tuple[str, ...]] = {}
    for name in stated:
        named_rows = table[table[name] != ""]
        crossing |= find_crossings(zip(named_rows[name], named_rows["split"], strict=True))
    named = [f"{group} ({', '.join(where)})" for group, where in sorted(crossing.items())]
    return rules.count("leak_identity", named, int(table[stated[0]].nunique()))


def _find_copies(case: Case) -> Finding:
    """Photos against photos of other splits: forgeries of one photo are near copies by nature."""
    table = case.evidence.table
    if not _has_splits(case):
        return rules.skip("leak_near_copy", _NO_SPLITS)
    is_photo = table["role"] == "real" if "role" in table else table["label"] != FAKE
    hashes = case.hashes_of(np.flatnonzero(is_photo))
    rows = list(hashes)
    splits, names = table["split"], table["name"]
    named = [
        f"{names[rows[first]]} ({splits[rows[first]]}) and {names[rows[second]]} "
        f"({splits[rows[second]]})"
        for first, second in find_near(
            [hashes[row] for row in rows], np.asarray(splits[rows], np.str_)
        )
    ]
    if not rows:
        return rules.skip("leak_near_copy", "No photo could be compared.")
    return rules.count("leak_near_copy", named, len(rows))


def _find_parents(case: Case) -> Finding:
    table = case.evidence.table
    if not _has_splits(case):
        return rules.skip("leak_parents", _NO_SPLITS)
    if "parent_ids" not in table or "image_id" not in table:
        return rules.skip("leak_parents", "The data do not state what a forgery was made from.")
    uses: Iterable[tuple[str, str]] = (
        (name, split)
        for own, parents, split in zip(
            table["image_id"], table["parent_ids"], table["split"], strict=True
        )
        for name in (own, *parents)
        if name
    )
    crossing = find_crossings(uses)  # type: ignore[arg-type]  # splits as text
    named = [f"{name} ({', '.join(where)})" for name, where in sorted(crossing.items())]
    return rules.count("leak_parents", named, len(table))


FINDERS: Mapping[str, Finder] = {
    "leak_identity": Finder("data", _find_people),
    "leak_near_copy": Finder("data", _find_copies),
    "leak_parents": Finder("data", _find_parents),
}
