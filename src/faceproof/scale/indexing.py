"""Make a store of parquet that is there, ours or another's: nothing of it is copied or changed."""

import logging
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from faceproof.buckets import Bucket, StoredObject
from faceproof.console import progress
from faceproof.data.inputs.labels import LabelReader
from faceproof.data.inputs.names import find_column
from faceproof.data.tables import plain_schema, read_features
from faceproof.errors import StorageError
from faceproof.records import SPLITS
from faceproof.scale.locations import (
    UNLABELLED,
    Columns,
    Locations,
    decode_locations,
    encode_labels,
    encode_locations,
    locate_images,
)  # fmt: skip
from faceproof.scale.metadata import (
    join_rows,
    order_rows,
    read_columns,
    read_footer,
    write_metadata,
)
from faceproof.scale.ranges import Reader
from faceproof.scale.stores import DataFile, Manifest, Store, fetch, publish_store

_PLAIN = LabelReader()
_SPLIT = "split"
_AT_ONCE = 2  # files that are indexed side by side

logger = logging.getLogger(__name__)


def index_store(
    place: Bucket, columns: Columns, data: Bucket | None = None, prefix: str = "data/",
    labels: LabelReader = _PLAIN,
) -> Store:  # fmt: skip
    """Index parquet files, write metadata, and publish the store.

    Index files that an earlier, stopped run wrote are kept; the manifest is written last.

    Args:
        place: to write index, metadata and manifest to.
        columns: what the files' columns mean.
        data: where the files lie; by default the same place.
        prefix: of the files' keys.
        labels: says what words mean real and fake.

    Raises:
        InputError: labels that are not known to mean real or fake.
        StorageError: there is no parquet, an image is no byte range, or another store is there.
    """
    source = data or place
    listed = [one for one in source.list(prefix) if one.key.endswith(".parquet")]
    objects = [one for one in listed if one.size_bytes]
    if len(objects) < len(listed):
        logger.warning("left out %d files of no bytes", len(listed) - len(objects))
    if not objects:
        raise StorageError(f"no parquet below {prefix} in {source.address}; nothing to index")
    if data is not None:
        place.claim()
    index = partial(_index_file, place, source, columns, labels)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = list(progress(pool.map(index, objects), "indexing", "files", len(objects)))
    return publish(place, columns, files, data)


def publish(
    place: Bucket, columns: Columns, files: Sequence[DataFile], data: Bucket | None = None,
    inputs: Mapping[str, int] | None = None,
) -> Store:  # fmt: skip
    """Write metadata and manifest of indexed files; `inputs` is what a build counted.

    Raises:
        StorageError: another store is there.
    """
    table, empty = _gather(place, data or place, files, columns)
    ordered, strata = order_rows(table, columns)
    with tempfile.TemporaryDirectory() as scratch:
        metadata = write_metadata(place, ordered, strata, Path(scratch))
    manifest = Manifest(
        data=None if data is None else data.address,
        columns=columns,
        files=tuple(files),
        metadata=metadata,
        strata=strata,
        counts={**(inputs or {}), "images": len(ordered), "no_image": empty},
    )
    publish_store(place, manifest)
    logger.info("%s images of %s files in %s", len(ordered), len(files), place.address)
    return Store(place, manifest, data)


def index_local(path: Path, columns: Columns, labels: LabelReader = _PLAIN) -> bytes:
    """The index file of a parquet file on this machine.

    Raises:
        InputError: labels that are not known to mean real or fake.
        StorageError: no such columns, or an image is no byte range.
    """
    locations = locate_images(path, columns.image)
    if columns.label is not None:
        locations["label"] = _read_labels(path, columns.label, labels)
    return encode_locations(locations)


def _read_labels(path: Path, column: str, labels: LabelReader) -> NDArray[np.int32]:
    schema = pq.read_schema(path)
    found = column if column in schema.names else find_column(schema.names, column)
    if found is None:
        raise StorageError(
            f"{path.name} has no column {column} of labels; it has {', '.join(schema.names)}; "
            "give --label none if there are none"
        )
    names = getattr(read_features(schema).get(found), "names", None)
    values = pq.read_table(path, columns=[found]).column(found)
    return encode_labels(values, names, labels, f"{path.name}: column {found}")


def _index_file(
    place: Bucket, source: Bucket, columns: Columns, labels: LabelReader, file: StoredObject
) -> DataFile:
    """Put the index of one file, unless it is there."""
    of = (
        f"{source.address} {file.key} {file.size_bytes} {file.tag} {columns.image} {columns.label} "
        f"{sorted(labels.own.items())}"
    )
    key = f"index/{sha256(of.encode()).hexdigest()[:24]}.parquet"
    if not place.has(key):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / Path(file.key).name
            fetch(Reader(source), file.key, file.size_bytes, path)
            place.put(key, index_local(path, columns, labels))
    data = place.get(key)
    rows = len(decode_locations(data))
    return DataFile(file.key, rows, file.size_bytes, key, len(data), sha256(data).hexdigest())


def _gather(
    place: Bucket, source: Bucket, files: Sequence[DataFile], columns: Columns
) -> tuple[pa.Table, int]:
    """Metadata of all files in the order of their rows, and how many rows have no image."""
    reader = Reader(source)
    tables, first_row, empty = [], 0, 0
    for file in progress(files, "metadata", "files", len(files)):
        footer = read_footer(reader, file.key, file.size_bytes)
        narrow = read_columns(reader, footer, partial(_choose_narrow, image=columns.image))
        narrow = _add_split(narrow, file.key)
        locations: Locations = decode_locations(place.get(file.index))
        if len(locations) != len(narrow):
            raise StorageError(f"{file.index} does not fit {file.key}; use an empty place")
        narrow = _set_label(narrow.cast(plain_schema(narrow.schema)), locations, columns.label)
        tables.append(join_rows(narrow.replace_schema_metadata(None), locations, first_row))
        empty += len(narrow) - len(tables[-1])
        first_row += len(narrow)
    reader.close()
    try:
        return pa.concat_tables(tables, promote_options="permissive"), empty
    except pa.ArrowException as error:
        raise StorageError(f"columns differ in kind from file to file: {error}") from error


def _add_split(narrow: pa.Table, key: str) -> pa.Table:
    """The split that a file's name states, as on the Hub, where no column says it."""
    named = re.match(rf"({'|'.join(SPLITS)})[-.]", Path(key).name)
    if named is None or _SPLIT in narrow.column_names:
        return narrow
    return narrow.append_column(_SPLIT, pa.array([named[1]] * len(narrow)))


def _set_label(narrow: pa.Table, locations: Locations, label: str | None) -> pa.Table:
    """The column `label` as 0 real, 1 fake, null where there is none, whatever the file has."""
    if label is None:
        return narrow
    numbers = pa.array(locations["label"], pa.int64(), mask=locations["label"] == UNLABELLED)
    old = find_column(narrow.column_names, label)
    if old is not None:
        narrow = narrow.drop_columns([old])
    return narrow.append_column("label", numbers)


def _choose_narrow(schema: pa.Schema, image: str) -> list[str]:
    """Every flat column but the images."""
    files = (pa.binary(), pa.large_binary(), pa.binary_view())
    return [
        one.name for one in schema
        if one.name != image and not pa.types.is_nested(one.type) and one.type not in files
    ]  # fmt: skip
