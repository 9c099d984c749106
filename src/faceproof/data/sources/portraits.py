"""Public-domain portraits of members of the US Congress, fetched by a manifest.

The manifest is a CSV with the columns id, url, sha256, sex, birth_year and licence, one photo a
person.
"""

import csv
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from faceproof.console import progress
from faceproof.data.sources.photos import (
    SourcePhoto,
    SourceRequest,
    Terms,
    make_id,
    read_sex,
    read_year,
)
from faceproof.errors import InputError, StorageError
from faceproof.network import Downloader
from faceproof.records import Sex
from faceproof.storage import replacing

_SOURCE = "portraits"
_COLUMNS = ("id", "url", "sha256", "sex", "birth_year", "licence")
_AT_ONCE = 4  # polite to a host that gives the photos away
_CONSENT = "official portrait of a public figure, who was not asked about alterations"
_FIRST = 8  # if none of these comes, the others need not be tried

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Entry:
    """One line of the manifest."""

    id: str
    url: str
    sha256: str
    sex: Sex
    birth_year: int | None
    licence: str


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The portraits in order of the manifest; files that are there already are not fetched again.

    A portrait that cannot be had comes as an empty file, so that the build counts it in and drops
    it by reason; run the build again to try only those.

    Raises:
        InputError: no manifest, or a bad one.
        StorageError: not one of the first portraits could be had.
    """
    if request.input is None:
        raise InputError("the source portraits needs its manifest; give --input portraits.csv")
    entries = _read_manifest(request.input)[: request.limit]
    fetch = partial(_fetch, Downloader(), request.folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        first = list(pool.map(fetch, entries[:_FIRST]))
        if not any(photo.path.stat().st_size for photo in first):
            raise StorageError(
                f"none of the first {len(first)} portraits could be fetched; look at the network"
            )
        rest = pool.map(fetch, entries[_FIRST:])
        total = max(0, len(entries) - _FIRST)
        photos = first + list(progress(rest, "fetching portraits", "photos", total))
    missing = sum(photo.path.stat().st_size == 0 for photo in photos)
    if missing:
        logger.warning("%d of %d portraits could not be fetched", missing, len(photos))
    yield from photos


def _read_manifest(path: Path) -> list[_Entry]:
    try:
        with path.open(encoding="utf-8", newline="") as source:
            rows = csv.DictReader(source)
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                raise InputError(f"{path} is no manifest; it needs {', '.join(_COLUMNS)}")
            entries = [_read_entry(row) for row in rows]
            if not all(entry.id and entry.url and entry.sha256 for entry in entries):
                raise InputError(f"manifest {path} has a line without id, url or sha256")
            if len({entry.id for entry in entries}) < len(entries):
                raise InputError(f"manifest {path} has an id twice")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read manifest {path}: {error}") from error
    if not entries:
        raise InputError(f"manifest {path} lists no portraits")
    return entries


def _read_entry(row: dict[str, str]) -> _Entry:
    return _Entry(
        id=row["id"],
        url=row["url"],
        sha256=row["sha256"],
        sex=read_sex(row["sex"] or ""),
        birth_year=read_year(row["birth_year"] or ""),
        licence=row["licence"] or "unknown",
    )


def _fetch(downloader: Downloader, folder: Path, entry: _Entry) -> SourcePhoto:
    image_id = make_id(_SOURCE, entry.id)
    path = folder / image_id
    try:
        downloader.fetch(entry.url, path, entry.sha256)
    except StorageError as error:
        logger.warning("%s: %s", entry.id, error)
        with replacing(path) as partial:  # whatever lay there is not what the manifest means
            partial.touch()
    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", entry.id),
        path=path,
        source=_SOURCE,
        terms=Terms(entry.licence, _CONSENT),
        sex=entry.sex,
        birth_year=entry.birth_year,
    )
