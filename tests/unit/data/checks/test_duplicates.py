from collections.abc import Callable

import cv2
import numpy as np
import pytest

from faceproof.data.checks.duplicates import find_near, hash_photo
from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.data.sources.photos import SourcePhoto


def shrink(pixels: Pixels) -> Pixels:
    return np.asarray(
        cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    )


def enlarge(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=1.7, fy=1.7), np.uint8)


def encode_again(pixels: Pixels) -> Pixels:
    return decode(encode_jpeg(pixels, 40, 2))


def mirror(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def everything(pixels: Pixels) -> Pixels:
    return mirror(shrink(encode_again(pixels)))


def brighten(pixels: Pixels) -> Pixels:
    return np.asarray(np.clip(pixels * 1.1 + 10, 0, 255), np.uint8)


@pytest.mark.parametrize("change", [shrink, enlarge, encode_again, mirror, everything, brighten])
def test_a_copy_is_near(photos: list[SourcePhoto], change: Callable[[Pixels], Pixels]) -> None:
    for photo in photos[::3]:
        pixels = decode(photo.path.read_bytes())
        assert find_near([hash_photo(pixels), hash_photo(change(pixels))]) == [(0, 1)]


def test_different_people_are_not_near(photos: list[SourcePhoto]) -> None:
    hashes = [hash_photo(decode(photo.path.read_bytes())) for photo in photos]
    for first, second in find_near(hashes):
        assert photos[first].identity_id == photos[second].identity_id


def test_copies_within_one_part_can_be_left_out(photos: list[SourcePhoto]) -> None:
    one = hash_photo(decode(photos[0].path.read_bytes()))
    assert find_near([one] * 3, np.array(["train", "train", "test"])) == [(0, 2), (1, 2)]


def test_no_photos_have_no_copies() -> None:
    assert find_near([]) == []
