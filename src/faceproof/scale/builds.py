"""Build a store from raw images, on one machine or a cluster, again and again until it is whole.

Two passes over units of work that know nothing of each other. The first examines images (do they
decode, what are they) and leaves a small file for each unit; then duplicates are dropped and rows
are given to shards. The second reads what was kept again and writes shards. Every file is named by
what went into it and written only if absent, so units can be killed, repeated or done twice.

The functions of a unit are plain Python; Daft spreads them over threads here or over Ray's workers.
"""

import asyncio
import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import daft
import numpy as np
import pyarrow as pa

from faceproof.buckets import Bucket
from faceproof.data.inputs.labels import parse_labels
from faceproof.errors import FaceProofError, InputError, SettingsError, StorageError
from faceproof.scale.indexing import publish
from faceproof.scale.locations import Columns
from faceproof.scale.settings import StoreSettings
from faceproof.scale.stores import DataFile, Store
from faceproof.scale.units import (
    NAME,
    Job,
    examine_unit,
    list_source,
    read_table,
    write_shard,
    write_table,
)

_SAME_BYTES, _TWO_LABELS = "same_bytes", "two_labels"
_SHARD_BYTES = 512 << 20  # of images in a shard, at most: a worker holds one in memory
_SAID = 300  # characters of an engine's words that are passed on
_PASSES = 3  # over units that are left where an engine broke off

logger = logging.getLogger(__name__)


def build_store(run: StoreSettings, source: Bucket, place: Bucket) -> Store:
    """Examine, drop duplicates, write shards, index, publish; goes on where a build stopped.

    Args:
        run: the settings.
        source: of images, in folders `real` and `fake`, or with a `labels.csv` of `image`, perhaps
            `label`, and any further columns; over HTTP it must be there, and is the list.
        place: for the store.

    Raises:
        InputError: no images.
        StorageError: source or place refuse, an image changed meanwhile, or another store is there.
    """
    listing = list_source(source, parse_labels(run.labels))
    place.claim()
    job = Job(source, place, f"work/{_identify(source, listing)}")
    units = _put_units(job, listing, run.unit_images)
    spread(run, partial(examine_unit, job), units, job.place, f"{job.work}/examined/")
    examined = [read_table(job.place, f"{job.work}/examined/{one}.parquet") for one in units]
    kept, counts = drop_duplicates(pa.concat_tables(examined))
    shards = _put_plan(job, kept, run.shard_images)
    spread(run, partial(write_shard, job), shards, job.place, f"{job.work}/shards/")
    notes = (job.place.get(f"{job.work}/shards/{one}.json") for one in shards)
    files = [DataFile(**json.loads(note)) for note in notes]
    return publish(place, Columns("image", "label", tuple(run.strata)), files, inputs=counts)


def _identify(source: Bucket, listing: pa.Table) -> str:
    """Names what a build is made of: the source, its list, and the objects where it lists them."""
    objects = [] if source.is_web else source.list()
    text = f"{source.address} {_hash(listing)} {objects}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _put_units(job: Job, listing: pa.Table, size: int) -> list[str]:
    """Leave the list of each unit for its worker; names of the units.

    Images are shuffled by the hash of their name, so that units are alike.
    """
    order = np.argsort([hashlib.sha256(one.as_py().encode()).digest() for one in listing[NAME]])
    mixed = listing.take(pa.array(order))
    units = []
    for number, begin in enumerate(range(0, len(mixed), size)):
        units.append(f"{number:06d}-{size}")
        write_table(job.place, f"{job.work}/units/{units[-1]}.parquet", mixed.slice(begin, size))
    return units


def drop_duplicates(examined: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """The rows to keep, mixed, and how many inputs were kept or dropped for which reason.

    Of images with the same bytes the first by name stays, and none where their labels differ.
    Copies that were encoded anew stay too: a sham is one. Their perceptual hash is a column, so a
    view can leave them out.
    """
    ordered = examined.sort_by([("sha256", "ascending"), (NAME, "ascending")])
    reasons = ordered["reason"].to_pylist()
    hashes = ordered["sha256"].to_pylist()
    labels: dict[str, set[str | None]] = {}
    for digest, label in zip(hashes, ordered["label"].to_pylist(), strict=True):
        labels.setdefault(digest, set()).add(label)
    for place, digest in enumerate(hashes):
        if digest is not None and len(labels[digest]) > 1:
            reasons[place] = _TWO_LABELS
        elif digest is not None and place and digest == hashes[place - 1]:
            reasons[place] = _SAME_BYTES
    counts = Counter(reason or "kept" for reason in reasons)
    is_kept = pa.array([reason is None for reason in reasons])
    return ordered.filter(is_kept).drop_columns(["reason"]), {"seen": len(ordered), **counts}


def _put_plan(job: Job, kept: pa.Table, size: int) -> list[str]:
    """Leave the rows of each shard for its worker; names of the shards.

    Rows lie by the hash of their bytes, which mixes them.
    """
    if not len(kept):
        raise InputError(f"no image of {job.source.address} can be used")
    plan = hashlib.sha256(f"{_hash(kept)} {size}".encode()).hexdigest()[:12]
    starts = _cut(kept["size_bytes"].to_pylist(), size)
    shards = []
    for number, (begin, end) in enumerate(pairwise([*starts, len(kept)])):
        shards.append(f"{plan}/train-{number:05d}-of-{len(starts):05d}")
        rows = kept.slice(begin, end - begin)
        write_table(job.place, f"{job.work}/plan/{shards[-1]}.parquet", rows)
    return shards


def _cut(sizes: Sequence[int], most: int) -> list[int]:
    """Where shards begin, so that none has too many images or too many bytes."""
    starts, held = [0], 0
    for place, size_bytes in enumerate(sizes):
        if place > starts[-1] and (place - starts[-1] == most or held + size_bytes > _SHARD_BYTES):
            starts.append(place)
            held = 0
        held += size_bytes
    return starts


def spread(
    run: StoreSettings, work: Callable[[str], None], units: Sequence[str], place: Bucket,
    done_prefix: str,
) -> None:  # fmt: skip
    """Do the units that have left no file yet; again where the engine broke off on the way.

    Args:
        run: says which engine.
        work: done once for each unit; it leaves a file `done_prefix` + unit + an ending.
        units: names.
        place: where the files are left.
        done_prefix: of their keys.

    Raises:
        StorageError: units are left after several passes, with what the engine said last.
    """
    said = ""
    for _ in range(_PASSES):
        left = _find_left(units, place, done_prefix)
        if not left:
            return
        logger.info("%d of %d units of %s to do", len(left), len(units), done_prefix.split("/")[-2])
        said = _run_daft(run, work, left)
    left = _find_left(units, place, done_prefix)
    if left:
        raise StorageError(f"{len(left)} of {len(units)} units could not be done: {said}")


def _find_left(units: Sequence[str], place: Bucket, prefix: str) -> list[str]:
    done = {one.key.removeprefix(prefix).rpartition(".")[0] for one in place.list(prefix)}
    return [one for one in units if one not in done]


def _run_daft(run: StoreSettings, work: Callable[[str], None], units: Sequence[str]) -> str:
    """One pass over units; what went wrong is said, not raised: the files tell what is left."""
    os.environ["DAFT_ANALYTICS_ENABLED"] = "0"
    _choose_runner(run)
    limited = daft.func(return_dtype=daft.DataType.string(), max_concurrency=run.workers)
    do = limited(_to_async(work))
    frame = daft.from_pydict({"unit": list(units)})
    if run.engine == "ray":
        frame = frame.into_partitions(len(units))
    try:
        answers = frame.select(do(frame["unit"])).to_pydict()["unit"]
    except (RuntimeError, OSError) as error:  # a worker that died, or its engine
        return " ".join(str(error).split())[-_SAID:]
    failed = [one for one in answers if one]
    return failed[0] if failed else ""


def _choose_runner(run: StoreSettings) -> None:
    """Tell Daft where to run, which it takes but once in a process.

    Raises:
        SettingsError: this process built with the other engine before.
    """
    if run.engine == "ray":
        _start_ray(run.cluster)
        daft.set_runner_ray(noop_if_initialized=True)
    if daft.get_or_infer_runner_type() != run.engine:
        raise SettingsError("a process can build with one engine only; start another one")


def _start_ray(cluster: str | None) -> None:
    """Connect to a cluster, or start one that listens on this machine only."""
    try:
        import ray  # noqa: PLC0415  # an extra, and slow to import
    except ImportError as error:
        raise SettingsError("Ray is not installed; run `pip install 'faceproof[ray]'`") from error
    if ray.is_initialized():
        return
    if cluster is not None:
        try:
            ray.init(address=cluster, log_to_driver=False)
        except (OSError, RuntimeError) as error:
            raise StorageError(f"no Ray cluster at {cluster}: {error}") from error
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", _node_ip_address="127.0.0.1", include_dashboard=False, log_to_driver=False)


def _to_async(work: Callable[[str], None]) -> Callable[[str], Coroutine[Any, Any, str]]:
    """The same for Daft, which runs several at once; gives what a unit refused, or nothing."""

    async def do(unit: str) -> str:
        try:
            await asyncio.to_thread(work, unit)
        except FaceProofError as error:
            return str(error)
        return ""

    return do


def _hash(table: pa.Table) -> str:
    """What a table holds, in twelve hexadecimal digits."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:12]
