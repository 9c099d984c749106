from pathlib import Path

import pytest

from faceproof.buckets import Bucket, read_endpoint
from faceproof.errors import MissingError, StorageError


@pytest.mark.parametrize(
    "address", ["s3:/b", "S3://b", "gs://b/x", "ftp://host/x", "http:/host", "", "  ", "file:/x"]
)
def test_a_place_that_is_not_known_is_refused_with_those_that_are(address: str) -> None:
    with pytest.raises(StorageError, match="give s3://bucket/prefix, https://host/path or"):
        Bucket(address)


def test_an_s3_address_needs_a_bucket() -> None:
    with pytest.raises(StorageError, match="names no bucket"):
        Bucket("s3:///")


def test_an_endpoint_without_a_scheme_is_refused_before_the_library_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9000")
    with pytest.raises(StorageError, match="must begin with http"):
        read_endpoint()


def test_a_folder_gives_files_of_any_name_and_none_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_text("secret")
    for name in ("a#b%20.jpg", "a\nb.jpg", "ü ~.jpg"):
        (tmp_path / "in" / name).write_text(name)
        assert Bucket(str(tmp_path / "in")).get(name) == name.encode()
    for name in ("../out.txt", str(tmp_path / "out.txt"), "x/../../out.txt"):
        with pytest.raises(MissingError):
            Bucket(str(tmp_path / "in")).get(name)


def test_a_store_is_not_put_among_files_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Anna")
    with pytest.raises(StorageError, match="faceproof did not write"):
        Bucket(str(tmp_path)).claim()
    Bucket(str(tmp_path / "new")).claim()
    Bucket(str(tmp_path / "new")).claim()
