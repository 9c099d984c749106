from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceproof.data.faces import find_largest
from faceproof.data.forgery import reconstruct
from faceproof.data.forgery.forged import Forge, Scene
from faceproof.data.forgery.methods import AUTOENCODER, NAMES, check_names, open_methods
from faceproof.data.images import decode
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import SettingsError


def make_scene(scene: Scene, seed: int) -> Scene:
    """The same scene with draws of its own."""
    return replace(scene, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def scenes(photos: list[SourcePhoto]) -> list[Scene]:
    """Each of ten people with the next as donor."""
    pixels = [decode(photo.path.read_bytes()) for photo in photos[::3]]
    crops = [find_largest(one) for one in pixels]
    faces = [(crop.cut(one), crop.landmarks()) for one, crop in zip(pixels, crops, strict=True)]
    return [
        Scene(*face, *faces[(number + 1) % len(faces)], np.random.default_rng(number))
        for number, face in enumerate(faces)
    ]


@pytest.fixture(scope="module")
def forges(scenes: list[Scene], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Forge]:
    checkpoint = tmp_path_factory.mktemp("autoencoder") / "weights"
    reconstruct.train([scene.photo for scene in scenes], 30, 0, checkpoint)
    return {name: one.forge for name, one in open_methods(NAMES, checkpoint).items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_fake_differs_from_its_sham_inside_the_mask_and_nowhere_else(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    for number, scene in enumerate(scenes):
        forged = forges[name](make_scene(scene, number))
        changed = (forged.fake != forged.sham).any(axis=2)
        assert not changed[forged.mask == 0].any()
        assert changed[forged.mask > 0].mean() > 0.2
        assert forged.mask.max() > 0
        assert forged.fake.shape == forged.sham.shape == scene.photo.shape


@pytest.mark.parametrize("name", NAMES)
def test_a_sham_stays_close_to_the_photo_but_is_not_it(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    for number, scene in enumerate(scenes):
        sham = forges[name](make_scene(scene, number)).sham
        assert (sham != scene.photo).any()
        assert np.corrcoef(sham.ravel(), scene.photo.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_the_same_draws_give_the_same_bytes(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    first, again = (forges[name](make_scene(scenes[0], 3)) for _ in range(2))
    for part in ("fake", "sham", "mask"):
        assert (getattr(first, part) == getattr(again, part)).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != AUTOENCODER])
def test_grey_photos_stay_grey(forges: dict[str, Forge], scenes: list[Scene], name: str) -> None:
    forged = forges[name](make_scene(scenes[0], 3))
    for picture in (forged.fake, forged.sham):
        assert (picture == picture[..., :1]).all()


def test_a_recipe_names_each_method_once(tmp_path: Path) -> None:
    check_names(NAMES)
    for names in ([], ["swap", "swap"], ["magic"]):
        with pytest.raises(SettingsError, match="give each once"):
            check_names(names)
    assert list(open_methods(["hole", "swap"], tmp_path / "none")) == ["hole", "swap"]
