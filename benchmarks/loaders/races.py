"""Loaders against each other: the same images, decoding and machine, in one interleaved run."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.loaders.corpora import BUCKET, Layout, list_environment
from benchmarks.loaders.proxies import Proxy
from faceproof.buckets import Endpoint
from faceproof.console import progress
from faceproof.errors import StorageError
from faceproof.storage import fresh_folder

LIMIT, OURS, CACHED = "decode_limit", "ours", "ours_cached"
FOREIGN = ("litdata", "mosaic")  # in environments of their own
PEERS = (
    "webdataset", "litdata", "mosaic", "lance", "datasets_fast", "datasets_default",
    "objects_obstore", "objects_boto3", "ray_data", "daft",
)  # fmt: skip
KEEPING = (
    CACHED,
    "litdata",
    "mosaic",
)  # what was read stays on disk: a second epoch is of interest
_NEAR_ROWS = 100  # apart in storage at most: neighbours
_SLOW_SHARE = 0.25  # of an epoch, once, that the slowest are timed on
_SLOW = ("objects_obstore", "objects_boto3", "datasets_default", "ray_data")
_CONTENDERS = "benchmarks.loaders.contenders"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Race:
    """What is raced."""

    images: int
    side: int  # of the decoded squares
    batch: int
    workers: int
    repeats: int
    seed: int


@dataclass(frozen=True)
class Server:
    """An S3 server, and proxies to it by the latency they add in milliseconds."""

    endpoint: Endpoint
    proxies: Mapping[int, Proxy]


@dataclass(frozen=True)
class Lap:
    """One epoch of one contender."""

    name: str
    latency_ms: int
    repeat: int
    epoch: int
    images: int
    seconds: float
    first_batch_seconds: float
    cpu_seconds: float
    requests: int
    received_bytes: int
    nearness: float

    @property
    def images_per_second(self) -> float:
        """Of the whole epoch, its start included."""
        return self.images / self.seconds


def run_race(
    race: Race, layout: Layout, server: Server, peers: Mapping[str, Path], work: Path
) -> list[Lap]:
    """Every contender at every latency, repeated in turn; a contender that fails is left out.

    Args:
        race: what is raced.
        layout: where the formats lie.
        server: raced against.
        peers: Python of the environments of `FOREIGN` that are there.
        work: for scratch folders.
    """
    names = [LIMIT, OURS, CACHED, *(one for one in PEERS if one not in FOREIGN or one in peers)]
    turns = [
        (repeat, latency, name)
        for repeat in range(race.repeats) for latency in server.proxies for name in names
        if not repeat or name not in _SLOW
    ]  # fmt: skip
    laps: list[Lap] = []
    for repeat, latency, name in progress(turns, "racing", "turns", len(turns)):
        spec = specify(race, layout, work / "scratch", name)
        try:
            with start_contender(name, spec, server, latency, peers) as contender:
                laps += _run_laps(contender, race, server.proxies[latency], (latency, repeat))
        except (StorageError, BrokenPipeError) as error:
            logger.warning("%s; the rest of its lap is left out", error)
    return laps


def _run_laps(
    contender: "Contender", race: Race, proxy: Proxy, when: tuple[int, int]
) -> Iterator["Lap"]:
    """The first epoch, and the second of those that keep what they read."""
    for epoch in range(2 if contender.name in KEEPING else 1):
        before = proxy.count()
        result = contender.run()
        after = proxy.count()
        batches = [np.asarray(one) for one in result["batches"]]
        read = np.concatenate(batches)
        if len(np.unique(read)) < len(read) or len(read) > race.images:
            raise StorageError(f"the contender {contender.name} gave an image twice")
        lap = Lap(
            contender.name, *when, epoch,
            images=result["images"],
            seconds=result["seconds"],
            first_batch_seconds=result["first_batch_seconds"],
            cpu_seconds=result["cpu_seconds"],
            requests=after[0] - before[0],
            received_bytes=after[1] - before[1],
            nearness=measure_nearness(batches, race.images),
        )  # fmt: skip
        logger.info("%s, %d ms: %.0f images/s", lap.name, lap.latency_ms, lap.images_per_second)
        yield lap


def specify(race: Race, layout: Layout, scratch: Path, name: str) -> dict[str, Any]:
    """What a contender is told."""
    share = _SLOW_SHARE if name in _SLOW else 1
    return {
        **asdict(layout), "bucket": BUCKET, "scratch": str(scratch), "images": race.images,
        "side": race.side, "batch": race.batch, "workers": race.workers, "seed": race.seed,
        "limit": int(race.images * share),
    }  # fmt: skip


class Contender:
    """A process that runs an epoch when it is told to."""

    def __init__(self, process: "subprocess.Popen[str]", name: str) -> None:
        self._process, self.name = process, name

    def run(self) -> dict[str, Any]:
        """One epoch."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return dict(json.loads(self.wait("result")))

    def wait(self, word: str) -> str:
        """The rest of the line that begins with a word; libraries may say other things before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(word):
                return line.removeprefix(word)
        raise StorageError(f"the contender {self.name} stopped; see its log")


@contextmanager
def start_contender(
    name: str, spec: Mapping[str, Any], server: Server, latency_ms: int, peers: Mapping[str, Path]
) -> Iterator[Contender]:
    """A contender that has loaded its libraries and waits."""
    scratch = Path(spec["scratch"])
    fresh_folder(scratch, endings=None)  # peers keep files of any kind there
    place = scratch / "spec.json"
    place.write_text(json.dumps(spec))
    environment = {
        **list_environment(), "AWS_ACCESS_KEY_ID": server.endpoint.key,
        "AWS_SECRET_ACCESS_KEY": server.endpoint.secret,
        "AWS_ENDPOINT_URL": server.proxies[latency_ms].url, "AWS_REGION": "us-east-1",
        "OMP_WAIT_POLICY": "passive", "RAY_USAGE_STATS_ENABLED": "0",
        "DAFT_ANALYTICS_ENABLED": "0",
    }  # fmt: skip
    python = str(peers.get(name, Path(sys.executable)))
    with (scratch.with_name("contender.log")).open("a") as log:
        process = subprocess.Popen(
            [python, "-m", _CONTENDERS, name, str(place)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            contender = Contender(process, name)
            contender.wait("ready")
            yield contender
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def measure_nearness(batches: Sequence[np.ndarray], stored: int) -> float:
    """How often two images of a batch were neighbours in storage, against a perfect shuffle.

    Why: rows that lie together are alike, and a batch of them is not a draw from the whole.

    Args:
        batches: storage positions of the images of each batch.
        stored: images of the whole, of which these may be some.

    Returns:
        1 for a perfect shuffle; 10 where neighbours meet ten times as often.

    Source: own definition.
    """
    near = pairs = 0
    for numbers in batches:
        ordered = np.sort(numbers)
        reach = np.searchsorted(ordered, ordered + _NEAR_ROWS, side="right")
        near += int((reach - np.arange(len(ordered)) - 1).sum())
        pairs += len(ordered) * (len(ordered) - 1) // 2
    expected = (2 * stored - _NEAR_ROWS - 1) * _NEAR_ROWS / (stored * (stored - 1))
    return float(near / max(1, pairs) / expected)
