"""Somebody's split, checked: who or what stands on both sides of it?

A manifest is a CSV with the columns `image` (path inside the folder or zip) and `split`, and where
known `identity_id`, `image_id` and `parent_ids` (ids of the photos an image was made from, apart by
spaces). The zip that our own builder writes has one.
"""

import csv
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from faceproof.console import progress
from faceproof.data.archives import ImageFile, open_archive, read_member
from faceproof.data.checks.duplicates import Hash, find_near, hash_photo
from faceproof.data.images import decode
from faceproof.data.splits import find_crossings
from faceproof.errors import DatasetError, ImageError, InputError, name_some
from faceproof.records import SPLITS, Split

_MANIFEST = "metadata.csv"
_WORKERS = 2  # decoding and hashing leave Python's lock
_SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "dev": "validation",
    "val": "validation", "valid": "validation", "validation": "validation",
}  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ManifestSettings:
    """What is to be checked."""

    data: Path = field(metadata={"help": "folder or zip with the images"})
    manifest: Path | None = field(
        default=None, metadata={"help": "CSV: image, split, ...; by default metadata.csv in data"}
    )


@dataclass(frozen=True)
class Entry:
    """One line of a manifest; person and component are empty where nothing is stated."""

    image: str
    split: Split
    image_id: str
    identity_id: str
    component_id: str
    parent_ids: tuple[str, ...]


def read_manifest(settings: ManifestSettings) -> list[Entry]:
    """The manifest beside or inside the data.

    Raises:
        InputError: missing, unreadable, without the needed columns, or with an unknown split.
    """
    text = _read_text(settings)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"the manifest is no CSV: {error}") from error
    if not rows or not {"image", "split"} <= set(rows[0]):
        raise InputError("a manifest needs rows with the columns image and split")
    return [_read_entry(row) for row in rows]


def refuse_leaks(entries: Sequence[Entry], data: Path) -> int:
    """Stop at a person, near copies, or a parent in another split, with the names.

    Args:
        entries: the manifest.
        data: folder or zip with the images it names.

    Returns:
        Images that were compared; those that cannot be decoded are warned of and left out.

    Raises:
        DatasetError: the split leaks, or an image of the manifest is not there.
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
    return len(hashes)


def _read_text(settings: ManifestSettings) -> str:
    path = settings.manifest
    try:
        data = path.read_bytes() if path else read_member(settings.data, _MANIFEST)
        return data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the manifest {path or settings.data}: {error}") from error


def _read_entry(row: dict[str, str]) -> Entry:
    if not row["image"]:
        raise InputError("the manifest has a line without an image; complete or remove it")
    split = _SPLIT_NAMES.get((row["split"] or "").strip().lower())
    if split is None:
        raise InputError(
            f"{row['image']} has the split {row['split']!r}; known: {', '.join(SPLITS)}"
        )
    return Entry(
        image=row["image"],
        split=split,
        image_id=row.get("image_id") or row["image"],
        identity_id=row.get("identity_id") or "",
        component_id=row.get("component_id") or "",
        parent_ids=tuple((row.get("parent_ids") or "").split()),
    )


def _hash_images(entries: Sequence[Entry], data: Path) -> dict[int, Hash]:
    """The perceptual hash of each entry's image by its place in the manifest."""
    files = {file.name: file for file in open_archive(data).images}
    missing = [entry.image for entry in entries if entry.image not in files]
    if missing:
        raise DatasetError(f"{data} lacks images of its manifest: {name_some(missing)}")
    with ThreadPoolExecutor(_WORKERS) as pool:
        hashed = pool.map(_hash, [files[entry.image] for entry in entries])
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
    places = list(hashes)
    pairs = (
        (entries[places[first]], entries[places[second]])
        for first, second in find_near([hashes[place] for place in places])
    )
    return [
        f"{one.image} ({one.split}) and {other.image} ({other.split})"
        for one, other in pairs
        if one.split != other.split
    ]


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
