"""Ranges: merged by their gaps, cached up to a size, never other bytes than asked for."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceproof.buckets import Bucket
from faceproof.errors import StorageError
from faceproof.scale.ranges import ChunkCache, Reader, Span, merge


def arrays(*pairs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    starts, ends = np.array(pairs, np.int64).T
    return starts, ends


def test_gaps_up_to_the_limit_are_read_too() -> None:
    runs, places = merge(*arrays((0, 10), (15, 20), (26, 30)), 5)
    assert runs == [Span(0, 20), Span(26, 30)]
    assert places.tolist() == [0, 0, 1]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), min_size=1, max_size=30),
    st.integers(0, 60),
)
def test_every_range_lies_in_its_run_and_runs_lie_apart(
    steps: list[tuple[int, int]], gap: int
) -> None:
    pairs, end = [], 0
    for step, length in steps:
        pairs.append((end + step, end + step + length))
        end = pairs[-1][1]
    runs, places = merge(*arrays(*pairs), gap)
    for (start, stop), place in zip(pairs, places, strict=True):
        assert runs[place].start <= start < stop <= runs[place].end
    assert all(two.start - one.end > gap for one, two in pairwise(runs))


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects/a").write_bytes(bytes(range(256)))
    return Bucket(str(tmp_path / "objects"))


def test_ranges_come_as_asked_for(bucket: Bucket) -> None:
    reader = Reader(bucket, gap_bytes=4)
    data = reader.request("a", arrays((3, 5), (7, 9), (200, 201))).wait()
    assert [bytes(one) for one in data] == [b"\x03\x04", b"\x07\x08", b"\xc8"]
    assert [bytes(one) for one in reader.stream([("a", 0, 2), ("a", 9, 10)])] == [
        b"\x00\x01", b"\x09",
    ]  # fmt: skip


def test_a_range_past_the_end_is_refused(bucket: Bucket) -> None:
    with pytest.raises(StorageError, match=r"index it again|cannot read"):
        Reader(bucket).request("a", arrays((250, 300))).wait()


def test_bytes_with_another_hash_are_refused(bucket: Bucket) -> None:
    right = np.array([hashlib.sha256(b"\x00\x01").digest()], "V32")
    wrong = np.array([hashlib.sha256(b"no").digest()], "V32")
    assert bytes(Reader(bucket).read_images("a", arrays((0, 2)), right)[0]) == b"\x00\x01"
    with pytest.raises(StorageError, match="SHA-256 differs"):
        Reader(bucket).read_images("a", arrays((0, 2)), wrong)


def test_a_spoilt_cache_is_noticed_and_renewed(bucket: Bucket, tmp_path: Path) -> None:
    cache = ChunkCache(tmp_path / "cache", 1 << 20)
    reader = Reader(bucket, cache=cache)
    digest = np.array([hashlib.sha256(bytes(range(4))).digest()], "V32")
    reader.read_images("a", arrays((0, 4)), digest)
    (kept,) = list((tmp_path / "cache").glob("[!.]*"))
    kept.write_bytes(b"evil")
    assert bytes(reader.read_images("a", arrays((0, 4)), digest)[0]) == bytes(range(4))
    assert not kept.exists()
    reader.read_images("a", arrays((0, 4)), digest)
    (tmp_path / "objects/a").unlink()
    assert bytes(reader.read_images("a", arrays((0, 4)), digest)[0]) == bytes(range(4))


def test_the_cache_keeps_to_its_size_and_drops_the_longest_unused(tmp_path: Path) -> None:
    cache = ChunkCache(tmp_path, 1000)
    for number in range(40):
        cache.put(f"{number:02d}", memoryview(bytes(60)))
        cache.get("00")
    assert cache.size_bytes() <= 1000 + 1000 / 16 + 60
    assert cache.get("00") is not None
    assert cache.get("01") is None
    assert cache.get("39") is not None


def test_what_is_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = ChunkCache(tmp_path, 10)
    cache.put("a", memoryview(bytes(11)))
    assert cache.size_bytes() == 0


def test_runs_have_a_limit_and_gaps_do_not_stay_in_memory(bucket: Bucket, tmp_path: Path) -> None:
    size = 40 << 20
    with (tmp_path / "objects/large").open("wb") as sink:
        sink.truncate(size)
    starts = np.arange(0, size - 100, 1 << 19)
    pieces = Reader(bucket).request("large", (starts, starts + 100))
    assert all(run.end - run.start <= 8 << 20 for run, _ in pieces._requests)
    assert len(pieces._requests) < len(starts)
    data = pieces.wait()
    assert all(one.obj is not None and one.nbytes == 100 for one in data)
    assert sum(len(one.obj) for one in data) == 100 * len(starts)  # type: ignore[arg-type, misc]  # bytes
