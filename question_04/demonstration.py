"""Question 4 shown: parquet shards on S3 and back again, streamed and through views of a store."""

import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from datasets import Image, IterableDataset, load_dataset

from faceproof.buckets import Bucket, Endpoint
from faceproof.data.images import decode
from faceproof.errors import StorageError
from faceproof.results import Scalar
from faceproof.scale.loader import Loading, ViewLoader
from faceproof.scale.settings import StreamSettings
from faceproof.scale.stores import Store
from faceproof.scale.views import draw_uniform, select, view_all
from faceproof.storage import hash_file

_DRAWN = 600  # images of the view that is drawn evenly
_QUERY = "SELECT row FROM metadata WHERE sharpness >= 2.5"


def upload(bucket: Bucket, shards: Sequence[Path]) -> list[str]:
    """Put the shards under their own names and compare what the server then holds.

    Returns:
        The keys, in the order given.

    Raises:
        StorageError: an object differs from its file; objects of other builds are never replaced.
    """
    bucket.create()
    keys = []
    for shard in shards:
        key = f"data/{shard.parent.name}/{shard.name}"
        bucket.put(key, shard)
        if bucket.hash(key) != hash_file(shard):
            raise StorageError(f"object {key} differs from {shard.name}; use an empty bucket")
        keys.append(key)
    return keys


def stream_shards(endpoint: Endpoint, urls: Sequence[str]) -> IterableDataset:
    """The shards as `datasets` streams them, images left encoded."""
    stream = load_dataset(
        "parquet", data_files=list(urls), split="train", streaming=True,
        storage_options=endpoint.storage_options(),
    )  # fmt: skip
    return stream.select_columns(["image"]).cast_column("image", Image(decode=False))


def hash_images(shards: Sequence[Path]) -> list[str]:
    """SHA-256 of every image in local shards, in order."""
    return [_hash(image["bytes"]) for shard in shards for image in _read_images(shard)]


def _read_images(shard: Path) -> Iterator[dict[str, bytes]]:
    for group in pq.ParquetFile(shard).iter_batches(columns=["image"]):
        yield from group.column("image").to_pylist()


def measure(stream: IterableDataset, expected: Sequence[str], passes: int) -> dict[str, Scalar]:
    """Stream everything `passes` times after a warm-up and compare every image.

    Raises:
        StorageError: an image is missing, doubled, moved or changed.
    """
    rates = []
    for index in range(passes + 1):
        started = time.perf_counter()
        seen = [_hash(row["image"]["bytes"]) for row in stream]
        elapsed_seconds = time.perf_counter() - started
        if seen != list(expected):
            raise StorageError(f"pass {index}: what was streamed back is not what was stored")
        rates.append(len(seen) / elapsed_seconds)
    measured = rates[1:]
    return {
        "images": len(expected),
        "images_per_second": float(np.median(measured)),
        "images_per_second_slowest": float(min(measured)),
        "images_per_second_fastest": float(max(measured)),
        "passes": passes,
        "images_compared_equal": len(expected) * (passes + 1),
    }


def show_views(store: Store, shards: Sequence[Path], run: StreamSettings) -> dict[str, Scalar]:
    """Views of the uploaded shards: an even draw, a query over it, and an epoch of all, compared.

    Raises:
        StorageError: a row is missing, doubled, or other pixels than its shard holds.
    """
    drawn = draw_uniform(store, _DRAWN, run.seed, where={"split": "train"})
    with tempfile.TemporaryDirectory() as kept:
        asked = select(store, _QUERY, Path(kept), drawn)
    expected = [decode(image["bytes"]) for shard in shards for image in _read_images(shard)]
    seen = []
    for batch in ViewLoader(store, view_all(store), Loading(seed=run.seed)):
        rows = batch["rows"].tolist()
        seen += rows
        for row, pixels in zip(rows, batch["pixel_values"], strict=True):
            if not np.array_equal(pixels, expected[row]):
                raise StorageError(f"row {row}: what was loaded is not what was stored")
    if sorted(seen) != list(range(len(expected))):
        raise StorageError("an epoch is not every row once")
    return {
        "strata": len(store.manifest.strata),
        "view_rows": len(drawn),
        "view_bytes": len(drawn.encode()),
        "asked_rows": len(asked),
        "rows_loaded_equal": len(seen),
    }


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
