import cv2
import numpy as np
import pytest

from faceproof.data.faces import find_largest
from faceproof.data.images import Pixels
from faceproof.errors import ImageError


def test_the_crop_is_a_square_around_the_eyes_at_native_scale(face: Pixels) -> None:
    crop = find_largest(face)
    assert crop.cut(face).shape == (92, 92, 3)
    points = crop.landmarks()
    assert points.shape == (5, 2)
    assert (points > 0).all()
    assert (points < 92).all()
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_mouth[0] < right_mouth[0]


def test_a_face_in_a_large_photo_is_found_at_its_own_size(face: Pixels) -> None:
    large = np.random.default_rng(0).integers(96, 160, (1600, 2000, 3), np.uint8)
    large[400:1072, 600:1152] = cv2.resize(face, None, fx=6, fy=6)
    crop = find_largest(large)
    assert 552 < crop.side_pixels < 900
    centre = np.array([crop.left, crop.top]) + crop.landmarks().mean(axis=0)
    assert (np.abs(centre - (876, 750)) < 120).all()


def test_a_cropped_face_is_left_whole(face: Pixels) -> None:
    once = find_largest(face).cut(face)
    assert find_largest(once).side_pixels == 92


def test_a_wall_has_no_face() -> None:
    with pytest.raises(ImageError) as refused:
        find_largest(np.full((100, 100, 3), 128, np.uint8))
    assert refused.value.code == "no_face"
