"""A build's units: plain functions that list a source, read its images and leave files.

Whoever calls them: threads here, or the workers of a cluster.
"""

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, Image, Value

from faceproof.buckets import Bucket
from faceproof.data.checks.duplicates import hash_photo
from faceproof.data.containers import HEAD_BYTES
from faceproof.data.images import decode
from faceproof.data.inputs.archives import TRUTH_NAME
from faceproof.data.inputs.labels import LabelReader, code_of, describe_unknown, is_hidden
from faceproof.data.inputs.names import NameIndex, find_column, normalise
from faceproof.data.inputs.spreadsheets import read_spreadsheet
from faceproof.data.inputs.walks import Entry, Walk, choose, walk
from faceproof.errors import ImageError, InputError, MissingError, StorageError
from faceproof.records import LABELS
from faceproof.scale.indexing import index_local
from faceproof.scale.locations import Columns
from faceproof.scale.stores import DataFile
from faceproof.storage import hash_file

NAME, LABEL = "name", "label"
EXAMINED = pa.schema([
    (NAME, pa.string()), ("sha256", pa.string()), ("perceptual_hash", pa.string()),
    ("width", pa.int32()), ("height", pa.int32()), ("size_bytes", pa.int64()),
    ("reason", pa.string()),
])  # of every image, before its label and further columns  # fmt: skip
_TAKEN = {"image", "", None, *EXAMINED.names, "row", "rank", "stratum"}
_AT_ONCE = 32  # first bytes that are asked for side by side
_PLAIN = LabelReader()
_READS = 16  # images of a unit that are read at once
_GROUP_BYTES = 4 << 20  # of images in a row group: a streaming reader's smallest bite


def list_source(source: Bucket, labels: LabelReader = _PLAIN) -> pa.Table:
    """Names of images, their label where the source states it, and further columns of its list.

    Args:
        source: of images, in folders that say what is real and fake, or with a `labels.csv`.
        labels: says what words mean real and fake.

    Raises:
        InputError: there is none, or the list cannot be read.
    """
    if source.is_web:  # it cannot be listed
        return _read_truth(source, labels, None)
    found = walk(source.folder) if source.folder is not None else _walk_store(source)
    names = [one.name for one in found.images]
    if not names:
        raise InputError(f"no images in {source.address}, and no {TRUTH_NAME} that names some")
    if TRUTH_NAME in found.others:
        return _read_truth(source, labels, NameIndex(names))
    said = labels.read_folders(names)
    if said.unknown:
        raise InputError(describe_unknown(said.unknown))
    return pa.table(
        {NAME: names, LABEL: pa.array([said.labels.get(one) for one in names], pa.string())}
    )


def _walk_store(source: Bucket) -> Walk:
    """The same walk over an object store; first bytes are fetched where a name says nothing."""
    keys = {one.key: one.size_bytes for one in source.list()}
    unsaid = [key for key in keys if keys[key] and not PurePosixPath(key).suffix]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        heads = dict(zip(unsaid, pool.map(partial(_read_head, source, keys), unsaid), strict=True))

    def read_head(key: str) -> bytes:
        return heads[key] if key in heads else _read_head(source, keys, key)

    entries = (Entry(key, partial(source.get, key), partial(read_head, key)) for key in keys)
    return choose(entries, source.address)


def _read_head(source: Bucket, keys: dict[str, int], key: str) -> bytes:
    try:
        return bytes(source.read(key, 0, min(HEAD_BYTES, keys[key]))) if keys[key] else b""
    except StorageError as error:
        raise ImageError("unreadable", str(error)) from error


def _read_truth(source: Bucket, labels: LabelReader, index: NameIndex | None) -> pa.Table:
    """The list that the source has; `index` finds its images where they can be listed."""
    where = f"{TRUTH_NAME} in {source.address}"
    sheet = read_spreadsheet(source.get(TRUTH_NAME), where, ("image",))
    images = [normalise(one) for one in sheet.column("image") or []]
    names = [(index.find(one) if index else one) or one for one in images]
    if not names or not all(names) or len(set(names)) < len(names):
        raise InputError(f"{where} must name each image once, in the column `image`")
    known = {find_column(sheet.header, kind) for kind in ("image", "label")}
    columns = {
        name: [row[name] for row in sheet.rows]
        for name in sheet.header if name not in {*_TAKEN, LABEL, *known}
    }  # fmt: skip
    read, words = labels.reader_of(None, where), sheet.column("label") or [""] * len(names)
    said = [None if is_hidden(word) else read(word) for word in words]
    return pa.table({NAME: names, **columns, LABEL: pa.array(said, pa.string())})


@dataclass(frozen=True)
class Job:
    """What every worker needs to know; `work` is the prefix of what only the build needs."""

    source: Bucket
    place: Bucket
    work: str


def examine_unit(job: Job, unit: str) -> None:
    """Read, decode and hash the images of a unit; what cannot be used gets a reason."""
    listing = read_table(job.place, f"{job.work}/units/{unit}.parquet")
    with ThreadPoolExecutor(_READS) as pool:
        rows = list(pool.map(partial(examine_image, job.source), listing[NAME].to_pylist()))
    found = pa.Table.from_pylist(rows, EXAMINED)
    for name in listing.column_names[1:]:
        found = found.append_column(name, listing[name])
    write_table(job.place, f"{job.work}/examined/{unit}.parquet", found)


def examine_image(source: Bucket, name: str) -> dict[str, str | int | None]:
    """What an image is, or the reason why it is none."""
    try:
        data = source.get(name)
        pixels = decode(data)
    except MissingError:
        return {NAME: name, "reason": "missing"}
    except ImageError as error:
        return {NAME: name, "reason": error.code}
    height, width = pixels.shape[:2]
    return {
        NAME: name, "sha256": hashlib.sha256(data).hexdigest(),
        "perceptual_hash": hash_photo(pixels)[0].tobytes().hex(),
        "width": width, "height": height, "size_bytes": len(data), "reason": None,
    }  # fmt: skip


def write_shard(job: Job, shard: str) -> None:
    """Read the images of a shard again, and write it, its index, and a note that both are there.

    Raises:
        StorageError: an image is not what was examined.
    """
    plan = read_table(job.place, f"{job.work}/plan/{shard}.parquet")
    with ThreadPoolExecutor(_READS) as pool:
        images = list(pool.map(partial(_read_same, job.source), plan[NAME], plan["sha256"]))
    note = put_shard(job.place, shard, plan, images)
    job.place.put(f"{job.work}/shards/{shard}.json", json.dumps(asdict(note)).encode())


def put_shard(place: Bucket, shard: str, columns: pa.Table, images: Sequence[bytes]) -> DataFile:
    """Write a shard and its index, unless the same are there.

    Raises:
        StorageError: others are there under these names.
    """
    key, index_key = f"data/{shard}.parquet", f"index/{shard.replace('/', '-')}.parquet"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "shard.parquet"
        write_images(path, columns, images)
        index = index_local(path, Columns())
        digest = hashlib.sha256(index).hexdigest()
        for name, data, expected in ((key, path, hash_file(path)), (index_key, index, digest)):
            if not place.put(name, data) and place.hash(name) != expected:
                raise StorageError(
                    f"{name} in {place.address} was written by other versions; use an empty place"
                )
        return DataFile(key, len(columns), path.stat().st_size, index_key, len(index), digest)


def write_images(path: Path, columns: pa.Table, images: Sequence[bytes]) -> None:
    """A parquet shard as the Hub reads it: narrow columns first, image bytes plain.

    Args:
        path: to write.
        columns: a row for each image; `label` as text of `LABELS`.
        images: encoded.
    """
    kinds = {name: _feature(columns.schema.field(name)) for name in columns.column_names}
    schema = Features({**kinds, "image": Image()}).arrow_schema
    cells = pa.array([{"bytes": one, "path": None} for one in images], schema.field("image").type)
    numbers = {name: columns[name] for name in columns.column_names}
    numbers[LABEL] = pa.array(
        [None if one is None else code_of(one) for one in columns[LABEL].to_pylist()], pa.int64()
    )
    table = pa.table({**numbers, "image": cells}).cast(schema)
    mean_bytes = max(1, sum(map(len, images)) // max(1, len(images)))
    pq.write_table(
        table, path, row_group_size=max(1, _GROUP_BYTES // mean_bytes),
        compression=dict.fromkeys((*columns.column_names, "image.path"), "ZSTD")
        | {"image.bytes": "NONE"},
        use_dictionary=list(columns.column_names), write_page_index=True,
    )  # fmt: skip


def _feature(column: pa.Field) -> ClassLabel | Value:
    if column.name == LABEL:
        return ClassLabel(names=list(LABELS))
    return Value(str(column.type) if pa.types.is_integer(column.type) else "string")


def _read_same(source: Bucket, name: pa.Scalar, sha256: pa.Scalar) -> bytes:
    data = source.get(name.as_py())
    if hashlib.sha256(data).hexdigest() != sha256.as_py():
        raise StorageError(
            f"{name} in {source.address} changed while it was built; build into an empty place"
        )
    return data


def read_table(place: Bucket, key: str) -> pa.Table:
    """A table that `write_table` left."""
    return pq.read_table(pa.BufferReader(place.get(key)))


def write_table(place: Bucket, key: str, table: pa.Table) -> None:
    """Leave a table, unless it is there."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="ZSTD")
    place.put(key, sink.getvalue())
