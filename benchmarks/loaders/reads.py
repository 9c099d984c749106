"""Which client, and which gaps to read over: what the defaults of `ranges` rest on."""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from benchmarks.loaders.proxies import Proxy
from faceproof.buckets import Bucket, Endpoint
from faceproof.console import progress
from faceproof.results import Scalar
from faceproof.scale.ranges import Ranges, Reader
from faceproof.scale.stores import Store, open_store
from faceproof.scale.views import view_all

_GAPS_KIB = (0, 64, 256, 1024)
_SHARES = (0.1, 0.01)  # of the images that are picked
_RANGE_BYTES, _RANGES, _THREADS = 2 << 20, 64, 16


def time_gaps(address: str, endpoint: Endpoint, proxies: Mapping[int, Proxy], repeats: int,
              seed: int) -> dict[str, Scalar]:  # fmt: skip
    """Images per second picked at random, by share, latency and the widest gap read over."""
    values: dict[str, Scalar] = {}
    cases = [(share, latency) for share in _SHARES for latency in proxies]
    for share, latency in progress(cases, "gaps", "cases", len(cases)):
        where = Endpoint(proxies[latency].url, endpoint.key, endpoint.secret)
        store = open_store(Bucket(address, where))
        rows = view_all(store).rows
        rng = np.random.default_rng(seed)
        picked = np.sort(rng.choice(rows, int(len(rows) * share), replace=False))
        store.locate(picked)
        rates: dict[int, list[float]] = {gap: [] for gap in _GAPS_KIB}
        for _ in range(repeats):
            for gap in _GAPS_KIB:
                rates[gap].append(len(picked) / _time_picks(store, picked, gap << 10))
        for gap, found in rates.items():
            name = f"gap_{gap}_share_{share:g}_{latency}ms".replace(".", "_")
            values[f"{name}_images_per_second"] = statistics.median(found)
        store.close()
    return values


def _time_picks(store: Store, rows: np.ndarray, gap_bytes: int) -> float:
    reader = Reader(store.reader.bucket, gap_bytes=gap_bytes)
    files, locations = store.locate(rows)
    start = time.perf_counter()
    waiting = []
    for number in np.unique(files).tolist():
        here = locations[files == number]
        ranges: Ranges = (here["offset"], here["offset"] + here["length"])
        waiting.append(reader.request(store.keys([number])[0], ranges))
    for one in waiting:
        one.wait()
    took = time.perf_counter() - start
    reader.close()
    return took


def time_clients(
    bucket: str, key: str, size: int, endpoint: Endpoint, repeats: int
) -> dict[str, Scalar]:
    """Megabytes per second of ranges of two megabytes, sixteen at once, by client."""
    starts = [int(one) for one in np.linspace(0, max(0, size - _RANGE_BYTES), _RANGES)]
    ways = {
        "obstore": _open_obstore(bucket, key, endpoint),
        "boto3": _open_boto3(bucket, key, endpoint),
        "s3fs": _open_s3fs(bucket, key, endpoint),
    }  # fmt: skip
    rates: dict[str, list[float]] = {name: [] for name in ways}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, read in ways.items():
            cpu, start = time.process_time(), time.perf_counter()
            with ThreadPoolExecutor(_THREADS) as pool:
                total = sum(pool.map(read, starts))
            if turn:
                rates[name].append(total / 1e6 / (time.perf_counter() - start))
                spent[name].append((time.process_time() - cpu) / total * 1e9)
    values: dict[str, Scalar] = {}
    for name in ways:
        values[f"client_{name}_megabytes_per_second"] = statistics.median(rates[name])
        values[f"client_{name}_cpu_seconds_per_gigabyte"] = statistics.median(spent[name])
    return values


def _open_obstore(bucket: str, key: str, endpoint: Endpoint) -> Callable[[int], int]:
    opened = Bucket(f"s3://{bucket}", endpoint)
    return lambda start: len(opened.read(key, start, start + _RANGE_BYTES))


def _open_boto3(bucket: str, key: str, endpoint: Endpoint) -> Callable[[int], int]:
    import boto3
    from botocore.config import Config

    s3 = boto3.client(
        "s3", endpoint_url=endpoint.url, region_name="us-east-1",
        aws_access_key_id=endpoint.key, aws_secret_access_key=endpoint.secret,
        config=Config(max_pool_connections=_THREADS),
    )  # fmt: skip

    def read(start: int) -> int:
        span = f"bytes={start}-{start + _RANGE_BYTES - 1}"
        return len(s3.get_object(Bucket=bucket, Key=key, Range=span)["Body"].read())

    return read


def _open_s3fs(bucket: str, key: str, endpoint: Endpoint) -> Callable[[int], int]:
    import fsspec

    files = fsspec.filesystem("s3", **endpoint.storage_options(), skip_instance_cache=True)
    read = partial(files.cat_file, f"{bucket}/{key}")
    return lambda start: len(read(start=start, end=start + _RANGE_BYTES))
