"""Units of a build: plain functions that read images and leave files, whoever calls them."""

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features, Image, Value

from faceproof.buckets import Bucket
from faceproof.data.checks.duplicates import hash_photo
from faceproof.data.images import decode
from faceproof.data.inputs.labels import code_of
from faceproof.errors import ImageError, MissingError, StorageError
from faceproof.records import LABELS
from faceproof.scale.indexes import Columns
from faceproof.scale.indexing import index_local
from faceproof.scale.listings import EXAMINED, LABEL, NAME
from faceproof.scale.stores import DataFile
from faceproof.storage import hash_file

_READS = 16  # images of a unit that are read at once
_GROUP_BYTES = 4 << 20  # of images in a row group: a streaming reader's smallest bite


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
        NAME: name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "perceptual_hash": hash_photo(pixels)[0].tobytes().hex(),
        "width": width,
        "height": height,
        "size_bytes": len(data),
        "reason": None,
    }


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
    features = Features(
        {name: _feature(columns.schema.field(name)) for name in columns.column_names}
        | {"image": Image()}
    )
    schema = features.arrow_schema
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
