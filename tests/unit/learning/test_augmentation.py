import numpy as np
import pytest

from faceproof.data.images import Pixels
from faceproof.learning import augmentation


def test_the_same_draws_give_the_same_image(face: Pixels) -> None:
    first, again = (augmentation.augment(face, np.random.default_rng(3)) for _ in range(2))
    assert (first == again).all()


def test_images_keep_shape_and_kind_and_stay_recognisable(face: Pixels) -> None:
    for seed in range(40):
        changed = augmentation.augment(face, np.random.default_rng(seed))
        assert changed.shape == face.shape
        assert changed.dtype == np.uint8
        likeness = max(
            np.corrcoef(changed.ravel(), other.ravel())[0, 1] for other in (face, face[:, ::-1])
        )
        assert likeness > 0.9


@pytest.mark.parametrize("degrade", augmentation._DEGRADATIONS, ids=lambda one: one.__name__)
def test_every_degradation_changes_something(
    degrade: augmentation.Augment, face: Pixels, rng: np.random.Generator
) -> None:
    assert (degrade(face, rng) != face).any()
