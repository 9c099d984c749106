"""Does the test know anybody, or anything, that training knew?"""

from collections.abc import Iterable

import numpy as np

from faceproof.audit.cases import Case
from faceproof.audit.checks.check import Check
from faceproof.data.checks.duplicates import find_near
from faceproof.data.checks.findings import Finding
from faceproof.data.splits import find_crossings
from faceproof.records import FAKE

_NO_SPLITS = "The data state no splits; give a dataset with train and test."
_NAMING = ("identity_id", "component_id")


class _Leak(Check):
    """What must not stand in two splits."""

    limit = 0
    advice = "Split by group, train again, and forget the old number."
    needs = "data"

    def run(self, case: Case) -> Finding:
        """Not applicable without splits."""
        table = case.evidence.table
        if "split" not in table or table["split"].nunique() < 2:
            return self.skip(_NO_SPLITS)
        return super().run(case)


class IdentityLeak(_Leak):
    """People and components."""

    code, title = "leak_identity", "People in more than one split"
    measure = "people or components in more than one split"
    counts = "people or components"
    passed = "Nobody stands in two splits."
    failed = "The classifier is tested on people it was trained on."

    def find(self, case: Case) -> Finding:
        table = case.evidence.table
        stated = [name for name in _NAMING if name in table]
        if not stated:
            return self.skip("The data state neither people nor components.")
        crossing: dict[str, tuple[str, ...]] = {}
        for name in stated:
            known = table[table[name] != ""]
            crossing |= find_crossings(zip(known[name], known["split"], strict=True))
        named = [f"{group} ({', '.join(where)})" for group, where in sorted(crossing.items())]
        return self.count(named, int(table[stated[0]].nunique()))


class CopyLeak(_Leak):
    """Near copies."""

    code, title = "leak_near_copy", "Copies of a photo in more than one split"
    measure = "near copies across splits, by perceptual hash"
    counts = "photos"
    passed = "No picture has a near copy in another split."
    failed = "The classifier is tested on copies of what it was trained on."

    def find(self, case: Case) -> Finding:
        table = case.evidence.table
        is_photo = table["role"] == "real" if "role" in table else table["label"] != FAKE
        hashes = case.hashes_of(np.flatnonzero(is_photo))
        rows = list(hashes)
        if not rows:
            return self.skip("No photo could be compared.")
        splits, names = table["split"], table["name"]
        pairs = find_near([hashes[row] for row in rows], np.asarray(splits[rows], np.str_))
        told = [[f"{names[rows[one]]} ({splits[rows[one]]})" for one in pair] for pair in pairs]
        return self.count([" and ".join(pair) for pair in told], len(rows))


class ParentLeak(_Leak):
    """Photos that forgeries were made from."""

    code, title = "leak_parents", "Photos of one split inside forgeries of another"
    measure = "photos used, themselves or in a forgery, in two splits"
    passed = "No forgery was made from a photo of another split."
    failed = "Photos that were trained on come back inside the test's forgeries."

    def find(self, case: Case) -> Finding:
        table = case.evidence.table
        if "parent_ids" not in table or "image_id" not in table:
            return self.skip("The data do not state what a forgery was made from.")
        columns = (table["image_id"], table["parent_ids"], table["split"])
        uses: Iterable[tuple[str, str]] = (
            (name, split)
            for own, parents, split in zip(*columns, strict=True)
            for name in (own, *parents)
            if name
        )
        crossing = find_crossings(uses)  # type: ignore[arg-type]  # splits as text
        named = [f"{name} ({', '.join(where)})" for name, where in sorted(crossing.items())]
        return self.count(named, len(table))


CHECKS: tuple[Check, ...] = (IdentityLeak(), CopyLeak(), ParentLeak())
