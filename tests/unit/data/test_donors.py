from dataclasses import replace

import numpy as np
import pytest
from tests.unit.test_records import LABELS

from faceproof.data.donors import Candidate, draw_donors
from faceproof.errors import DatasetError
from faceproof.records import PhotoLabels

POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def make_faces(labels: list[PhotoLabels]) -> list[Candidate]:
    return [
        Candidate(f"i{number}", f"c{number}", "train", POINTS, one)
        for number, one in enumerate(labels)
    ]


def test_donors_are_of_the_same_sex_while_there_are_any() -> None:
    faces = make_faces(
        [replace(LABELS, sex="female" if number % 2 else "male") for number in range(12)]
    )
    for face, donor in zip(faces, draw_donors(faces, 0), strict=True):
        assert int(donor[1:]) % 2 == int(face.image_id[1:]) % 2
    lonely = make_faces([replace(LABELS, sex="male"), LABELS, LABELS])
    assert draw_donors(lonely, 0)[0] != "i0"  # better another sex than oneself


def test_donors_are_near_in_pose_and_light() -> None:
    turned = POINTS.copy()
    turned[2, 0] += 15
    faces = make_faces([LABELS] * 8)
    posed = [
        replace(face, points=turned) if number % 2 else face for number, face in enumerate(faces)
    ]
    lit = make_faces([replace(LABELS, brightness=0.2 + 0.6 * (number % 2)) for number in range(8)])
    for set_of_faces in (posed, lit):
        for face, donor in zip(set_of_faces, draw_donors(set_of_faces, 0), strict=True):
            assert int(donor[1:]) % 2 == int(face.image_id[1:]) % 2


def test_donors_are_near_in_tone_and_grey_goes_with_grey() -> None:
    tones: list[float | None] = [50, 48, 46, 44, -20, -22, -24, -26, None, None, None, None]
    faces = make_faces([replace(LABELS, ita_degrees=tone) for tone in tones])
    for face, donor in zip(faces, draw_donors(faces, 0), strict=True):
        assert int(donor[1:]) // 4 == int(face.image_id[1:]) // 4


def test_a_split_of_one_group_is_refused() -> None:
    faces = [replace(face, component_id="c") for face in make_faces([LABELS, LABELS])]
    with pytest.raises(DatasetError, match="one person only"):
        draw_donors(faces, 0)
