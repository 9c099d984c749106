"""Somebody's split, checked: who or what stands on both sides of it?

A manifest is a table with the columns `image` (path inside the folder or zip) and `split`, and
where known `identity_id`, `component_id`, `image_id` and `parent_ids` (ids of the photos an image
was made from, apart by spaces); other usual names of these columns are known too. The zip that our
own builder writes has one.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceproof.console import progress
from faceproof.data.checks.duplicates import Hash, find_near, hash_photo
from faceproof.data.images import decode
from faceproof.data.inputs.archives import open_archive, read_member
from faceproof.data.inputs.names import NameIndex, fold, list_headers
from faceproof.data.inputs.spreadsheets import Spreadsheet, read_spreadsheet
from faceproof.data.inputs.walks import ImageFile
from faceproof.data.settings import ManifestSettings
from faceproof.data.splits import find_crossings, read_split
from faceproof.errors import DatasetError, ImageError, InputError, name_some
from faceproof.records import SPLITS, Split

_MANIFEST = "metadata.csv"
_WORKERS = 2  # decoding and hashing leave Python's lock

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One line of a manifest; person and component are empty where nothing is stated."""

    image: str
    split: Split
    image_id: str
    identity_id: str
    component_id: str
    parent_ids: tuple[str, ...]


@dataclass(frozen=True)
class Looked:
    """How much of a split was looked at: its images, those compared, and its people."""

    images: int
    compared: int
    people: int


def read_manifest(settings: ManifestSettings) -> list[Entry]:
    """The manifest beside or inside the data.

    Raises:
        InputError: missing, unreadable, without the needed columns, or with an unknown split.
    """
    where = f"the manifest {settings.manifest or settings.data}"
    sheet = read_spreadsheet(_read_bytes(settings), where, ("image", "split"))
    if not sheet.rows:
        raise InputError(f"{where} has no rows under its header")
    if sheet.column("identity") is None:
        logger.warning(
            "no column of the manifest names people (looked for: %s)", list_headers("identity")
        )
    return _read_entries(sheet)


def refuse_leaks(entries: Sequence[Entry], data: Path) -> Looked:
    """Stop at a person, near copies, or a parent in another split, with the names.

    Images of the folder or zip `data` that cannot be decoded are warned of and left out.

    Raises:
        DatasetError: the split leaks, an image of the manifest is not there, or so little was
            looked at that nothing can be said: no people are named, or no image can be decoded.
    """
    hashes = _hash_images(entries, data)
    leaks = {
        "people": _name_crossings((one.identity_id, one.split) for one in entries),
        "components": _name_crossings((one.component_id, one.split) for one in entries),
        "near copies": _name_copies(entries, hashes),
        "parents": _name_parents(entries),
    }
    said = [f"{what}: {name_some(names)}" for what, names in leaks.items() if names]
    if said:
        raise DatasetError(f"the splits leak. {'; '.join(said)}. Split again by group, then forge")
    people = {one.identity_id for one in entries if one.identity_id}
    nameless = sum(not one.identity_id for one in entries)
    if not hashes or not people:
        missing = "no person is named" if hashes else "no image could be compared"
        raise DatasetError(
            f"nothing can be said of this split: {missing} ({len(hashes)} of {len(entries)} images "
            f"compared, {len(people)} people); add a column identity_id"
        )
    if nameless:
        logger.warning("%d of %d images name no person: not looked at", nameless, len(entries))
    return Looked(len(entries), len(hashes), len(people))


def _read_bytes(settings: ManifestSettings) -> bytes:
    path = settings.manifest
    try:
        return path.read_bytes() if path else read_member(settings.data, _MANIFEST)
    except OSError as error:
        raise InputError(f"cannot read the manifest {path or settings.data}: {error}") from error


def _read_entries(sheet: Spreadsheet) -> list[Entry]:
    kinds = ("image", "split", "identity", "component", "image_id", "parent_ids")
    columns = [sheet.column(kind) or [""] * len(sheet.rows) for kind in kinds]
    rows = zip(*columns, strict=True)
    return [_read_entry(dict(zip(kinds, cells, strict=True))) for cells in rows]


def _read_entry(cells: Mapping[str, str]) -> Entry:
    image, split = cells["image"], read_split(cells["split"])
    if not image:
        raise InputError("the manifest has a line without an image; complete or remove it")
    if split is None:
        raise InputError(f"{image} has the split {cells['split']!r}; known: {', '.join(SPLITS)}")
    return Entry(
        image, split, cells["image_id"] or image, fold(cells["identity"]), fold(cells["component"]),
        tuple(cells["parent_ids"].split()),
    )  # fmt: skip


def _hash_images(entries: Sequence[Entry], data: Path) -> dict[int, Hash]:
    """The perceptual hash of each entry's image by its place in the manifest."""
    files = {file.name: file for file in open_archive(data).images}
    index = NameIndex(files)
    found = [index.find(entry.image) for entry in entries]
    missing = [one.image for one, name in zip(entries, found, strict=True) if name is None]
    if missing:
        raise DatasetError(f"{data} lacks images of its manifest: {name_some(missing)}")
    with ThreadPoolExecutor(_WORKERS) as pool:
        hashed = pool.map(_hash, [files[name] for name in found if name is not None])
        listed = list(progress(hashed, "comparing images", "images", len(entries)))
    return {place: one for place, one in enumerate(listed) if one is not None}


def _hash(file: ImageFile) -> Hash | None:
    try:
        return hash_photo(decode(file.read()))
    except ImageError as error:
        logger.warning("%s cannot be compared: %s", file.name, error)
        return None


def _name_crossings(groups: Iterable[tuple[str, Split]]) -> list[str]:
    known = ((name, split) for name, split in groups if name)
    return [f"{name} ({', '.join(where)})" for name, where in sorted(find_crossings(known).items())]


def _name_copies(entries: Sequence[Entry], hashes: dict[int, Hash]) -> list[str]:
    compared = [entries[place] for place in hashes]
    splits = np.array([one.split for one in compared])
    pairs = find_near(list(hashes.values()), splits)
    named = [f"{one.image} ({one.split})" for one in compared]
    return [f"{named[first]} and {named[second]}" for first, second in pairs]


def _name_parents(entries: Sequence[Entry]) -> list[str]:
    """Photos that stand, themselves or as parents, in two splits; a parent need not be listed."""
    uses = ((name, one.split) for one in entries for name in (*one.parent_ids, one.image_id))
    crossing = find_crossings(uses)
    return [
        f"{one.image} ({one.split}) made from {parent} ({', '.join(crossing[parent])})"
        for one in entries
        for parent in one.parent_ids
        if parent in crossing
    ]
