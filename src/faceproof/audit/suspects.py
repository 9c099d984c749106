"""Images a person should look at: the worst errors beside what training knew, and odd labels."""

import numpy as np

from faceproof.audit.cases import Case
from faceproof.audit.checks.people import find_suspects
from faceproof.data.checks.duplicates import count_differing_bits
from faceproof.detector.report import show_small
from faceproof.metrics import Rows
from faceproof.records import FAKE, LABELS

_SHOWN = 12
_TRAIN = "train"
_COMPARED = 2000  # training images, at most, among which the nearest is looked for

Shown = dict[str, object]


def list_errors(case: Case) -> list[Shown]:
    """The most certain errors, each with the training image that looks most like it."""
    wrong = np.flatnonzero(case.calls_fake != (case.labels == FAKE))
    certain = np.abs(case.scores - case.labels)[wrong]
    worst = wrong[np.argsort(-certain, kind="stable")][:_SHOWN]
    neighbours = _find_neighbours(case, worst)
    return [
        {**_show(case, place), "neighbour": _picture(case, near), "bits": bits}
        for place, (near, bits) in zip(worst.tolist(), neighbours, strict=True)
    ]


def list_suspects(case: Case) -> list[Shown]:
    """Images whose label the scores contradict most."""
    suspects = np.flatnonzero(find_suspects(case))
    certain = np.abs(case.scores - case.labels)[suspects]
    return [
        _show(case, place)
        for place in suspects[np.argsort(-certain, kind="stable")][:_SHOWN].tolist()
    ]


def _show(case: Case, place: int) -> Shown:
    row = int(case.scored.rows[place])
    return {
        "image": str(case.evidence.table["name"].iloc[row]),
        "truth": LABELS[int(case.labels[place])],
        "score": float(case.scores[place]),
        "thumbnail": _picture(case, row),
    }


def _picture(case: Case, row: int | None) -> str:
    return "" if row is None else show_small(lambda: case.evidence.read(row))


def _find_neighbours(case: Case, places: Rows) -> list[tuple[int | None, int | None]]:
    """For each place the training row with the nearest perceptual hash, and the bits between."""
    train = case.evidence.rows_of(_TRAIN)
    drawn = np.random.default_rng(case.seed).permutation(train)[:_COMPARED]
    known = case.hashes_of(np.sort(drawn)) if len(places) else {}
    if not known:
        return [(None, None)] * len(places)
    rows, hashes = list(known), np.stack([one[0] for one in known.values()])
    found: list[tuple[int | None, int | None]] = []
    for row in case.scored.rows[places].tolist():
        bits = count_differing_bits(hashes, case.seen.hashes[row][0])
        nearest = int(np.argmin(bits))
        found.append((rows[nearest], int(bits[nearest])))
    return found
