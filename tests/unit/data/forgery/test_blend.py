import numpy as np
import pytest

from faceproof.data.faces import find_largest
from faceproof.data.forgery import blend
from faceproof.data.forgery.forged import Forged
from faceproof.data.images import decode
from faceproof.data.sources.photos import SourcePhoto


@pytest.fixture(scope="module")
def swaps(photos: list[SourcePhoto]) -> list[Forged]:
    """Each of ten people with the face of the next."""
    pixels = [decode(photo.path.read_bytes()) for photo in photos[::3]]
    crops = [find_largest(one) for one in pixels]
    faces = [(crop.cut(one), crop.landmarks()) for one, crop in zip(pixels, crops, strict=True)]
    return [blend.swap(*faces[i], *faces[(i + 1) % len(faces)]) for i in range(len(faces))]


def test_a_swap_changes_the_masked_face_and_nothing_else(swaps: list[Forged]) -> None:
    for forged in swaps:
        changed = np.abs(forged.fake.astype(int) - forged.sham).max(axis=2)
        assert (changed[forged.mask == 0] == 0).all()
        assert changed[forged.mask == 255].mean() > 3
        assert 0.1 < (forged.mask > 0).mean() < 0.8


def test_the_sham_shows_the_same_person(swaps: list[Forged], photos: list[SourcePhoto]) -> None:
    for forged, photo in zip(swaps, photos[::3], strict=True):
        pixels = decode(photo.path.read_bytes())
        original = find_largest(pixels).cut(pixels)
        shammed = np.abs(forged.sham.astype(int) - original).mean()
        assert 0 < shammed < 0.4 * np.abs(forged.fake.astype(int) - original).mean()


def test_masks_are_soft_and_leave_the_border(swaps: list[Forged]) -> None:
    for forged in swaps:
        assert len(np.unique(forged.mask)) > 3
        border = np.concatenate([forged.mask[[0, -1]].ravel(), forged.mask[:, [0, -1]].ravel()])
        assert (border == 0).all()


def test_landmarks_moved_by_a_similarity_are_found_again() -> None:
    source = np.array([[10, 10], [30, 12], [20, 22], [12, 30], [28, 31]], np.float32)
    angle, scale, shift = 0.3, 1.7, np.array([4.0, -9.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = (source @ turn.T + shift).astype(np.float32)
    assert blend._similarity(source, target) == pytest.approx(
        np.column_stack([turn, shift]), abs=1e-4
    )
