import io

import numpy as np
import pytest
from PIL import Image

from faceproof.audit import interventions
from faceproof.data.images import Pixels, encode_jpeg, encode_webp


@pytest.fixture
def noise(rng: np.random.Generator) -> Pixels:
    return np.asarray(rng.integers(0, 256, (92, 92, 3)), np.uint8)


def test_the_frame_is_the_donors_and_the_middle_the_pictures(face: Pixels, noise: Pixels) -> None:
    given = interventions.exchange_border(face, noise, b"")
    assert given.shape == face.shape
    assert (given[20:-20, 20:-20] == face[20:-20, 20:-20]).all()
    assert not (given[:3] == face[:3]).all()


def test_the_face_stays_and_its_surroundings_are_the_donors(noise: Pixels) -> None:
    white = np.full((92, 92, 3), 255, np.uint8)
    given = interventions.exchange_background(noise, white, b"")
    assert (given[:4, :4] == 255).all()
    assert (given[40:50, 40:50] == noise[40:50, 40:50]).all()


def test_colours_have_the_donors_mean_and_spread(face: Pixels) -> None:
    donor = np.asarray(face * [0.5, 0.7, 0.9], np.uint8)
    given = interventions.exchange_colour(face, donor, b"")
    assert given.mean(axis=(0, 1)) == pytest.approx(donor.mean(axis=(0, 1)), abs=1)
    assert given.std(axis=(0, 1)) == pytest.approx(donor.std(axis=(0, 1)), rel=0.05)


def test_the_codec_is_the_donors(noise: Pixels) -> None:
    """A picture encoded as a poor JPEG loses more than one encoded as a good one; PNG nothing."""
    png = io.BytesIO()
    Image.fromarray(noise).save(png, "PNG")
    errors = [
        np.abs(interventions.exchange_codec(noise, noise, data).astype(int) - noise).mean()
        for data in (
            png.getvalue(), encode_jpeg(noise, 90, 0), encode_jpeg(noise, 90, 2),
            encode_jpeg(noise, 30, 2),
        )
    ]  # fmt: skip
    assert errors[0] == 0
    assert errors == sorted(errors)
    assert len(set(errors)) == 4
    assert (interventions.exchange_codec(noise, noise, encode_webp(noise, 80)) != noise).any()


def test_what_is_hidden_leaves_no_trace(noise: Pixels) -> None:
    mask = np.zeros((92, 92), np.uint8)
    mask[30:60, 30:60] = 255
    other = noise.copy()
    other[30:60, 30:60] = 7
    assert (interventions.hide(noise, mask) == interventions.hide(other, mask)).all()
    assert (interventions.hide(noise, mask)[:20] == noise[:20]).all()


def test_blur_takes_detail_and_tones_go(noise: Pixels) -> None:
    assert interventions.take_detail(noise).std() < noise.std()
    ramp = np.repeat(np.linspace(0, 255, 92)[None, :, None], 92, axis=0).repeat(3, axis=2)
    flat = interventions.take_tones(np.asarray(ramp, np.uint8))
    assert abs(flat[20:-20, 20:-20].mean() - 128) < 2
    assert flat[20:-20, 20:-20].std() < 3


def test_a_widened_mask_covers_its_soft_edge() -> None:
    mask = np.zeros((92, 92), np.uint8)
    mask[40, 40] = 3
    assert interventions.widen(mask)[39:42, 39:42].min() == 255
