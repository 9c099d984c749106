"""Views as others take them: a `datasets.IterableDataset`, a parquet file of their own."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, Image, IterableDataset, Value

from faceproof.console import progress
from faceproof.data.inputs.names import find_column
from faceproof.data.tables import plain_schema, read_features
from faceproof.scale.locations import UNLABELLED, Locations
from faceproof.scale.metadata import read_columns, read_footer
from faceproof.scale.stores import Rows, Store
from faceproof.scale.views import View
from faceproof.storage import replacing

_LABEL = "label"
_COPY = b"faceproof_copy"  # in the schema of a copy: of which store
_CHUNK_ROWS = 256  # whose images are in memory at once
_SHARE_ROWS = 10_000  # of a stream's shards, the unit of its workers


def to_iterable_dataset(store: Store, view: View) -> IterableDataset:
    """The view as `datasets` streams: images and every flat column, in the view's order.

    Split among workers by its shards, shuffled as any streamed dataset; SHA-256 checked.
    """
    shares = [view.rows[begin : begin + _SHARE_ROWS] for begin in range(0, len(view), _SHARE_ROWS)]
    features = Features.from_arrow_schema(_read_schema(store))
    return IterableDataset.from_generator(
        partial(_generate, store), features=features, gen_kwargs={"shares": shares}
    )


def materialise(store: Store, view: View, path: Path) -> None:
    """Copy the view's rows into one parquet file of the store's own columns.

    Raises:
        StorageError: the images cannot be read, or are not what the index says.
    """
    schema = _read_schema(store)
    image = store.manifest.columns.image
    schema = schema.with_metadata({**(schema.metadata or {}), _COPY: store.fingerprint.encode()})
    with (
        replacing(path) as partial_file,
        pq.ParquetWriter(
            partial_file, schema, use_dictionary=[name for name in schema.names if name != image],
            compression={name: "ZSTD" for name in schema.names if name != image}
            | {f"{image}.bytes": "NONE"},
        ) as writer,
    ):  # fmt: skip
        pieces = range(0, len(view), _CHUNK_ROWS)
        tables = _read_tables(store, view.rows)
        for table in progress(tables, "copying", "pieces", len(pieces)):
            writer.write_table(table.cast(schema))


def _generate(store: Store, shares: list[Rows]) -> Iterator[dict[str, Any]]:
    for rows in shares:
        for table in _read_tables(store, rows):
            yield from table.to_pylist()


def _read_schema(store: Store) -> pa.Schema:
    """Flat columns and the image, with what `datasets` noted of their meaning; `label` is ours."""
    file = store.manifest.files[0]
    footer = read_footer(store.reader, file.key, file.size_bytes)
    schema: pa.Schema = footer.about.schema.to_arrow_schema()
    columns = store.manifest.columns
    known = {**read_features(schema, columns.image), columns.image: Image()}
    if columns.label is not None:
        label = find_column(schema.names, columns.label) or columns.label
        known = {("label" if name == label else name): kind for name, kind in known.items()}
        known["label"] = ClassLabel(names=list(store.manifest.labels))
    kept = {
        name: kind for name, kind in known.items()
        if name == columns.image or isinstance(kind, ClassLabel | Value)
    }  # fmt: skip
    return Features(kept).arrow_schema


def _read_tables(store: Store, rows: Rows) -> Iterator[pa.Table]:
    """Some rows at a time, ascending as they are in a view."""
    names = _read_schema(store).names
    image = store.manifest.columns.image
    narrow_names = [name for name in names if name not in (image, _LABEL)]
    held = (-1, pa.table({}))
    for begin in range(0, len(rows), _CHUNK_ROWS):
        wanted = rows[begin : begin + _CHUNK_ROWS]
        files, locations = store.locate(wanted)
        parts = []
        for number in np.unique(files).tolist():
            if held[0] != number:
                held = (number, _read_narrow(store, number, narrow_names))
            is_here = files == number
            places = pa.array(wanted[is_here] - store.starts[number])
            images = _read_images(store, number, locations[is_here])
            taken = held[1].take(places) if narrow_names else held[1]
            columns = {name: taken.column(name) for name in narrow_names}
            numbers = locations["label"][is_here]
            columns[_LABEL] = pa.array(numbers, pa.int64(), mask=numbers == UNLABELLED)
            columns[image] = images
            parts.append(pa.table({name: columns[name] for name in names}))
        yield pa.concat_tables(parts)


def _read_narrow(store: Store, number: int, names: list[str]) -> pa.Table:
    file = store.manifest.files[number]
    footer = read_footer(store.reader, file.key, file.size_bytes)
    table = read_columns(store.reader, footer, lambda _: names)
    return table.cast(plain_schema(table.schema))


def _read_images(store: Store, number: int, locations: Locations) -> pa.Array:
    """Images of one file as `datasets` keeps them, checked."""
    starts = locations["offset"]
    ranges = (starts, starts + locations["length"])
    data = store.reader.read_images(store.keys([number])[0], ranges, locations["sha256"])
    return pa.array([{"bytes": bytes(one), "path": None} for one in data])
