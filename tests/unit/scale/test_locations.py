"""Indexes: byte ranges of other people's parquet, right by construction or refused."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.scale.conftest import encode, write_parquet

from faceproof.data.inputs.labels import LabelReader, parse_labels
from faceproof.errors import InputError, StorageError
from faceproof.scale.locations import (
    decode_locations,
    encode_labels,
    encode_locations,
    locate_images,
)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": True},
        {"data_page_version": "2.0"},
        {"write_page_index": True, "data_page_size": 2000},
        {"row_group_size": 7},
        {"compression": {"image.bytes": "NONE", "label": "ZSTD"}},
    ],
    ids=["plain", "dictionary", "v2", "small pages", "small groups", "rest compressed"],
)
def test_every_image_is_a_byte_range_of_the_file(
    tmp_path: Path, options: dict[str, object]
) -> None:
    images = [encode(one) for one in range(30)]
    images[7] = images[3]  # a dictionary holds it once
    path = tmp_path / "a.parquet"
    write_parquet(path, list(images), 0, **options)
    raw = path.read_bytes()
    found = locate_images(path, "image")
    for image, one in zip(images, found, strict=True):
        assert raw[one["offset"] : one["offset"] + one["length"]] == image
        assert one["sha256"].tobytes() == hashlib.sha256(image).digest()


def test_rows_without_an_image_have_no_range(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [encode(1), None, encode(2), b""], 0)
    assert (locate_images(tmp_path / "a.parquet", "image")["length"] > 0).tolist() == [
        True, False, True, False,
    ]  # fmt: skip


def test_a_column_of_plain_binary_is_fine_too(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"picture": [encode(4), encode(5)]}), tmp_path / "a.parquet", compression="NONE"
    )
    assert (locate_images(tmp_path / "a.parquet", "picture")["length"] > 0).all()


def test_compressed_images_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [bytes(5000), bytes(5000)], 0, compression="SNAPPY")
    with pytest.raises(StorageError, match=r"SNAPPY.*uncompressed"):
        locate_images(tmp_path / "a.parquet", "image")


def test_a_missing_column_is_refused_by_name(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [encode(1)], 0)
    with pytest.raises(StorageError, match="no column photo"):
        locate_images(tmp_path / "a.parquet", "photo")


def test_an_index_file_reads_back(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [encode(one) for one in range(9)], 0)
    found = locate_images(tmp_path / "a.parquet", "image")
    found["label"] = np.arange(9) % 2
    assert (decode_locations(encode_locations(found)) == found).all()
    assert len(decode_locations(encode_locations(found[:0]))) == 0


@pytest.mark.parametrize("data", [b"", b"PAR1", b"not parquet at all"])
def test_something_else_is_no_index(data: bytes) -> None:
    with pytest.raises(StorageError, match="not an index"):
        decode_locations(data)


@pytest.mark.parametrize(
    ("values", "names", "said", "expected"),
    [
        ([0, None, 1], ["real", "fake"], (), [0, -1, 1]),
        ([0, -1, 1], ["fake", "real"], (), [1, -1, 0]),
        ([2, 0, 1], ["ai", "human", "edited"], ("edited=fake",), [1, 1, 0]),
        (["FAKE", None, "Real "], None, (), [1, -1, 0]),
        (["deepfake", "Original"], None, (), [1, 0]),
        ([True, False], None, ("real,fake",), [1, 0]),
        (["cat", "dog"], None, ("cat=real", "dog=fake"), [0, 1]),
    ],
)
def test_labels_are_stored_as_0_real_and_1_fake_whatever_the_file_has(
    values: list[object], names: list[str] | None, said: tuple[str, ...], expected: list[int]
) -> None:
    column = pa.chunked_array([values])
    assert encode_labels(column, names, parse_labels(said), "it").tolist() == expected


@pytest.mark.parametrize("values", [[0, 1], [True, False], ["cat"], [2**33 + 1], [0.5]])
def test_labels_that_are_not_known_are_refused(values: list[object]) -> None:
    with pytest.raises(InputError, match="--labels"):
        encode_labels(pa.chunked_array([values]), None, LabelReader(), "it")
