import numpy as np
import pytest

from faceproof.data.images import Pixels
from faceproof.training.augmentation import RECIPES
from faceproof.training.corruptions import HARD_REALS, HELD_OUT, LADDER, REENCODED, STRESSES, TIERS


@pytest.mark.parametrize("name", [*STRESSES, *HARD_REALS])
def test_every_stress_changes_a_colour_image_and_leaves_an_image(name: str, face: Pixels) -> None:
    picture = np.stack([face[..., 0], face[::-1, :, 0], face[:, ::-1, 0]], axis=2)
    change = {**STRESSES, **HARD_REALS}[name]
    changed, again = (change(picture, np.random.default_rng(5)) for _ in range(2))
    assert changed.dtype == np.uint8
    assert changed.ndim == 3
    assert changed.shape != picture.shape or (changed != picture).any()
    assert (changed == again).all()


def test_tiers_make_images_smaller(face: Pixels) -> None:
    sizes = {
        name: change(face, np.random.default_rng(0)).shape[:2] for name, change in TIERS.items()
    }
    assert sizes == {"web": (84, 69), "hard": (56, 46)}


def test_held_out_kinds_are_not_drawn_in_training() -> None:
    trained = {kind.__name__ for policy in RECIPES.values() for kind in policy.kinds}
    assert set(HELD_OUT) < set(LADDER)
    assert not any(word in name for name in trained for word in ("webp", "occlu", "screen"))
    assert REENCODED in LADDER
