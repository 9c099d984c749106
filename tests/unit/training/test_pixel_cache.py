from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from faceproof.data.images import decode
from faceproof.training.pixel_cache import PixelStore, open_pixels
from faceproof.training.splits import LoadedSplit


def test_images_are_those_of_the_rows(pool: LoadedSplit, rows: Dataset) -> None:
    assert len(pool.images) == len(rows) == 16
    for index in range(len(rows)):
        assert (pool.images.image(index) == decode(rows[index]["image"]["bytes"])).all()


def test_masks_are_zero_where_nothing_was_replaced(pool: LoadedSplit) -> None:
    assert pool.images.mask(0).max() == pool.images.mask(1).max() == 0
    assert int((pool.images.mask(2) == 255).sum()) == 900
    assert pool.images.mask(3).min() == 255


def test_a_split_is_decoded_once(
    rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_pixels(rows, tmp_path)
    monkeypatch.setattr("faceproof.training.pixel_cache.decode", None)
    assert open_pixels(rows, tmp_path).median_side() == 92


def test_half_decoded_files_are_not_taken_for_whole_ones(rows: Dataset, tmp_path: Path) -> None:
    open_pixels(rows, tmp_path)
    (tmp_path / "index.json").unlink()
    (tmp_path / "images").write_bytes(b"half")
    assert open_pixels(rows, tmp_path).image(15).shape == (92, 92, 3)


def test_landmarks_are_of_real_photos_and_found_once(
    pool: LoadedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(pool.images.find_points()) <= {0, 4, 8, 12}
    left_eye, right_eye, *_ = pool.images.find_points()[0]
    assert left_eye[0] < right_eye[0]
    monkeypatch.setattr("faceproof.training.pixel_cache.find_largest", None)
    again = PixelStore(pool.images._folder).find_points()
    assert np.allclose(again[0], pool.images.find_points()[0])
