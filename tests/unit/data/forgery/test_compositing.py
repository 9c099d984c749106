import numpy as np
import pytest

from faceproof.data.forgery import compositing
from faceproof.data.images import Pixels

POINTS = np.array([[10, 10], [30, 12], [20, 22], [12, 30], [28, 31]], np.float32)


def test_a_similarity_is_found_again_and_undone() -> None:
    angle, scale, shift = 0.3, 1.7, np.array([4.0, -9.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    transform = np.column_stack([turn, shift])
    moved = compositing.move_points(POINTS, transform)
    assert compositing.fit_similarity(POINTS, moved) == pytest.approx(transform, abs=1e-4)
    assert compositing.move_points(moved, compositing.invert(transform)) == pytest.approx(
        POINTS, abs=1e-3
    )


def test_a_bump_moves_its_centre_and_nothing_beyond_its_radius() -> None:
    centre, shift = np.array([[50, 40]], np.float32), np.array([[3, -2]], np.float32)
    field = compositing.bump_field((90, 90), centre, shift, radius=20)
    assert field[40, 50].tolist() == [-3, 2]  # look up where the pixel came from
    rows, columns = np.indices((90, 90))
    assert (field[np.hypot(columns - 50, rows - 40) >= 20] == 0).all()


def test_a_displaced_bright_spot_is_where_it_was_sent() -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[28:33, 28:33] = 255
    centre, shift = np.array([[30, 30]], np.float32), np.array([[2, 0]], np.float32)
    moved = compositing.displace(
        picture, compositing.bump_field((60, 60), centre, shift, radius=40)
    )
    columns = np.nonzero(moved[30, :, 0] > 128)[0]
    assert columns.mean() == pytest.approx(32, abs=0.6)


def test_an_ellipse_is_soft_and_leaves_the_border(face: Pixels) -> None:
    mask = compositing.ellipse(np.array([5.0, 50.0]), (30, 20), 10, face)
    assert mask.shape == face.shape[:2]
    assert mask.max() == 255
    assert len(np.unique(mask)) > 3
    assert not mask[:, :2].any()


@pytest.mark.parametrize("centre", [(-40.0, 50.0), (300.0, 300.0), (50.0, -1.0)])
def test_an_ellipse_around_a_point_outside_the_picture_is_not_empty(
    face: Pixels, centre: tuple[float, float]
) -> None:
    assert compositing.ellipse(np.array(centre), (12, 8), 30, face).any()
