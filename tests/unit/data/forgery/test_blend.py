import numpy as np
import pytest
from tests.unit.data.forgery.test_methods import make_scene, scenes  # noqa: F401  # a fixture

from faceproof.data.forgery import blend
from faceproof.data.forgery.forged import Scene


def test_a_swap_shows_another_person_and_its_sham_the_same(scenes: list[Scene]) -> None:  # noqa: F811
    for scene in scenes:
        forged = blend.swap(scene)
        assert forged.sham is not None
        shammed = np.abs(forged.sham.astype(int) - scene.photo).mean()
        assert 0 < shammed < 0.4 * np.abs(forged.fake.astype(int) - scene.photo).mean()


@pytest.mark.parametrize("seed", range(6))
def test_a_part_is_smaller_than_a_face(scenes: list[Scene], seed: int) -> None:  # noqa: F811
    scene = make_scene(scenes[0], seed)
    assert (blend.swap_part(scene).mask > 0).mean() < 0.5 * (blend.swap(scene).mask > 0).mean()
