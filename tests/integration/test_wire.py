"""Faults on the wire of a real S3 server: retried or refused, never a wrong or missing image."""

import json
import logging
import multiprocessing
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.loaders.proxies import start_proxy
from tests.conftest import run_script
from tests.faulty_proxy import Fault, FaultyProxy, Plan, start_faulty_proxy
from tests.unit.scale.conftest import encode, write_parquet
from torch.utils.data import DataLoader

from faceproof.buckets import Bucket, Endpoint, Patience
from faceproof.data.images import decode
from faceproof.errors import StorageError
from faceproof.scale.indexing import index_store
from faceproof.scale.loader import Loading, ViewLoader
from faceproof.scale.locations import Columns
from faceproof.scale.stores import open_store
from faceproof.scale.views import view_all

COUNT = 120
QUICK = Patience(tries=8, first_wait_seconds=0.01, longest_wait_seconds=0.05)
SLOW = replace(QUICK, timeout_seconds=2)  # with answers that never come
LOADING = Loading(batch=16, chunk_bytes=8000, window_bytes=30_000)
ADDRESS = "s3://wire/store"


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [encode(one) for one in range(COUNT)]


@pytest.fixture(scope="module")
def endpoint(
    s3: Endpoint, images: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Endpoint:
    """The server with an indexed store of small images."""
    path = tmp_path_factory.mktemp("wire") / "train-0.parquet"
    write_parquet(path, list(images), 0)
    bucket = Bucket(ADDRESS, s3)
    bucket.create()
    bucket.put("data/train-0.parquet", path)
    index_store(bucket, Columns(strata=("label",)))
    return s3


def port_of(endpoint: Endpoint) -> int:
    return int(endpoint.url.rpartition(":")[2])


def read_epoch(
    proxy: FaultyProxy, endpoint: Endpoint, images: list[bytes], patience: Patience = QUICK
) -> Counter[int]:
    """Every row of an epoch, its pixels compared."""
    store = open_store(Bucket(ADDRESS, replace(endpoint, url=proxy.url), patience), concurrency=4)
    seen: Counter[int] = Counter()
    for batch in ViewLoader(store, view_all(store), LOADING):
        for row, pixels in zip(batch["rows"].tolist(), batch["pixel_values"], strict=True):
            assert np.array_equal(pixels, decode(images[row]))
            seen[row] += 1
    return seen


def at_first(fault: Fault) -> Plan:
    """The fault in the first answer for each part of the images' object."""
    return lambda path, before: fault if path.endswith("train-0.parquet") and not before else None


@pytest.mark.parametrize("fault", ["503", "500", "reset", "truncated", "wrong bytes", "slow"])
def test_faults_that_pass_are_outlived(
    fault: Fault, endpoint: Endpoint, images: list[bytes]
) -> None:
    patience = SLOW if fault == "slow" else QUICK
    with start_faulty_proxy(port_of(endpoint), at_first(fault)) as proxy:
        seen = read_epoch(proxy, endpoint, images, patience)
    assert seen == dict.fromkeys(range(COUNT), 1)
    assert fault in proxy.made


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("503", "503"),
        ("500", "500"),
        ("403", "403"),
        ("reset", "cannot read"),
        ("truncated", "cannot read|ends before"),
        ("wrong bytes", "SHA-256 differs"),
        ("slow", "cannot read"),
    ],
)
def test_faults_that_stay_are_refused_in_a_sentence_that_names_the_object(
    fault: Fault, reason: str, endpoint: Endpoint, images: list[bytes]
) -> None:
    def plan(path: str, before: int) -> Fault | None:
        return fault if path.endswith("train-0.parquet") else None

    patience = replace(SLOW, tries=3) if fault == "slow" else QUICK
    with (
        start_faulty_proxy(port_of(endpoint), plan) as proxy,
        pytest.raises(StorageError, match=reason) as refused,
    ):
        read_epoch(proxy, endpoint, images, patience)
    assert "train-0.parquet" in str(refused.value)
    assert endpoint.secret not in "".join(traceback.format_exception(refused.value))


def test_a_refusal_is_not_asked_for_again(endpoint: Endpoint) -> None:
    with start_faulty_proxy(port_of(endpoint), lambda path, before: "403") as proxy:
        with pytest.raises(StorageError, match="403"):
            Bucket(ADDRESS, replace(endpoint, url=proxy.url), QUICK).get("manifest.json")
        assert sum(proxy.asked.values()) == 1


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_secrets_are_in_no_log_result_or_traceback(
    endpoint: Endpoint, heard: pytest.LogCaptureFixture, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", endpoint.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", endpoint.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    view = tmp_path / "view.parquet"
    done = run_script(
        "question_04/make_view.py", "--store", ADDRESS, "--uniform", "20", "--output", str(view),
        "--cache", str(tmp_path / "kept"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused = run_script(
        "question_04/make_view.py", "--store", ADDRESS + "-none", "--uniform", "2",
        "--output", str(view),
    )  # fmt: skip
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    list(ViewLoader(open_store(Bucket(ADDRESS)), view_all(open_store(Bucket(ADDRESS))), LOADING))
    said = (
        done.stdout
        + done.stderr
        + refused.stderr
        + heard.text
        + repr(Bucket(ADDRESS, endpoint).__dict__)
    )
    assert endpoint.secret not in said
    for path in tmp_path.rglob("*.*"):
        assert endpoint.secret.encode() not in path.read_bytes()


def test_wrong_keys_open_no_store(endpoint: Endpoint) -> None:
    for wrong in (replace(endpoint, secret="guess"), replace(endpoint, key="guess")):
        with pytest.raises(StorageError, match=r"403|Denied|Signature"):
            open_store(Bucket(ADDRESS, wrong, QUICK))
    with pytest.raises(StorageError):
        open_store(Bucket(ADDRESS, Endpoint(endpoint.url, "", ""), QUICK))


def test_forked_workers_read_from_s3_after_the_parent_has(
    endpoint: Endpoint, images: list[bytes]
) -> None:
    store = open_store(Bucket(ADDRESS, endpoint))
    loader = ViewLoader(store, view_all(store), LOADING)
    first = next(iter(loader))
    assert np.array_equal(first["pixel_values"][0], decode(images[int(first["rows"][0])]))
    workers = DataLoader(
        ViewLoader(store, view_all(store), LOADING), batch_size=None, num_workers=2,
        multiprocessing_context=multiprocessing.get_context("fork"),
    )  # fmt: skip
    rows = [int(row) for batch in workers for row in batch["rows"]]
    assert sorted(rows) == list(range(COUNT))


def test_the_latency_proxy_delays_and_counts(endpoint: Endpoint) -> None:
    """An answer that is later than a reader waits for does not come; one that is not does."""
    with start_proxy(port_of(endpoint), 3600) as proxy:
        impatient = Patience(tries=1, timeout_seconds=1)
        with pytest.raises(StorageError, match="cannot read"):
            Bucket(ADDRESS, replace(endpoint, url=proxy.url), impatient).get("manifest.json")
        assert proxy.count()[1] == 0
    with start_proxy(port_of(endpoint), 0.05) as proxy:
        data = Bucket(ADDRESS, replace(endpoint, url=proxy.url)).get("manifest.json")
        requests, received = proxy.count()
    assert json.loads(data)["format"] == 2
    assert requests == 1
    assert received > len(data)
