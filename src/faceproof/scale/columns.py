"""Columns of parquet on an object store: the footer first, then only the bytes wanted."""

import io
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faceproof.errors import StorageError
from faceproof.scale.indexes import MAGIC, span_of
from faceproof.scale.ranges import Reader

_TAIL_BYTES = 64 << 10  # read at first: most footers fit
_END_BYTES = 8  # footer length and magic

Chooser = Callable[[pa.Schema], Sequence[str]]


class SparseFile(io.RawIOBase):
    """A file of which some segments were fetched; reading elsewhere is a programming error."""

    def __init__(self, size: int, segments: dict[int, memoryview]) -> None:
        """Take the whole file's size and segments by their first byte."""
        self._size, self._place = size, 0
        self._starts = sorted(segments)
        self._segments = segments

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = base + offset
        return self._place

    def read(self, count: int = -1) -> bytes:
        """Bytes of the segments that hold them."""
        end = self._size if count < 0 else min(self._place + count, self._size)
        found = []
        while self._place < end:
            piece = self._find(end)
            found.append(piece)
            self._place += len(piece)
        return b"".join(found)

    def _find(self, end: int) -> memoryview:
        number = bisect_right(self._starts, self._place) - 1
        start = self._starts[max(number, 0)]
        piece = self._segments[start][max(self._place - start, 0) : end - start]
        if self._place < start or not len(piece):
            raise EOFError(f"the byte at {self._place} was not fetched")
        return piece


@dataclass(frozen=True)
class Footer:
    """What a parquet object says of itself, and the bytes at its end by their place."""

    key: str
    size: int
    about: pq.FileMetaData
    segments: dict[int, memoryview]


def read_footer(reader: Reader, key: str, size: int) -> Footer:
    """The footer of a parquet object of so many bytes.

    Raises:
        StorageError: it is not parquet.
    """
    begin = max(0, size - _TAIL_BYTES)
    tail = reader.bucket.read(key, begin, size)
    if len(tail) < _END_BYTES or bytes(tail[-4:]) != MAGIC:
        raise StorageError(f"{key} in {reader.bucket.address} is not parquet")
    needed = struct.unpack("<I", tail[-_END_BYTES:-4])[0] + _END_BYTES
    if needed > size:
        raise StorageError(f"{key} in {reader.bucket.address} is not parquet: it is cut off")
    if needed > len(tail):
        begin = size - needed
        tail = reader.bucket.read(key, begin, size)
    segments = {begin: tail}
    try:
        about = pq.read_metadata(SparseFile(size, segments))
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{key} in {reader.bucket.address} is damaged parquet") from error
    return Footer(key, size, about, segments)


def _is_of(path: str, names: Sequence[str]) -> bool:
    """True for a leaf of one of these columns, whose names may have dots."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def read_columns(
    reader: Reader, footer: Footer, choose: Chooser, groups: Sequence[int] | None = None
) -> pa.Table:
    """Some top-level columns of a parquet object, of all or some row groups.

    Args:
        reader: of the bucket.
        footer: of the object.
        choose: names the columns, given the schema.
        groups: numbers of row groups; all by default.
    """
    about, segments = footer.about, dict(footer.segments)
    names = list(choose(about.schema.to_arrow_schema()))
    numbers = range(about.num_row_groups) if groups is None else groups
    leaves = [
        leaf for leaf in range(len(about.schema))
        if _is_of(about.schema.column(leaf).path, names)
    ]  # fmt: skip
    spans = sorted(span_of(about.row_group(one).column(leaf)) for one in numbers for leaf in leaves)
    if spans:
        starts, ends = np.array(spans, np.int64).T
        segments |= reader.request(footer.key, (starts, ends)).wait_runs()
    with pq.ParquetFile(SparseFile(footer.size, segments), metadata=about) as file:
        return file.read_row_groups(list(numbers), columns=names)
