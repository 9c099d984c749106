"""Loaders in one process each, told when to go.

    python -m benchmarks.loaders.contenders NAME SPEC.json

The specification says where each format lies, batch, workers, images. Prints `ready`, waits for a
line on standard input for each epoch, prints what the epoch was as JSON. Every contender decodes
with the same function and gives batches of the same shape, with the number of each image. Needs
nothing of this package but its folder on the path, so peers run it in environments of their own.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.loaders import peers
from benchmarks.loaders.batches import Batch, Epoch, Spec, decode

cv2.setNumThreads(1)
torch.set_num_threads(1)


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

    def epoch(number: int) -> Iterator[Batch]:
        loader.set_epoch(number)
        for batch in loader:
            yield batch["rows"], batch["pixel_values"].permute(0, 2, 3, 1)

    return epoch


def decode_limit(spec: Spec) -> Epoch:
    """Decoding alone: encoded images lie in memory, threads do nothing else."""
    from benchmarks.loaders.corpora import read_images

    encoded = [image for file in spec["local"] for image in read_images(Path(file))]
    side, size = spec["side"], spec["batch"]
    batches = [
        range(begin, min(begin + size, len(encoded))) for begin in range(0, len(encoded), size)
    ]

    def make(numbers: range) -> Batch:
        pixels = np.empty((len(numbers), side, side, 3), np.uint8)
        for place, number in enumerate(numbers):
            pixels[place] = decode(encoded[number], side)
        return torch.tensor(list(numbers)), torch.from_numpy(pixels)

    def epoch(number: int) -> Iterator[Batch]:
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
    "webdataset": peers.webdataset,
    "litdata": peers.litdata,
    "mosaic": peers.mosaic,
    "lance": peers.lance,
    "datasets_fast": peers.datasets_fast,
    "datasets_default": peers.datasets_default,
    "objects_obstore": partial(peers.objects, client="obstore"),
    "objects_boto3": partial(peers.objects, client="boto3"),
    "ray_data": peers.ray_data,
    "daft": peers.daft,
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
