"""Where each image lies: byte ranges that point into ordinary parquet, ours or another's.

A parquet column that is neither compressed nor encoded holds its values whole and one after the
other, so an image in it is a byte range of the file that any HTTP range request can fetch.
"""

import hashlib
import io
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from faceproof.data.inputs.labels import LabelReader, code_of
from faceproof.errors import StorageError

LOCATION = np.dtype(
    [("offset", "<i8"), ("length", "<i4"), ("label", "<i4"), ("sha256", "V32")]
)  # of one image; a row without an image has length 0
UNLABELLED = -1
MAGIC = b"PAR1"  # both ends of a parquet file
_LENGTH_BYTES = 4  # before each value of a plain column

Locations = NDArray[np.void]  # of dtype LOCATION


@dataclass(frozen=True)
class Columns:
    """Which columns of the parquet files mean what; `strata` are declared for balanced draws."""

    image: str = "image"
    label: str | None = "label"
    strata: tuple[str, ...] = ()


def locate_images(path: Path, column: str) -> Locations:
    """Find the byte range and hash of every image of a parquet file; nothing is decoded.

    Each value that the parquet reader gives is looked for in the file's own bytes, from where the
    last one ended: what is found is right by construction, whoever wrote the file.

    Args:
        path: parquet file.
        column: of images: a struct with `bytes`, as `datasets` writes them, or plain binary.

    Returns:
        Shape (rows of the file,), no label known yet.

    Raises:
        StorageError: no such column, or its values are compressed.
    """
    with _open(path) as file, path.open("rb") as handle:
        number, name = _find_column(file, path, column)
        found = np.zeros(file.metadata.num_rows, LOCATION)
        if not len(found):
            return found
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            row = 0
            for group in range(file.num_row_groups):
                about = file.metadata.row_group(group).column(number)
                for value, offset in _search(_read_values(file, group, name), raw, about):
                    if offset < 0:
                        raise StorageError(
                            f"row {row} of {path.name}: its image is no byte range of the file "
                            f"({name} is {about.compression}); write the column uncompressed"
                        )
                    if value:
                        digest = hashlib.sha256(value).digest()
                        found[row] = (offset, len(value), UNLABELLED, digest)
                    row += 1
    return found


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise StorageError(f"{path.name} cannot be read as parquet: {reason}") from error


def _find_column(file: pq.ParquetFile, path: Path, column: str) -> tuple[int, str]:
    names = [file.schema.column(one).path for one in range(len(file.schema))]
    for name in (f"{column}.bytes", column):
        if name in names:
            return names.index(name), name
    raise StorageError(f"{path.name} has no column {column} of images; it has {', '.join(names)}")


def _read_values(file: pq.ParquetFile, group: int, name: str) -> Iterator[bytes | None]:
    for batch in file.iter_batches(256, row_groups=[group], columns=[name]):
        column = batch.column(0)
        values = column.field("bytes") if pa.types.is_struct(column.type) else column
        yield from values.to_pylist()


def _search(
    values: Iterator[bytes | None], raw: mmap.mmap, about: pq.ColumnChunkMetaData
) -> Iterator[tuple[bytes | None, int]]:
    """Each value and the offset at which it stands, -1 where it stands nowhere."""
    begin, end = span_of(about)
    cursor = begin
    for value in values:
        if not value:
            yield None, 0
            continue
        start = cursor + _LENGTH_BYTES
        if raw[start : start + len(value)] != value:
            start = raw.find(value, cursor, end)
            if start < 0:  # of a dictionary, where the same value stands once
                start = raw.find(value, begin, end)
        yield value, start
        cursor = max(cursor, start + len(value))


def span_of(column: pq.ColumnChunkMetaData) -> tuple[int, int]:
    """First byte of a column chunk, and the byte after its last."""
    begin = column.data_page_offset
    if column.dictionary_page_offset:  # 0 where some writers mean none
        begin = min(begin, column.dictionary_page_offset)
    return begin, begin + column.total_compressed_size


def encode_labels(
    labels: pa.ChunkedArray, names: Sequence[str] | None, reader: LabelReader, where: str
) -> NDArray[np.int32]:
    """Labels as 0 real, 1 fake, `UNLABELLED` where there is none.

    Args:
        labels: class codes, texts or booleans.
        names: of the classes, by code, where the file states them.
        reader: says what words mean real and fake.
        where: for messages.

    Raises:
        InputError: numbers without names, or labels that are not known.
    """
    if pa.types.is_dictionary(labels.type):
        labels = labels.cast(labels.type.value_type)
    codes = pc.dictionary_encode(labels.combine_chunks())
    values = codes.dictionary.to_pylist()
    meanings = reader.read_values(values, names, where)
    numbers = [UNLABELLED if one is None else code_of(one) for one in meanings]
    places = np.asarray(pc.fill_null(codes.indices, len(numbers)), np.int64)
    return np.array([*numbers, UNLABELLED], np.int32)[places]


def encode_locations(locations: Locations) -> bytes:
    """An index file: parquet with a row for each row of the file it points into."""
    hashes = pa.py_buffer(np.ascontiguousarray(locations["sha256"]).tobytes())
    columns = {name: pa.array(locations[name]) for name in ("offset", "length", "label")}
    columns["sha256"] = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(32), len(locations), [None, hashes]
    )
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, use_dictionary=["label"], compression="ZSTD")
    return sink.getvalue()


def decode_locations(data: bytes | memoryview) -> Locations:
    """What `encode_locations` wrote.

    Raises:
        StorageError: it is not an index file.
    """
    try:
        table = pq.read_table(pa.BufferReader(data), columns=list(LOCATION.names or ()))
        found = np.zeros(len(table), LOCATION)
        for name in ("offset", "length", "label"):
            found[name] = table.column(name).to_numpy()
        hashes = table.column("sha256").combine_chunks()
    except (pa.ArrowException, KeyError) as error:
        raise StorageError(f"not an index file: {' '.join(str(error).split())[:200]}") from error
    if len(found):
        found["sha256"] = np.frombuffer(hashes.buffers()[1], "V32", len(found), hashes.offset * 32)
    return found
