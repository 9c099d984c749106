"""Public-domain portraits of members of the US Congress, fetched by a manifest.

The manifest is a CSV with the columns id, url, sha256, sex, birth_year and licence, one photo a
person.
"""

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from faceproof.console import progress
from faceproof.data.sources.photos import (
    SourcePhoto,
    SourceRequest,
    Terms,
    keep_file,
    make_id,
    read_sex,
    read_table,
    read_year,
)
from faceproof.errors import InputError, StorageError
from faceproof.network import Downloader

_SOURCE = "portraits"
_COLUMNS = ("id", "url", "sha256", "sex", "birth_year", "licence")
_AT_ONCE = 4  # polite to a host that gives the photos away
_CONSENT = "official portrait of a public figure, who was not asked about alterations"
_FIRST = 8  # if none of these comes, the others need not be tried

logger = logging.getLogger(__name__)


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


def _read_manifest(path: Path) -> list[dict[str, str]]:
    entries = read_table(path, _COLUMNS)
    if not all(entry["id"] and entry["url"] and entry["sha256"] for entry in entries):
        raise InputError(f"manifest {path} has a line without id, url or sha256")
    if len({entry["id"] for entry in entries}) < len(entries):
        raise InputError(f"manifest {path} has an id twice")
    return entries


def _fetch(downloader: Downloader, folder: Path, entry: Mapping[str, str]) -> SourcePhoto:
    image_id = make_id(_SOURCE, entry["id"])
    path = folder / image_id
    try:
        downloader.fetch(entry["url"], path, entry["sha256"])
    except StorageError as error:
        logger.warning("%s: %s", entry["id"], error)
        keep_file(folder, image_id)  # whatever lay there is not what the manifest means
    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", entry["id"]),
        path=path,
        source=_SOURCE,
        terms=Terms(entry["licence"] or "unknown", _CONSENT),
        sex=read_sex(entry["sex"]),
        birth_year=read_year(entry["birth_year"]),
    )
