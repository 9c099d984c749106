"""Loaders in one process each, told when to go; run as a file, also where we are not installed.

    python contenders.py NAME SPEC.json

The specification says where each format lies, batch, workers, images. Prints `ready`, waits for a
line on standard input for each epoch, prints what the epoch was as JSON. Every contender decodes
with the same function and gives batches of the same shape, with the number of each image. Keys come
from the AWS variables. Each is set up as its own documentation advises for shuffled training from
S3.
"""

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch

cv2.setNumThreads(1)
torch.set_num_threads(1)

Spec = dict[str, Any]
Epoch = Callable[[int], Iterator[tuple[Any, Any]]]  # numbers (N,), images (N, side, side, 3)

_ROOMS: dict[int, Any] = {}  # by thread
_ROOM_BYTES = 3 << 20
_BUFFER = 1000  # images; of shuffle buffers, the default or advice of their libraries
_AT_ONCE = 32  # requests of one worker, where objects are fetched one by one


def decode(data: Any, side: int) -> Any:
    """JPEG to a square, (side, side, 3) uint8, through memory that each thread keeps."""
    room = _ROOMS.get(threading.get_ident())
    if room is None:
        room = _ROOMS[threading.get_ident()] = np.empty(_ROOM_BYTES, np.uint8)
    pixels = simplejpeg.decode_jpeg(data, buffer=room)
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)


def stack(items: list[tuple[int, Any]]) -> tuple[Any, Any]:
    """Numbers and images of a batch."""
    return torch.tensor([one for one, _ in items]), torch.from_numpy(
        np.stack([pixels for _, pixels in items])
    )


def ours(spec: Spec, cache: bool = False) -> Epoch:
    """`ViewLoader` on byte ranges of the parquet."""
    from faceproof.buckets import Bucket
    from faceproof.scale.loader import Loading, ViewLoader
    from faceproof.scale.ranges import ChunkCache
    from faceproof.scale.stores import open_store
    from faceproof.scale.views import view_all

    kept = ChunkCache(Path(spec["scratch"]) / "ours", 4 << 30) if cache else None
    store = open_store(Bucket(spec["parquet"]), cache=kept)
    loading = Loading(spec["batch"], spec["seed"], spec["side"], threads=spec["workers"])
    loader = ViewLoader(store, view_all(store), loading)

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        loader.set_epoch(number)
        for batch in loader:
            yield batch["rows"], batch["pixel_values"].permute(0, 2, 3, 1)

    return epoch


def webdataset(spec: Spec) -> Epoch:
    """Tar shards through curl, shards and a buffer shuffled."""
    import boto3
    import webdataset as wds
    from botocore.config import Config

    s3 = boto3.client(
        "s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1",
        config=Config(signature_version="s3v4"),
    )  # fmt: skip
    urls = [
        s3.generate_presigned_url("get_object", Params={"Bucket": spec["bucket"], "Key": key})
        for key in spec["tars"]
    ]
    pipes = [f"pipe:curl -s -f '{url}'" for url in urls]

    def to_pair(sample: dict[str, Any]) -> tuple[int, Any]:
        return int(sample["__key__"]), decode(sample["jpg"], spec["side"])

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        dataset = (
            wds.WebDataset(pipes, shardshuffle=len(pipes), seed=spec["seed"] + number,
                           empty_check=False)
            .shuffle(_BUFFER, seed=spec["seed"] + number)
            .map(to_pair)
            .batched(spec["batch"], collation_fn=stack)
        )  # fmt: skip
        yield from wds.WebLoader(dataset, batch_size=None, num_workers=spec["workers"])

    return epoch


def decode_items(items: list[dict[str, Any]], side: int) -> tuple[Any, Any]:
    """A batch of encoded images, decoded in the worker that collates it."""
    return stack([(int(one["number"]), decode(one["image"], side)) for one in items])


def litdata(spec: Spec) -> Epoch:
    """`StreamingDataset` with its cache, in an environment of its own."""
    from litdata import StreamingDataLoader, StreamingDataset
    from litdata.streaming import downloader

    downloader._OBSTORE_CLIENT_OPTIONS["allow_http"] = True  # it refuses http:// by itself
    options = {
        "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "region_name": "us-east-1",
    }
    dataset = StreamingDataset(
        spec["litdata"], cache_dir=f"{spec['scratch']}/litdata", shuffle=True, seed=spec["seed"],
        storage_options=options, drop_last=False,
    )  # fmt: skip
    loader = StreamingDataLoader(
        dataset, batch_size=spec["batch"], num_workers=spec["workers"],
        collate_fn=partial(decode_items, side=spec["side"]),
    )  # fmt: skip

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        del number
        yield from loader

    return epoch


def mosaic(spec: Spec) -> Epoch:
    """MDS through `StreamingDataset` with its cache, in an environment of its own."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory
    from torch.utils.data import DataLoader

    clean_stale_shared_memory()
    os.environ["S3_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"]
    dataset = StreamingDataset(
        remote=spec["mds"], local=f"{spec['scratch']}/mds", shuffle=True,
        shuffle_seed=spec["seed"], batch_size=spec["batch"],
    )  # fmt: skip
    for stream in dataset.streams:  # its open connection would be shared by forked workers
        stream._downloader.clean_up()
    loader = DataLoader(
        dataset, batch_size=spec["batch"], num_workers=spec["workers"],
        collate_fn=partial(decode_items, side=spec["side"]),
    )  # fmt: skip

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        del number
        yield from loader

    return epoch


class _LanceScan(torch.utils.data.IterableDataset[Any]):
    """Fragments in a drawn order, and what they hold through a buffer."""

    def __init__(self, spec: Spec, number: int) -> None:
        self.spec, self.number = spec, number

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        import lance as library

        options = {
            "endpoint": os.environ["AWS_ENDPOINT_URL"], "allow_http": "true",
            "region": "us-east-1", "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        }  # fmt: skip
        worker = torch.utils.data.get_worker_info()
        dataset = library.dataset(self.spec["lance"], storage_options=options)
        rng = np.random.default_rng([self.spec["seed"], self.number])
        fragments = dataset.get_fragments()
        drawn = [fragments[one] for one in rng.permutation(len(fragments))]
        mine = drawn[worker.id :: worker.num_workers] if worker else drawn
        scanner = dataset.scanner(
            fragments=mine, batch_size=256, batch_readahead=8, scan_in_order=False
        )
        buffer: list[tuple[int, Any]] = []
        for batch in scanner.to_batches():
            for pair in zip(batch["number"].to_pylist(), batch["image"], strict=True):
                buffer.append(pair)
                if len(buffer) >= _BUFFER:
                    place = int(rng.integers(len(buffer)))
                    buffer[place], buffer[-1] = buffer[-1], buffer[place]
                    yield self.read(buffer.pop())
        for place in rng.permutation(len(buffer)):
            yield self.read(buffer[place])

    def read(self, pair: tuple[int, Any]) -> tuple[int, Any]:
        return pair[0], decode(memoryview(pair[1].as_buffer()).cast("B"), self.spec["side"])


def lance(spec: Spec) -> Epoch:
    """Fragments in shuffled order, scanned in batches, through a shuffle buffer."""
    from torch.utils.data import DataLoader

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        yield from DataLoader(
            _LanceScan(spec, number), spec["batch"], num_workers=spec["workers"], collate_fn=stack
        )

    return epoch


def datasets_fast(spec: Spec, fast: bool = True) -> Epoch:
    """`load_dataset(streaming=True)`, shuffled by its buffer; decoded by us, or by itself."""
    import pyarrow.dataset
    from datasets import Image, load_dataset
    from pyarrow import CacheOptions
    from torch.utils.data import DataLoader

    options = {
        "key": os.environ["AWS_ACCESS_KEY_ID"], "secret": os.environ["AWS_SECRET_ACCESS_KEY"],
        "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
    }  # fmt: skip
    ahead = pyarrow.dataset.ParquetFragmentScanOptions(
        cache_options=CacheOptions(prefetch_limit=1, range_size_limit=32 << 20)
    )
    rows = load_dataset(
        "parquet", data_files=[f"{spec['parquet']}/{key}" for key in spec["files"]], split="train",
        streaming=True, storage_options=options, fragment_scan_options=ahead,
    ).select_columns(["number", "image"])  # fmt: skip
    rows = rows.cast_column("image", Image(decode=not fast))
    side = spec["side"]

    def to_pair(row: dict[str, Any]) -> tuple[int, Any]:
        if fast:
            return row["number"], decode(row["image"]["bytes"], side)
        return row["number"], np.asarray(row["image"].convert("RGB").resize((side, side)))

    def collate(items: list[dict[str, Any]]) -> tuple[Any, Any]:
        return stack([to_pair(row) for row in items])

    shuffled = rows.shuffle(seed=spec["seed"], buffer_size=_BUFFER)

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        shuffled.set_epoch(number)
        yield from DataLoader(
            shuffled, spec["batch"], num_workers=spec["workers"], collate_fn=collate
        )

    return epoch


def datasets_default(spec: Spec) -> Epoch:
    """`load_dataset(streaming=True)` as it comes, with Pillow."""
    return datasets_fast(spec, fast=False)


class _Objects(torch.utils.data.Dataset[Any]):
    """One object an image; a batch is fetched at once."""

    def __init__(self, spec: Spec, client: str) -> None:
        self.spec, self.client, self.get = spec, client, None

    def __len__(self) -> int:
        return int(self.spec["images"])

    def __getitems__(self, numbers: list[int]) -> list[tuple[int, Any]]:
        if self.get is None:
            self.get = (
                _open_boto3(self.spec) if self.client == "boto3" else _open_obstore(self.spec)
            )
        data = self.get([f"{self.spec['objects']}/{one:07d}.jpg" for one in numbers])
        side = self.spec["side"]
        return [(one, decode(raw, side)) for one, raw in zip(numbers, data, strict=True)]


def _open_boto3(spec: Spec) -> Any:
    import boto3
    from botocore.config import Config

    s3 = boto3.client(
        "s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1",
        config=Config(max_pool_connections=_AT_ONCE),
    )  # fmt: skip
    pool = ThreadPoolExecutor(_AT_ONCE)

    def get(keys: list[str]) -> list[bytes]:
        def one(key: str) -> bytes:
            return bytes(s3.get_object(Bucket=spec["bucket"], Key=key)["Body"].read())

        return list(pool.map(one, keys))

    return get


def _open_obstore(spec: Spec) -> Any:
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        spec["bucket"], endpoint=os.environ["AWS_ENDPOINT_URL"], region="us-east-1",
        client_options={"allow_http": True},
    )  # fmt: skip

    async def fetch(keys: list[str]) -> list[Any]:
        async def one(key: str) -> Any:
            return await (await obstore.get_async(store, key)).bytes_async()

        return await asyncio.gather(*map(one, keys))

    def get(keys: list[str]) -> list[Any]:
        return asyncio.run(fetch(keys))

    return get


def objects(spec: Spec, client: str) -> Epoch:
    """One object an image, exactly shuffled, a batch fetched at once in each worker."""
    from torch.utils.data import DataLoader

    dataset = _Objects(spec, client)

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        draw = torch.Generator().manual_seed(spec["seed"] + number)
        yield from DataLoader(
            dataset, spec["batch"], shuffle=True, generator=draw, num_workers=spec["workers"],
            collate_fn=stack, prefetch_factor=4,
        )  # fmt: skip

    return epoch


def ray_data(spec: Spec) -> Epoch:
    """`read_parquet`, files and a local buffer shuffled, decoded in `map_batches`."""
    import pyarrow.fs
    import ray

    ray.init("local", _node_ip_address="127.0.0.1", include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    where = pyarrow.fs.S3FileSystem(
        access_key=os.environ["AWS_ACCESS_KEY_ID"], region="us-east-1",
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=os.environ["AWS_ENDPOINT_URL"],
    )  # fmt: skip
    side = spec["side"]
    paths = [f"{spec['parquet'].removeprefix('s3://')}/{key}" for key in spec["files"]]

    def decode_batch(batch: dict[str, Any]) -> dict[str, Any]:
        pictures = [decode(cell["bytes"], side) for cell in batch["image"]]
        return {"number": batch["number"], "pixels": np.stack(pictures)}

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        data = ray.data.read_parquet(
            paths, filesystem=where, columns=["number", "image"],
            shuffle=ray.data.FileShuffleConfig(seed=spec["seed"] + number),
        ).map_batches(decode_batch, batch_size=256)  # fmt: skip
        for batch in data.iter_batches(
            batch_size=spec["batch"], local_shuffle_buffer_size=_BUFFER, prefetch_batches=4,
            local_shuffle_seed=spec["seed"],
        ):  # fmt: skip
            yield torch.from_numpy(batch["number"].copy()), torch.from_numpy(batch["pixels"].copy())

    return epoch


def daft(spec: Spec) -> Epoch:
    """`read_parquet`, decoded by Daft, as a torch iterable; it does not shuffle."""
    import daft as library
    from daft.io import IOConfig, S3Config

    where = IOConfig(
        s3=S3Config(
            endpoint_url=os.environ["AWS_ENDPOINT_URL"], key_id=os.environ["AWS_ACCESS_KEY_ID"],
            access_key=os.environ["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1",
        )
    )  # fmt: skip
    side = spec["side"]

    @library.func.batch(return_dtype=library.DataType.python())
    def decode_all(cells: Any) -> list[Any]:
        return [decode(one, side) for one in cells.to_pylist()]

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        del number
        frame = library.read_parquet(
            [f"{spec['parquet']}/{key}" for key in spec["files"]], io_config=where
        )
        frame = frame.select("number", decode_all(frame["image"]["bytes"]).alias("pixels"))
        items = []
        for row in frame.iter_rows():
            items.append((row["number"], row["pixels"]))
            if len(items) == spec["batch"]:
                yield stack(items)
                items = []
        if items:
            yield stack(items)

    return epoch


def decode_limit(spec: Spec) -> Epoch:
    """Decoding alone: encoded images lie in memory, threads do nothing else."""
    import pyarrow.parquet as pq

    column = pq.read_table(spec["local"], columns=["image"]).column("image").combine_chunks()
    encoded = column.field("bytes").to_pylist()
    side, size = spec["side"], spec["batch"]
    batches = [
        range(begin, min(begin + size, len(encoded))) for begin in range(0, len(encoded), size)
    ]

    def make(numbers: range) -> tuple[Any, Any]:
        pixels = np.empty((len(numbers), side, side, 3), np.uint8)
        for place, number in enumerate(numbers):
            pixels[place] = decode(encoded[number], side)
        return torch.tensor(list(numbers)), torch.from_numpy(pixels)

    def epoch(number: int) -> Iterator[tuple[Any, Any]]:
        del number
        with ThreadPoolExecutor(spec["workers"]) as pool:
            waiting: list[Any] = []
            for numbers in batches:
                waiting.append(pool.submit(make, numbers))
                if len(waiting) > 8:
                    yield waiting.pop(0).result()
            for one in waiting:
                yield one.result()

    return epoch


CONTENDERS: dict[str, Callable[[Spec], Epoch]] = {
    "decode_limit": decode_limit,
    "ours": ours,
    "ours_cached": partial(ours, cache=True),
    "webdataset": webdataset,
    "litdata": litdata,
    "mosaic": mosaic,
    "lance": lance,
    "datasets_fast": datasets_fast,
    "datasets_default": datasets_default,
    "objects_obstore": partial(objects, client="obstore"),
    "objects_boto3": partial(objects, client="boto3"),
    "ray_data": ray_data,
    "daft": daft,
}


def run_epoch(epoch: Epoch, number: int, limit: int) -> dict[str, Any]:
    """One epoch, or its first images: how many, how long, in which order, with what CPU time."""
    order: list[Any] = []
    images, first, seconds = 0, None, 0.0
    before = _read_cpu()
    start = time.perf_counter()
    for numbers, pixels in epoch(number):
        seconds = time.perf_counter() - start  # what follows the last batch is nobody's wait
        first = seconds if first is None else first
        assert pixels.dtype == torch.uint8
        order.append(np.asarray(numbers))
        images += len(numbers)
        if images >= limit:
            break
    return {
        "images": images, "seconds": seconds, "first_batch_seconds": first,
        "cpu_seconds": _read_cpu() - before,
        "batches": [one.tolist() for one in order],
    }  # fmt: skip


def _read_cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    """Wait for the word, run, tell."""
    name, place = sys.argv[1:3]
    spec = json.loads(Path(place).read_text())
    epoch = CONTENDERS[name](spec)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number, _ in enumerate(sys.stdin):
        sys.stdout.write("result " + json.dumps(run_epoch(epoch, number, spec["limit"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
