"""From ten thousand to a million images, written to S3 and read back for real."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from benchmarks.loaders.corpora import list_columns
from faceproof.buckets import Bucket, Endpoint
from faceproof.console import progress
from faceproof.data.images import decode
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from faceproof.errors import StorageError
from faceproof.results import Scalar
from faceproof.scale.indexing import publish
from faceproof.scale.loader import Loading, ViewLoader
from faceproof.scale.locations import Columns
from faceproof.scale.stores import DataFile, open_store
from faceproof.scale.units import put_shard
from faceproof.scale.views import view_all

SHARD_IMAGES = 10_000
_SIDE = 32  # pixels: so many images are small ones
_QUALITY = 85
_SAMPLE_SECONDS = 0.25  # between two looks at the memory
_STRATA = ("label", "sex", "age")


@dataclass(frozen=True)
class Reading:
    """One epoch: seconds, images, and megabytes held by the process as it went on."""

    seconds: float
    images: int
    megabytes: tuple[float, ...]


def measure_growth(
    sizes: Sequence[int], endpoint: Endpoint, seed: int
) -> tuple[dict[str, Scalar], dict[int, list[float]]]:
    """Write and read stores of growing size.

    Returns:
        Values by size; megabytes held over each epoch, for a figure.
    """
    values: dict[str, Scalar] = {"growth_side": _SIDE}
    memory = {}
    for size in sizes:
        place = Bucket(f"s3://bench/growth-{size}", endpoint)
        start = time.perf_counter()
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            shards = range(size // SHARD_IMAGES)
            done = pool.map(partial(_write_shard, place, seed), shards)
            files = list(progress(done, f"writing {size} images", "shards", len(shards)))
        written = time.perf_counter()
        store = publish(place, Columns(strata=_STRATA), files)
        values[f"growth_{size}_write_seconds"] = written - start
        values[f"growth_{size}_publish_seconds"] = time.perf_counter() - written
        values[f"growth_{size}_bytes"] = sum(one.size_bytes for one in files)
        store.close()
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            reading = pool.submit(_read_epoch, place, seed).result()
        values[f"growth_{size}_read_seconds"] = reading.seconds
        values[f"growth_{size}_read_images"] = reading.images
        values[f"growth_{size}_read_images_per_second"] = reading.images / reading.seconds
        values[f"growth_{size}_peak_megabytes"] = max(reading.megabytes)
        memory[size] = list(reading.megabytes)
    return values, memory


def _write_shard(place: Bucket, seed: int, shard: int) -> DataFile:
    """Make, write and index one shard, as a worker of a build does."""
    rng = np.random.default_rng([seed, shard])
    rows = range(shard * SHARD_IMAGES, (shard + 1) * SHARD_IMAGES)
    columns = list_columns(rows, rng)
    return put_shard(place, f"train-{shard:05d}", columns, _make_images(rng))


def _make_images(rng: np.random.Generator) -> list[bytes]:
    nothing = SourceRequest(input=None, folder=Path("unused"))
    photos = np.stack(
        [cv2.resize(decode(one.path.read_bytes()), (_SIDE, _SIDE)) for one in orl.read(nothing)]
    ).astype(np.int16)
    drawn = photos[rng.integers(len(photos), size=SHARD_IMAGES)]
    tints = rng.integers(-40, 40, (SHARD_IMAGES, 1, 1, 3))
    noise = rng.integers(-6, 7, drawn.shape, dtype=np.int16)
    pixels = np.clip(drawn + tints + noise, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return [cv2.imencode(".jpg", one, quality)[1].tobytes() for one in pixels]


def _read_epoch(place: Bucket, seed: int) -> Reading:
    """Every image once, decoded, counted by its row."""
    store = open_store(place)
    view = view_all(store)
    loader = ViewLoader(store, view, Loading(batch=256, seed=seed, side_pixels=_SIDE))
    held: list[float] = []
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(held, stop))
    watcher.start()
    seen = np.zeros(len(view), np.int8)
    start = time.perf_counter()
    for batch in loader:
        seen[batch["rows"].numpy()] += 1
    seconds = time.perf_counter() - start
    stop.set()
    watcher.join()
    if not (seen == 1).all():
        raise StorageError(f"{(seen != 1).sum()} images were missed or doubled")
    return Reading(seconds, int(seen.sum()), tuple(held))


def _watch(held: list[float], stop: threading.Event) -> None:
    """Note the memory at the start, now and then, and at the end."""
    is_over = False
    while not is_over:
        status = Path("/proc/self/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        held.append(int(line.split()[1]) / 1024)
        is_over = stop.wait(_SAMPLE_SECONDS)
