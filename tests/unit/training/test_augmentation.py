import numpy as np
import pytest

from faceproof.data.images import Pixels
from faceproof.training import augmentation
from faceproof.training.augmentation import ABLATED, DEGRADATION, PHOTOMETRIC, RECIPES, WILD

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
    assert set(ABLATED) == set(RECIPES) - {"wild"}


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
