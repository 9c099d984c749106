import hashlib
from pathlib import Path

import pytest

from faceproof.buckets import Endpoint
from faceproof.storage import hash_file, hash_files, replacing


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_makes_its_folder_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        with replacing(path) as partial:
            partial.write_text(text)
    assert path.read_text() == "two"


def test_hashes_are_sha256_and_depend_on_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"a")
    second.write_bytes(b"b")
    assert hash_file(first) == hashlib.sha256(b"a").hexdigest()
    assert hash_files([first, second]) != hash_files([second, first])


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(Endpoint("http://127.0.0.1:1", "key", "hush"))
