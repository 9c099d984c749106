"""A store: parquet that anyone can load, and beside it what makes it fast.

Below one address lie `data/` (ordinary Hub parquet; it may also lie elsewhere and be another's),
`index/` (where each image lies), `metadata/` (every other column, in strata, for draws and SQL) and
`manifest.json`, written last: what it does not name does not exist.
"""

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceproof.buckets import Bucket
from faceproof.errors import StorageError
from faceproof.records import LABELS
from faceproof.scale.locations import LOCATION, MAGIC, Columns, Locations, decode_locations
from faceproof.scale.ranges import CONCURRENCY, ChunkCache, Reader
from faceproof.storage import claim_folder, replacing

Rows = NDArray[np.int64]

MANIFEST = "manifest.json"
_FORMAT = 2
_FETCH_BYTES = 1 << 20  # a request, where a whole object is wanted
_INDEX_BYTES = 512 << 20  # of index files held in memory: eleven million images


@dataclass(frozen=True)
class DataFile:
    """A parquet file of images, and its index file."""

    key: str
    rows: int
    size_bytes: int
    index: str
    index_bytes: int
    index_sha256: str


@dataclass(frozen=True)
class MetadataFile:
    """A parquet file of metadata."""

    key: str
    rows: int
    size_bytes: int


@dataclass(frozen=True)
class Stratum:
    """One combination of the declared labels: `rows` metadata rows from `start`."""

    values: tuple[str | int | float | bool | None, ...]
    start: int
    rows: int


@dataclass(frozen=True)
class Manifest:
    """What a store holds. `data` is the address of the images where it is not the store's own.

    `labels` are the meanings of the numbers in its index and metadata, whatever its files have.
    """

    data: str | None
    columns: Columns
    files: tuple[DataFile, ...]
    metadata: tuple[MetadataFile, ...]
    strata: tuple[Stratum, ...]
    counts: Mapping[str, int]
    labels: tuple[str, ...] = LABELS

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it, hexadecimal."""
        return hashlib.sha256(encode_manifest(self)).hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return json.dumps({"format": _FORMAT, **asdict(manifest)}, indent=1).encode()


def decode_manifest(data: bytes, place: str) -> Manifest:
    """Read a manifest.

    Raises:
        StorageError: it is none, or of another format.
    """
    try:
        entries: dict[str, Any] = json.loads(data)
        if entries.pop("format") != _FORMAT:
            raise StorageError(f"the store at {place} has another format; index it again")
        columns = {**entries["columns"], "strata": tuple(entries["columns"]["strata"])}
        return Manifest(
            data=entries["data"],
            columns=Columns(**columns),
            files=tuple(DataFile(**one) for one in entries["files"]),
            metadata=tuple(MetadataFile(**one) for one in entries["metadata"]),
            strata=tuple(
                Stratum(tuple(one["values"]), one["start"], one["rows"])
                for one in entries["strata"]
            ),
            counts=entries["counts"],
            labels=tuple(entries["labels"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{MANIFEST} at {place} is no manifest: {error}") from error


class Store:
    """An opened store. May be pickled; every process reads for itself."""

    def __init__(
        self, place: Bucket, manifest: Manifest, data: Bucket | None = None,
        concurrency: int = CONCURRENCY, cache: ChunkCache | None = None,
    ) -> None:  # fmt: skip
        """Take a place and its manifest; `data` where the images lie elsewhere."""
        self.place, self.manifest = place, manifest
        self.fingerprint = manifest.fingerprint
        self.reader = Reader(data or place, concurrency, cache=cache)
        self.own_reader = Reader(place, concurrency)
        self.starts = np.array([0, *accumulate(one.rows for one in manifest.files)], np.int64)
        self._held: OrderedDict[int, Locations] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        """All but what was read and the lock."""
        return {**self.__dict__, "_held": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take a lock of its own."""
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Images that can be read."""
        return sum(one.rows for one in self.manifest.metadata)

    @property
    def mean_bytes(self) -> int:
        """About the size of an image, from the sizes of the files."""
        total = sum(one.size_bytes for one in self.manifest.files)
        return total // max(1, int(self.starts[-1]))

    def locate(self, rows: Rows) -> tuple[NDArray[np.int64], Locations]:
        """File number and location of each row, shape (N,) both.

        Index files are read whole when one of their rows is first asked for, and kept while there
        is room.
        """
        files = np.searchsorted(self.starts, rows, side="right") - 1
        needed = np.unique(files).tolist()
        found = np.zeros(len(rows), LOCATION)
        with self._lock:
            self._load([one for one in needed if one not in self._held])
            for number in needed:
                is_here = files == number
                found[is_here] = self._held[number][rows[is_here] - self.starts[number]]
                self._held.move_to_end(number)
            self._make_room()
        return files, found

    def keys(self, files: Sequence[int]) -> list[str]:
        """Keys of data files by number."""
        return [self.manifest.files[one].key for one in files]

    def fetch_metadata(self, folder: Path) -> list[Path]:
        """The metadata files below a folder, which may hold any stores'; what is there is kept."""
        home = claim_folder(claim_folder(folder) / self.fingerprint[:16])
        paths = []
        for one in self.manifest.metadata:
            path = home / Path(one.key).name
            if not _is_whole(path, one.size_bytes):
                fetch(self.own_reader, one.key, one.size_bytes, path, path.stem)
            paths.append(path)
        return paths

    def close(self) -> None:
        """End the threads that read."""
        self.reader.close()
        self.own_reader.close()

    def _load(self, numbers: Sequence[int]) -> None:
        files = [self.manifest.files[one] for one in numbers]
        wanted = [(one.index, 0, one.index_bytes) for one in files]
        for number, file, data in zip(numbers, files, self.own_reader.stream(wanted), strict=True):
            if hashlib.sha256(data).hexdigest() != file.index_sha256:
                raise StorageError(f"{file.index} in {self.place.address} was changed; index anew")
            locations = decode_locations(data)
            if len(locations) != file.rows:
                raise StorageError(f"{file.index} does not fit {file.key}; index it again")
            self._held[number] = locations

    def _make_room(self) -> None:
        while sum(one.nbytes for one in self._held.values()) > _INDEX_BYTES and len(self._held) > 1:
            self._held.popitem(last=False)


def open_store(
    place: Bucket, data: Bucket | None = None, concurrency: int = CONCURRENCY,
    cache: ChunkCache | None = None,
) -> Store:  # fmt: skip
    """Open a store by its manifest.

    Args:
        place: where the store lies.
        data: of the images, where the manifest names another address that needs keys of its own.
        concurrency: requests under way.
        cache: for ranges of image bytes.

    Raises:
        StorageError: there is none, or it cannot be read.
    """
    manifest = decode_manifest(place.get(MANIFEST), place.address)
    if data is None and manifest.data is not None:
        data = Bucket(manifest.data)
    return Store(place, manifest, data, concurrency, cache)


def publish_store(place: Bucket, manifest: Manifest) -> None:
    """Write the manifest unless the same one is there.

    Raises:
        StorageError: another one is there; a store is never replaced.
    """
    data = encode_manifest(manifest)
    if not place.put(MANIFEST, data) and place.get(MANIFEST) != data:
        raise StorageError(f"{place.address} holds another store; give an empty place")


def _is_whole(path: Path, size_bytes: int) -> bool:
    """True for parquet of this size that has its end: a power cut leaves none, or zeros."""
    if not path.is_file() or path.stat().st_size != size_bytes:
        return False
    with path.open("rb") as file:
        file.seek(-len(MAGIC), os.SEEK_END)
        return file.read() == MAGIC


def fetch(reader: Reader, key: str, size: int, path: Path, sha256: str = "") -> None:
    """An object of `size` bytes into a file, in large ranges at once, whole or not at all.

    Args:
        reader: of its bucket.
        key: of the object.
        size: of it, in bytes.
        path: to write.
        sha256: hexadecimal, of its bytes, or how that begins; hashed while others are under way.

    Raises:
        StorageError: it cannot be read, is shorter, or has another hash.
    """
    starts = range(0, size, _FETCH_BYTES)
    pieces = [(key, start, min(start + _FETCH_BYTES, size)) for start in starts]
    digest = hashlib.sha256()
    with replacing(path, is_synced=False) as partial:
        with partial.open("wb") as sink:
            for data in reader.stream(pieces):
                sink.write(data)
                if sha256:
                    digest.update(data)
        if partial.stat().st_size != size or not digest.hexdigest().startswith(sha256 or ""):
            raise StorageError(f"{key} in {reader.bucket.address} was changed; index it again")
