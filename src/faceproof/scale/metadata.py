"""The metadata of a store: every column but the images, ordered for draws that read little.

Rows lie by stratum, and within it by the first bytes of the image's SHA-256, which is a fixed
shuffle: any stretch of a stratum is a random draw from it, and appending images moves nothing.
Of parquet on an object store the footer is read first, then only the bytes wanted.
"""

import mmap
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from faceproof.buckets import Bucket
from faceproof.errors import StorageError
from faceproof.scale.locations import MAGIC, Columns, Locations, span_of
from faceproof.scale.ranges import Reader
from faceproof.scale.stores import MetadataFile, Rows, Stratum
from faceproof.storage import hash_file

ROW, RANK, STRATUM = "row", "rank", "stratum"
OWN_COLUMNS = (ROW, RANK, STRATUM)  # a dataset's own columns of these names are left out
_GROUP_ROWS = 1 << 16  # a draw reads at least one group of a stratum
_FILE_ROWS = 20_000_000  # of one metadata file
HASH = "__hash"
_TAIL_BYTES = 64 << 10  # read at first: most footers fit
_END_BYTES = 8  # footer length and magic

Chooser = Callable[[pa.Schema], Sequence[str]]


def join_rows(narrow: pa.Table, locations: Locations, first_row: int) -> pa.Table:
    """Metadata of one data file: its other columns, row numbers and hashes; rows with images."""
    is_kept = locations["length"] > 0
    hashes = np.frombuffer(locations["sha256"].tobytes(), ">u8")[::4]
    taken = [name for name in narrow.column_names if name not in (*OWN_COLUMNS, HASH)]
    table = narrow.select(taken)
    table = table.append_column(ROW, pa.array(np.arange(len(locations)) + first_row))
    table = table.append_column(HASH, pa.array(np.ascontiguousarray(hashes).astype(np.uint64)))
    return table.filter(pa.array(is_kept))


def order_rows(table: pa.Table, columns: Columns) -> tuple[pa.Table, tuple[Stratum, ...]]:
    """Sort by stratum and hash; number the strata and the rows within them.

    Args:
        table: of `join_rows`, all files.
        columns: with the declared strata.

    Raises:
        StorageError: a declared column is not there.
    """
    missing = [name for name in columns.strata if name not in table.column_names or name == HASH]
    if missing:
        raise StorageError(f"no column {', '.join(missing)} to declare as stratum")
    for name in columns.strata:
        place = table.column_names.index(name)
        table = table.set_column(place, name, _simplify(table.column(name)))
    ordered = table.sort_by([(name, "ascending") for name in (*columns.strata, HASH, ROW)])
    strata = _find_strata(ordered, columns.strata)
    sizes = [one.rows for one in strata]
    numbers = np.repeat(np.arange(len(strata), dtype=np.int32), sizes)
    ranks = np.arange(len(ordered)) - np.repeat([one.start for one in strata], sizes)
    own = {
        ROW: ordered.column(ROW), RANK: pa.array(ranks.astype(np.int64)), STRATUM: pa.array(numbers)
    }  # fmt: skip
    rest = {name: ordered[name] for name in ordered.column_names if name not in (ROW, HASH)}
    return pa.table({**own, **rest}), strata


def _simplify(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values that JSON knows; dates and whatever else there is become texts, NaN becomes null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    kept = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_string)
    return column if any(is_kind(column.type) for is_kind in kept) else column.cast(pa.string())


def _find_strata(ordered: pa.Table, names: Sequence[str]) -> tuple[Stratum, ...]:
    if not names or not len(ordered):
        nothing = (None,) * len(names)
        return (Stratum(nothing, 0, len(ordered)),)
    is_new = np.zeros(len(ordered), bool)
    is_new[0] = True
    for name in names:
        codes = pc.dictionary_encode(ordered.column(name).combine_chunks(), null_encoding="encode")
        is_new[1:] |= np.diff(np.asarray(codes.indices)) != 0
    starts = np.flatnonzero(is_new)
    sizes = np.diff([*starts, len(ordered)])
    values = ordered.select(list(names)).take(pa.array(starts)).to_pylist()
    return tuple(
        Stratum(tuple(one.values()), int(start), int(size))
        for one, start, size in zip(values, starts, sizes, strict=True)
    )


def write_metadata(
    place: Bucket, ordered: pa.Table, strata: Sequence[Stratum], scratch: Path
) -> tuple[MetadataFile, ...]:
    """Put the metadata into the store, each file named by its content.

    Row groups end where a stratum ends.
    """
    files = []
    for begin in range(0, max(len(ordered), 1), _FILE_ROWS):
        path = scratch / "metadata.parquet"
        part = ordered.slice(begin, _FILE_ROWS)
        _write_groups(path, part, [one.start - begin for one in strata])
        key = f"metadata/{hash_file(path)[:16]}.parquet"
        place.put(key, path)
        files.append(MetadataFile(key, len(part), path.stat().st_size))
        path.unlink()
    return tuple(files)


def _write_groups(path: Path, table: pa.Table, starts: Sequence[int]) -> None:
    floats = [one.name for one in table.schema if one.type in (pa.float32(), pa.float64())]
    packed = {
        ROW: "DELTA_BINARY_PACKED", RANK: "DELTA_BINARY_PACKED",
        **dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
    }  # fmt: skip
    coded = [name for name in table.column_names if name not in packed]
    with pq.ParquetWriter(
        path, table.schema, compression="ZSTD", use_dictionary=coded, column_encoding=packed
    ) as writer:
        for begin, end in _cut(starts, len(table)):
            writer.write_table(table.slice(begin, end - begin), row_group_size=_GROUP_ROWS)


def _cut(starts: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    inner = sorted({start for start in starts if 0 < start < rows})
    yield from zip([0, *inner], [*inner, rows], strict=True)


def find_groups(about: pq.FileMetaData, places: Rows) -> tuple[list[int], Rows]:
    """Row groups of a metadata file that hold some places, and each place among their rows.

    Args:
        about: the file's footer.
        places: row positions in the file, shape (N,).
    """
    sizes = [about.row_group(one).num_rows for one in range(about.num_row_groups)]
    ends = np.cumsum(sizes)
    groups = np.searchsorted(ends, places, side="right")
    needed, where = np.unique(groups, return_inverse=True)
    begins = ends[needed] - np.take(sizes, needed)
    before = np.concatenate([[0], np.cumsum(np.take(sizes, needed))[:-1]]).astype(np.int64)
    return needed.tolist(), places - begins[where] + before[where]


def _lay_out(size: int, segments: dict[int, memoryview]) -> pa.BufferReader:
    """A file of which some segments, by their first byte, were fetched; the rest is not there."""
    whole = mmap.mmap(-1, size)
    for start, piece in segments.items():
        whole[start : start + len(piece)] = piece
    return pa.BufferReader(pa.py_buffer(whole))


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
        about = pq.read_metadata(_lay_out(size, segments))
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{key} in {reader.bucket.address} is damaged parquet") from error
    return Footer(key, size, about, segments)


def _is_of(path: str, names: Sequence[str]) -> bool:
    """True for a leaf of one of these columns, whose names may have dots."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def read_columns(
    reader: Reader, footer: Footer, choose: Chooser, groups: Sequence[int] | None = None
) -> pa.Table:
    """The top-level columns of a parquet object that `choose` names, of all or some row groups."""
    about, segments = footer.about, dict(footer.segments)
    names = list(choose(about.schema.to_arrow_schema()))
    numbers = range(about.num_row_groups) if groups is None else groups
    paths = [about.schema.column(leaf).path for leaf in range(len(about.schema))]
    leaves = [leaf for leaf, path in enumerate(paths) if _is_of(path, names)]
    spans = sorted(span_of(about.row_group(one).column(leaf)) for one in numbers for leaf in leaves)
    if spans:
        starts, ends = np.array(spans, np.int64).T
        segments |= reader.request(footer.key, (starts, ends)).wait_runs()
    with pq.ParquetFile(_lay_out(footer.size, segments), metadata=about) as file:
        return file.read_row_groups(list(numbers), columns=names)
