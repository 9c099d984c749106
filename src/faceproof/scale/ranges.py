"""Byte ranges of objects: neighbours in one request, many requests at once, a cache on disk."""

import hashlib
import logging
import os
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceproof.buckets import Bucket
from faceproof.errors import StorageError
from faceproof.storage import claim_folder

Offsets = NDArray[np.int64]
Ranges = tuple[Offsets, Offsets]  # first bytes, ascending, and bytes after the last, (N,) each
Hashes = NDArray[np.void]  # of 32 bytes

GAP_BYTES = 1 << 20  # what a request costs, in bytes it could have read; measured by `make bench`
RUN_BYTES = 8 << 20  # of one request
CONCURRENCY = 32  # requests under way
_ATTEMPTS = 3  # at bytes that are not those the index means; the store retries what fails by itself
_DENSE = 0.5  # share of a run that is wanted, above which it is kept whole
_LOOKS = 16  # at the cache's size while it fills up once

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Span:
    """Ranges that are read together: from `start` to before `end` of the object."""

    start: int
    end: int


def merge(starts: Offsets, ends: Offsets, gap_bytes: int) -> tuple[list[Span], NDArray[np.int64]]:
    """Join ranges, (N,) ascending, whose gap costs less to read than another request would.

    Each gap is judged by itself, so dense picks become few large reads and scattered ones stay
    apart. No run that joins ranges is longer than `RUN_BYTES`.

    Returns:
        The runs, and for each range the number of its run, shape (N,).
    """
    runs: list[Span] = []
    places = np.zeros(len(starts), np.int64)
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        last = runs[-1] if runs else None
        if last and start - last.end <= gap_bytes and end - last.start <= RUN_BYTES:
            runs[-1] = Span(last.start, max(last.end, end))
        else:
            runs.append(Span(start, end))
        places[number] = len(runs) - 1
    return runs, places


class ChunkCache:
    """Runs of bytes kept in a folder up to a size; the longest unused go first.

    May be shared by processes; each looks at the whole folder's size now and then, so the limit can
    be passed by a sixteenth for each of them.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Use a folder of its own, with what earlier runs left there."""
        self._folder, self._limit = claim_folder(folder), limit_bytes
        self._unseen, self._lock = limit_bytes, threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        """All but the lock."""
        return {**self.__dict__, "_lock": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take a lock of its own."""
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """What was kept under a name."""
        path = self._folder / name
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, name: str, data: memoryview) -> None:
        """Keep bytes, and make room where the limit is passed; a full disk keeps nothing."""
        if len(data) > self._limit:
            return
        partial = self._folder / f".{name}.{uuid.uuid4().hex}.partial"
        try:
            partial.write_bytes(data)
            partial.replace(self._folder / name)
        except OSError as error:
            logger.warning("not cached: %s", error)
            partial.unlink(missing_ok=True)
            return
        with self._lock:
            self._unseen += len(data)
            if self._unseen * _LOOKS > self._limit:
                self._make_room()
                self._unseen = 0

    def drop(self, name: str) -> None:
        """Forget a name."""
        (self._folder / name).unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Bytes that the folder holds."""
        return sum(size for _, size, _ in self._list())

    def _make_room(self) -> None:
        files = sorted(self._list())
        excess = sum(size for _, size, _ in files) - self._limit
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    def _list(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("[!.]*"):
            try:
                about = path.stat()
            except OSError:  # another process removed it
                continue
            found.append((about.st_mtime, about.st_size, path))
        return found


class Reader:
    """Reads ranges of the objects of one bucket, a bounded number at once."""

    def __init__(
        self, bucket: Bucket, concurrency: int = CONCURRENCY, gap_bytes: int = GAP_BYTES,
        cache: ChunkCache | None = None,
    ) -> None:  # fmt: skip
        """Take a bucket and how to read it."""
        self.bucket = bucket
        self._concurrency, self._gap_bytes, self._cache = concurrency, gap_bytes, cache
        self._pool: ThreadPoolExecutor | None = None
        self._owner = 0

    def __getstate__(self) -> dict[str, object]:
        """All but the threads."""
        return {**self.__dict__, "_pool": None, "_owner": 0}

    def request(self, key: str, ranges: Ranges) -> "Pieces":
        """Ask for ranges of one object; the bytes come while the caller goes on."""
        runs, places = merge(*ranges, self._gap_bytes)
        pool = self._start()
        requests = [(one, pool.submit(self._read, key, one)) for one in runs]
        return Pieces(self, key, ranges, places, requests)

    def stream(self, wanted: Sequence[tuple[str, int, int]]) -> Iterator[memoryview]:
        """Ranges of any objects one after the other, while others are under way."""
        pool = self._start()
        coming: deque[Future[memoryview]] = deque()
        for key, start, end in wanted:
            coming.append(pool.submit(self._read, key, Span(start, end)))
            if len(coming) > self._concurrency:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()

    def read_images(self, key: str, ranges: Ranges, hashes: Hashes) -> list[memoryview]:
        """Ranges of one object that must have their SHA-256, shape (N,); waits for them.

        Raises:
            StorageError: the store holds other bytes.
        """
        pieces = self.request(key, ranges)
        data = pieces.wait()
        for number, piece in enumerate(data):
            if hashlib.sha256(piece).digest() != hashes[number].tobytes():
                data[number] = pieces.read_again(number, hashes[number].tobytes())
        return data

    def read_checked(self, key: str, start: int, end: int, sha256: bytes) -> memoryview:
        """Bytes that must have a hash, asked for again where they do not.

        Raises:
            StorageError: the store holds other bytes.
        """
        for _ in range(_ATTEMPTS):
            data = self.bucket.read(key, start, end)
            if hashlib.sha256(data).digest() == sha256:
                return data
        raise StorageError(
            f"bytes {start} to {end} of {key} in {self.bucket.address} are not those of the index: "
            "their SHA-256 differs; the object was changed, index it again"
        )

    def forget(self, key: str, run: Span) -> None:
        """Drop a run from the cache."""
        if self._cache is not None:
            self._cache.drop(self._name(key, run))

    def close(self) -> None:
        """End the threads; requests that wait are dropped."""
        if self._pool is not None and self._owner == os.getpid():
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def _start(self) -> ThreadPoolExecutor:
        if self._pool is None or self._owner != os.getpid():
            self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="ranges")
            self._owner = os.getpid()
        return self._pool

    def _read(self, key: str, run: Span) -> memoryview:
        if self._cache is None:
            return self.bucket.read(key, run.start, run.end)
        name = self._name(key, run)
        kept = self._cache.get(name)
        if kept is not None and len(kept) == run.end - run.start:
            return memoryview(kept)
        data = self.bucket.read(key, run.start, run.end)
        self._cache.put(name, data)
        return data

    def _name(self, key: str, run: Span) -> str:
        text = f"{self.bucket.address}/{key}:{run.start}-{run.end}"
        return hashlib.sha256(text.encode()).hexdigest()


class Pieces:
    """Ranges on their way, made by `Reader.request`."""

    def __init__(
        self, reader: Reader, key: str, ranges: Ranges, places: NDArray[np.int64],
        requests: list[tuple[Span, Future[memoryview]]],
    ) -> None:  # fmt: skip
        """Take the ranges, which run each is in, and the runs' requests."""
        self._reader, self._key, self._ranges = reader, key, ranges
        self._places, self._requests = places, requests

    def wait(self) -> list[memoryview]:
        """The bytes of every range: views of what was read, copies where most of it is gaps.

        The requests are forgotten, so that gaps do not stay in memory. Raises as `wait_runs`.
        """
        starts, ends = self._ranges
        wanted = np.bincount(self._places, ends - starts, len(self._requests))
        held = self.wait_runs()
        found = []
        for place, start, end in zip(
            self._places.tolist(), starts.tolist(), ends.tolist(), strict=True
        ):
            run = self._requests[place][0]
            piece = held[run.start][start - run.start : end - run.start]
            is_sparse = wanted[place] < _DENSE * (run.end - run.start)
            found.append(memoryview(bytes(piece)) if is_sparse else piece)
        self._requests = [(run, Future()) for run, _ in self._requests]
        return found

    def wait_runs(self) -> dict[int, memoryview]:
        """What was read, gaps too, by its first byte.

        Raises:
            StorageError: the store refused, or gave too few bytes.
        """
        held = {}
        for run, request in self._requests:
            held[run.start] = request.result()
            if len(held[run.start]) != run.end - run.start:
                raise StorageError(
                    f"{self._key} in {self._reader.bucket.address} ends before byte {run.end}; "
                    "the object was changed, index it again"
                )
        return held

    def read_again(self, number: int, sha256: bytes) -> memoryview:
        """One range anew, past the cache, until it has its hash.

        Raises:
            StorageError: the store holds other bytes.
        """
        run, _ = self._requests[self._places[number]]
        self._reader.forget(self._key, run)
        start, end = (int(edge[number]) for edge in self._ranges)
        return self._reader.read_checked(self._key, start, end, sha256)

    def cancel(self) -> None:
        """Drop what has not begun."""
        for _, request in self._requests:
            request.cancel()
