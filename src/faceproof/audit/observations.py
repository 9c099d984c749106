"""One pass over the images: what each looks like without a look at the forgery."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from faceproof.audit.evidence import Evidence, read_bytes
from faceproof.audit.interventions import Mask, fit_mask, hide, widen
from faceproof.console import progress
from faceproof.data.checks.duplicates import Hash, hash_photo
from faceproof.data.checks.gates import VIEWS
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.images import Pixels, decode, decode_mask
from faceproof.errors import ImageError
from faceproof.metrics import Rows
from faceproof.records import FAKE
from faceproof.training.baselines import measure_spectrum, shrink_to_thumbnail

logger = logging.getLogger(__name__)

View = NDArray[np.float64]
HIDDEN_VIEWS = ("thumbnail", "border", "colour", "spectrum")
BASELINES = ("thumbnail", "spectrum")
_WHOLE = 0.9  # share of the image that a mask covers: the forgery is everywhere
_MASKS_KEPT = 64


@dataclass(frozen=True)
class Observations:
    """What was seen of some rows.

    Attributes:
        rows: row numbers of the images that could be decoded, shape (N,).
        facts: of each file.
        views: of each image by name, shape (N, D); not a number where the forgery is everywhere.
        is_hidden: the views were taken with the forged regions hidden; else of whole images.
        baselines: features of the trivial baselines by name, of the whole image, shape (N, D).
        hashes: perceptual hash by row.
        unreadable: rows that could not be decoded.
    """

    rows: Rows
    facts: list[dict[str, float | str]]
    views: Mapping[str, View]
    is_hidden: bool
    baselines: Mapping[str, View]
    hashes: Mapping[int, Hash]
    unreadable: Rows


class ForgedRegions:
    """Where the photo of each image was forged, in any of its fakes: hidden in all alike."""

    def __init__(self, evidence: Evidence) -> None:
        """List each photo's fakes that may have a mask."""
        self._evidence = evidence
        self._fakes: dict[str, list[int]] = defaultdict(list)
        self._pairs = evidence.table.get("pair_id")
        if self._pairs is not None:
            for row in np.flatnonzero(evidence.labels == FAKE).tolist():
                self._fakes[self._pairs[row]].append(row)
        self._unite = lru_cache(_MASKS_KEPT)(self._unite_masks)

    def are_known(self) -> bool:
        """True where any fake has a mask that leaves something of the image."""
        rows = (row for fakes in self._fakes.values() for row in fakes)
        return any(self.own(row) is not None for row in rows)

    def own(self, row: int) -> Mask | None:
        """The mask of a fake; None where it has none or it covers everything."""
        data = self._evidence.read_mask(row)
        try:
            mask = None if data is None else decode_mask(data)
        except ImageError as error:
            logger.warning("a mask cannot be used: %s", error)
            return None
        return None if mask is None or (mask > 0).mean() > _WHOLE else mask

    def around(self, row: int) -> Mask | None:
        """What to hide in this image; None where nothing is known of its photo's local forgeries.

        A fake whose forgery is everywhere has none.
        """
        if self._pairs is None:
            return None
        if self._evidence.labels[row] == FAKE and self.own(row) is None:
            return None
        return self._unite(self._pairs[row])

    def _unite_masks(self, pair: str) -> Mask | None:
        masks = [mask for row in self._fakes[pair] if (mask := self.own(row)) is not None]
        alike = [mask for mask in masks if mask.shape == masks[0].shape]
        return widen(np.maximum.reduce(alike)) if alike else None


def observe(evidence: Evidence, rows: Rows) -> Observations:
    """Look at some rows, one image in memory at a time.

    Args:
        evidence: the images.
        rows: which of them, shape (N,).
    """
    regions = ForgedRegions(evidence)
    is_hidden = regions.are_known()
    facts, seen, unreadable = [], [], []
    views: dict[str, list[View]] = {name: [] for name in HIDDEN_VIEWS}
    features: dict[str, list[View]] = {name: [] for name in BASELINES}
    hashes: dict[int, Hash] = {}
    for row, data in progress(_read_rows(evidence, rows), "looking", "images", len(rows)):
        try:
            picture = decode(data)
        except ImageError:
            unreadable.append(row)
            continue
        seen.append(row)
        facts.append(read_file_facts(data))
        hashes[row] = hash_photo(picture)
        features["thumbnail"].append(shrink_to_thumbnail(picture).astype(np.float64))
        features["spectrum"].append(measure_spectrum(picture).astype(np.float64))
        for name, view in _view(picture, regions.around(row), is_hidden).items():
            views[name].append(view)
    return Observations(
        rows=np.array(seen, np.int64),
        facts=facts,
        views={name: np.array(one) for name, one in views.items()},
        is_hidden=is_hidden,
        baselines={name: np.array(one) for name, one in features.items()},
        hashes=hashes,
        unreadable=np.array(unreadable, np.int64),
    )


def _view(picture: Pixels, region: Mask | None, is_hidden: bool) -> dict[str, View]:
    """Each view of a picture; not a number where the region to be hidden is not known."""
    if is_hidden and region is not None:
        picture = hide(picture, fit_mask(region, picture))
    elif is_hidden:
        return {name: VIEWS[name](picture) * np.nan for name in HIDDEN_VIEWS}
    return {name: VIEWS[name](picture) for name in HIDDEN_VIEWS}


def hash_rows(evidence: Evidence, rows: Rows) -> dict[int, Hash]:
    """Perceptual hashes of those rows that can be decoded."""
    hashes = {}
    for row, data in progress(_read_rows(evidence, rows), "comparing", "images", len(rows)):
        try:
            hashes[row] = hash_photo(decode(data))
        except ImageError:
            continue
    return hashes


def _read_rows(evidence: Evidence, rows: Rows) -> Iterator[tuple[int, bytes]]:
    numbers: Iterable[int] = rows.tolist()
    return ((row, read_bytes(evidence, row)) for row in numbers)
