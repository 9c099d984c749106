from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceproof.data.attributes import describe_photo, measure_pose, measure_tone, name_tone
from faceproof.data.faces import find_largest
from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.data.sources.photos import SourcePhoto, Terms

FRONTAL = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def paint(colour: tuple[int, int, int]) -> Pixels:
    return np.full((100, 100, 3), colour, np.uint8)


def test_a_typology_angle_is_that_of_its_definition() -> None:
    # sRGB (200, 160, 130) has L* 68.77 and b* 21.26 (D65), so the angle is atan(18.77 / 21.26).
    angle = measure_tone(paint((200, 160, 130)), FRONTAL)
    assert angle == pytest.approx(41.44, abs=0.1)


def test_dark_skin_measures_lower_than_light_and_grey_is_not_measured() -> None:
    colours = ((240, 210, 190), (200, 150, 120), (90, 60, 45))
    angles = [measure_tone(paint(colour), FRONTAL) for colour in colours]
    assert [name_tone(angle) for angle in angles] == ["very light", "intermediate", "dark"]
    assert measure_tone(paint((120, 120, 120)), FRONTAL) is None
    assert name_tone(None) == "unmeasured"


def test_a_frontal_face_has_no_yaw_and_a_turned_one_has() -> None:
    assert measure_pose(FRONTAL) == (0.0, 0.0)
    turned = FRONTAL.copy()
    turned[2, 0] += 20  # half an eye distance: 45 degrees where the nose stands half as far out
    assert measure_pose(turned)[0] == pytest.approx(45)
    tilted = FRONTAL @ np.array([[0, 1], [-1, 0]], np.float32)  # a quarter turn clockwise
    assert measure_pose(np.asarray(tilted, np.float32)) == pytest.approx((0, 90), abs=1e-3)


def test_what_the_source_says_goes_before_what_a_model_says(photos: list[SourcePhoto]) -> None:
    data = photos[0].path.read_bytes()
    pixels = decode(data)
    crop = find_largest(pixels)
    said = describe_photo(photos[0], data, pixels, crop)
    assert (said.sex, said.sex_basis) == ("male", "derived")
    assert said.sex_confidence is not None
    assert said.sex_confidence > 0.5
    assert (said.source_width, said.source_height, said.source_jpeg_quality) == (92, 112, None)
    told = replace(photos[0], sex="female", birth_year=1950)
    assert describe_photo(told, data, pixels, crop) == replace(
        said, sex="female", sex_basis="annotated", sex_confidence=None, birth_year=1950
    )


def test_sharpness_brightness_and_quality_follow_the_picture(face: Pixels, tmp_path: Path) -> None:
    photo = SourcePhoto("i", "p", tmp_path / "x", "test", Terms("free", "given"))
    crop = find_largest(face)
    plain = describe_photo(photo, encode_jpeg(face, 83, 0), face, crop)
    darker = np.asarray(face * 0.5, np.uint8)
    dim = describe_photo(photo, encode_jpeg(face, 40, 0), darker, crop)
    assert (plain.source_jpeg_quality, dim.source_jpeg_quality) == (83, 40)
    assert dim.brightness == pytest.approx(plain.brightness / 2, abs=0.01)
    assert dim.sharpness < plain.sharpness
    assert (plain.licence, plain.consent) == ("free", "given")
