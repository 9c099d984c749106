import numpy as np
import pytest

from faceproof.data.images import Pixels
from faceproof.training import augmentation
from faceproof.training.augmentation import (
    ABLATED,
    DEGRADATION,
    PHOTOMETRIC,
    RECIPES,
    WILD,
    Frame,
)

ALL = RECIPES["all"]


def colour(face: Pixels) -> Pixels:
    """A face with unequal channels: some changes leave grey photos alone."""
    return np.stack([face[..., 0], face[::-1, :, 0], face[:, ::-1, 0]], axis=2)


def test_the_same_draws_give_the_same_image(face: Pixels) -> None:
    first, again = (ALL.apply(face, np.random.default_rng(3)) for _ in range(2))
    assert (first == again).all()


def test_images_keep_shape_and_kind_and_stay_recognisable(face: Pixels) -> None:
    for seed in range(40):
        changed = ALL.apply(face, np.random.default_rng(seed))
        assert changed.shape == face.shape
        assert changed.dtype == np.uint8
        assert np.corrcoef(changed.ravel(), face.ravel())[0, 1] > 0.85


@pytest.mark.parametrize(
    "kind", [*PHOTOMETRIC, *DEGRADATION, *WILD], ids=lambda kind: kind.__name__
)
def test_every_kind_changes_something(
    kind: augmentation.Augment, face: Pixels, rng: np.random.Generator
) -> None:
    assert (kind(colour(face), rng) != colour(face)).any()


@pytest.mark.parametrize(
    "kind", [*PHOTOMETRIC, *DEGRADATION, *WILD], ids=lambda kind: kind.__name__
)
def test_a_grey_photo_stays_grey(
    kind: augmentation.Augment, face: Pixels, rng: np.random.Generator
) -> None:
    changed = kind(face, rng).astype(int)
    assert np.ptp(changed, axis=2).max() <= 1  # JPEG may round a channel by one


def test_recipes_differ_in_what_they_say() -> None:
    assert RECIPES["none"].kinds == ()
    assert set(ALL.kinds) == {*PHOTOMETRIC, *DEGRADATION}
    blends = {name: policy.self_blends > 0 for name, policy in RECIPES.items()}
    assert [name for name in blends if blends[name]] == ["self_blending", "all", "wild"]
    assert set(RECIPES["wild"].kinds) == {*ALL.kinds, *WILD}
    assert set(ABLATED) == set(RECIPES) - {"wild", "web"}
    assert set(RECIPES["web"].kinds) > set(RECIPES["wild"].kinds)


def test_a_video_frame_is_coarser_and_as_large(face: Pixels) -> None:
    (frame,) = set(RECIPES["web"].kinds) - set(RECIPES["wild"].kinds)
    drawn = frame(face, np.random.default_rng(0))
    assert drawn.shape == face.shape
    detail = [float(np.abs(np.diff(one.astype(float), axis=0)).mean()) for one in (face, drawn)]
    assert detail[1] < detail[0]


def test_light_and_gamma_by_hand() -> None:
    levels = np.array([[[0, 100, 255]]], np.uint8)
    assert augmentation.light(levels, 1.5, 10).tolist() == [[[10, 160, 255]]]
    assert augmentation.bend(levels, 2.0).tolist() == [[[0, 39, 255]]]  # 255 * (100 / 255)^2 = 39.2


def test_shrinking_and_coming_back_keeps_the_size(face: Pixels) -> None:
    assert augmentation.shrink(face, 0.5).shape == (56, 46, 3)
    assert augmentation.resample(face, 0.5, 3, 2).shape == face.shape


def test_what_is_covered_is_one_rectangle_of_one_level(face: Pixels) -> None:
    for seed in range(20):
        covered = augmentation.occlude(face, np.random.default_rng(seed))
        rows, columns = np.nonzero((covered != face).any(axis=2))
        share = np.ptp(rows) * np.ptp(columns) / (face.shape[0] * face.shape[1])
        assert 0.02 < share < 0.2


NUMBERED = np.arange(10 * 8, dtype=np.uint8).reshape(10, 8)


def test_a_frame_at_native_scale_by_hand() -> None:
    frame = Frame(side_pixels=4, share=1.0, top=0.5, left=1.0, is_mirrored=True)
    assert frame.cut(NUMBERED).tolist() == NUMBERED[3:7, 4:8][:, ::-1].tolist()
    assert frame.cut(NUMBERED[:2, :3]).shape == (2, 2)  # never more than there is


def test_a_frame_of_a_share_shows_the_same_part_of_every_size() -> None:
    frame = Frame(side_pixels=None, share=0.5, top=1.0, left=0.0, is_mirrored=False)
    assert frame.cut(NUMBERED).tolist() == NUMBERED[6:, :4].tolist()
    larger = np.kron(NUMBERED, np.ones((2, 2), np.uint8))
    assert (frame.cut(larger)[::2, ::2] == frame.cut(NUMBERED)).all()


def test_a_whole_frame_cuts_nothing() -> None:
    whole = RECIPES["none"].draw_frame(None, np.random.default_rng(0))
    assert (whole.cut(NUMBERED) == NUMBERED).all()


def test_frames_are_drawn_within_the_policy() -> None:
    drawn = [RECIPES["wild"].draw_frame(None, np.random.default_rng(seed)) for seed in range(50)]
    assert 0.7 <= min(one.share for one in drawn) < 0.75
    assert {one.is_mirrored for one in drawn} == {True, False}
    assert all(one.side_pixels is None for one in drawn)
    assert RECIPES["none"].draw_frame(32, np.random.default_rng(0)).side_pixels == 32
