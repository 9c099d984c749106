"""Other loaders, each set up as its own documentation advises for shuffled training from S3.

Keys come from the AWS variables. Libraries are imported where they are used: each contender is a
process of its own, and two live in environments without the others.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from benchmarks.loaders.batches import Batch, Epoch, Spec, decode, decode_items, stack

_BUFFER = 1000  # images; of shuffle buffers, the default or advice of their libraries
_AT_ONCE = 32  # requests of one worker, where objects are fetched one by one


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

    def epoch(number: int) -> Iterator[Batch]:
        dataset = (
            wds.WebDataset(pipes, shardshuffle=len(pipes), seed=spec["seed"] + number,
                           empty_check=False)
            .shuffle(_BUFFER, seed=spec["seed"] + number)
            .map(to_pair)
            .batched(spec["batch"], collation_fn=stack)
        )  # fmt: skip
        yield from wds.WebLoader(dataset, batch_size=None, num_workers=spec["workers"])

    return epoch


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
    return _count_epochs(StreamingDataLoader, dataset, spec)


def mosaic(spec: Spec) -> Epoch:
    """MDS through `StreamingDataset` with its cache, in an environment of its own."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    os.environ["S3_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL"]
    dataset = StreamingDataset(
        remote=spec["mds"], local=f"{spec['scratch']}/mds", shuffle=True,
        shuffle_seed=spec["seed"], batch_size=spec["batch"],
    )  # fmt: skip
    for stream in dataset.streams:  # its open connection would be shared by forked workers
        stream._downloader.clean_up()
    return _count_epochs(DataLoader, dataset, spec)


def _count_epochs(make: Callable[..., Any], dataset: Any, spec: Spec) -> Epoch:
    """Epochs of a dataset of encoded images that counts them itself."""
    loader = make(
        dataset, batch_size=spec["batch"], num_workers=spec["workers"],
        collate_fn=partial(decode_items, side=spec["side"]),
    )  # fmt: skip

    def epoch(number: int) -> Iterator[Batch]:
        del number
        yield from loader

    return epoch


class _LanceScan(IterableDataset[Any]):
    """Fragments in a drawn order, and what they hold through a buffer."""

    def __init__(self, spec: Spec, number: int) -> None:
        self.spec, self.number = spec, number

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        import lance as library

        from benchmarks.loaders.corpora import list_lance_options
        from faceproof.buckets import read_endpoint

        endpoint = read_endpoint()
        assert endpoint is not None
        options = list_lance_options(endpoint)
        worker = get_worker_info()
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

    def epoch(number: int) -> Iterator[Batch]:
        yield from DataLoader(
            _LanceScan(spec, number), spec["batch"], num_workers=spec["workers"], collate_fn=stack
        )

    return epoch


def datasets_fast(spec: Spec, fast: bool = True) -> Epoch:
    """`load_dataset(streaming=True)`, shuffled by its buffer; decoded by us, or by itself."""
    import pyarrow.dataset
    from datasets import Image, load_dataset
    from pyarrow import CacheOptions

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

    def epoch(number: int) -> Iterator[Batch]:
        shuffled.set_epoch(number)
        yield from DataLoader(
            shuffled, spec["batch"], num_workers=spec["workers"], collate_fn=collate
        )

    return epoch


def datasets_default(spec: Spec) -> Epoch:
    """`load_dataset(streaming=True)` as it comes, with Pillow."""
    return datasets_fast(spec, fast=False)


class _Objects(Dataset[Any]):
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
    dataset = _Objects(spec, client)

    def epoch(number: int) -> Iterator[Batch]:
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

    def epoch(number: int) -> Iterator[Batch]:
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

    def epoch(number: int) -> Iterator[Batch]:
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
