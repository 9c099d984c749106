"""Where the time of two cores goes while our loader reads: in us, in the server, nowhere."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.loaders.corpora import Layout, read_images
from benchmarks.loaders.races import OURS, Race, Server, specify, start_contender
from faceproof.results import Scalar
from faceproof.scale.decoders import decode_fast

_SERVER = "weed"  # the command that serves S3
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE = 2000  # images that single steps are timed on


def profile_ours(race: Race, layout: Layout, server: Server, work: Path) -> dict[str, Scalar]:
    """CPU milliseconds an image: of the loader's process, the server, the proxy, and none.

    Beside them what decoding and hashing take of one thread by themselves.
    """
    latency = min(server.proxies)
    spec = specify(race, layout, work / "scratch", OURS)
    busy = [one for one in _list_children() if _read_name(one) == _SERVER]
    proxy = server.proxies[latency].process_id
    with start_contender(OURS, spec, server, latency, {}) as contender:
        before = [_read_cpu(busy), _read_cpu([proxy])]
        result = contender.run()
        after = [_read_cpu(busy), _read_cpu([proxy])]
    spent = [result["cpu_seconds"], *(b - a for a, b in zip(before, after, strict=True))]
    idle = (os.cpu_count() or 1) * result["seconds"] - sum(spent)
    images = result["images"]
    values: dict[str, Scalar] = {
        f"profile_{name}_ms": 1000 * seconds / images
        for name, seconds in zip(("loader", "server", "proxy", "idle"), [*spent, idle], strict=True)
    }
    sample = list(read_images(Path(layout.local[0])))[:_SAMPLE]
    values["profile_decode_ms"] = _time_each(sample, lambda one: _decode(one, race.side))
    values["profile_sha256_ms"] = _time_each(sample, lambda one: hashlib.sha256(one).digest())
    return values


def _decode(data: bytes, side: int) -> np.ndarray:
    pixels = decode_fast(memoryview(data))
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR))


def _time_each(images: Sequence[bytes], step: Callable[[bytes], object]) -> float:
    start = time.process_time()
    for one in images:
        step(one)
    return 1000 * (time.process_time() - start) / len(images)


def _list_children() -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(place.parent.name))
    return found


def _read_name(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text().strip()


def _read_cpu(processes: Sequence[int]) -> float:
    """Seconds in user and kernel mode."""
    ticks = 0
    for one in processes:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS
