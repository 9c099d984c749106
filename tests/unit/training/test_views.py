from pathlib import Path

import numpy as np
from PIL import Image

from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.training.views import ViewPlan, draw_views, write_views

PLAN = ViewPlan(views=3, side_pixels=48, recipe="web", seed=5)


def encode_face(face: Pixels) -> bytes:
    return encode_jpeg(face, 95, 0)


def test_the_first_view_is_the_image_itself(face: Pixels) -> None:
    data = encode_face(face)
    wanted = Image.fromarray(decode(data)).resize((48, 48), Image.Resampling.BICUBIC)
    assert np.array_equal(draw_views(data, 0, PLAN)[0], np.asarray(wanted))


def test_views_depend_on_seed_and_position_alone(face: Pixels) -> None:
    data = encode_face(face)
    first = draw_views(data, 7, PLAN)
    assert np.array_equal(first, draw_views(data, 7, PLAN))
    assert not np.array_equal(first[1:], draw_views(data, 8, PLAN)[1:])
    assert not np.array_equal(first[1], first[2])


def test_views_are_made_once_and_read_afterwards(tmp_path: Path, face: Pixels) -> None:
    data = encode_face(face)
    place = tmp_path / "views.npy"
    made = write_views([data, data], PLAN, place)
    assert made.shape == (2, 3, 48, 48, 3)
    assert np.array_equal(made[1], draw_views(data, 1, PLAN))
    written = place.stat().st_mtime_ns
    again = write_views([data, data], PLAN, place)
    assert np.array_equal(made, again)
    assert place.stat().st_mtime_ns == written
