from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceproof.data import assets
from faceproof.data.faces import find_largest
from faceproof.data.forgery import (
    AUTOENCODER,
    GENERATOR,
    NAMES,
    check_names,
    reconstruct,
    synthesize,
)
from faceproof.data.forgery.forged import Forge, Scene
from faceproof.data.forgery.methods import check_weights, locate_checkpoint, open_methods
from faceproof.data.images import decode, is_grey
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import DatasetError, SettingsError

SYNTHESES = ("dcgan", GENERATOR)
PAIRED = [name for name in NAMES if name not in SYNTHESES]
TINTING = (AUTOENCODER, "super_resolution")  # networks; the triplet makes them grey again


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
    networks = tmp_path_factory.mktemp("networks")
    known = [(scene.photo, scene.points) for scene in scenes]
    reconstruct.train(known, 30, 0, locate_checkpoint(networks, AUTOENCODER), "")
    synthesize.train(known, 70, 0, locate_checkpoint(networks, GENERATOR), "")
    return {name: one.forge for name, one in open_methods(NAMES, networks).items()}


def pick_scenes(scenes: list[Scene], name: str) -> list[Scene]:
    """Two are enough where a large network takes a second each."""
    return scenes[:2] if name == "super_resolution" else scenes


@pytest.mark.parametrize("name", PAIRED)
def test_a_fake_differs_from_its_sham_inside_the_mask_and_nowhere_else(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    for number, scene in enumerate(pick_scenes(scenes, name)):
        forged = forges[name](make_scene(scene, number))
        assert forged.sham is not None
        changed = np.abs(forged.fake.astype(int) - forged.sham).sum(axis=2) > 0
        assert not changed[forged.mask == 0].any()
        assert changed[forged.mask > 0].mean() > 0.2
        assert forged.mask.max() > 0
        assert forged.fake.shape == forged.sham.shape == scene.photo.shape


@pytest.mark.parametrize("name", PAIRED)
def test_a_sham_stays_close_to_the_photo_but_is_not_it(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    for number, scene in enumerate(pick_scenes(scenes, name)):
        sham = forges[name](make_scene(scene, number)).sham
        assert sham is not None
        assert not np.array_equal(sham, scene.photo)
        assert np.corrcoef(sham.ravel(), scene.photo.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("name", SYNTHESES)
def test_a_synthesis_is_a_face_of_its_own_in_the_photo_s_size_and_tone(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    for number, scene in enumerate(scenes[:3]):
        forged = forges[name](make_scene(scene, number))
        assert forged.sham is None
        assert (forged.mask == 255).all()
        assert forged.fake.shape == scene.photo.shape
        assert is_grey(forged.fake)
        assert find_largest(forged.fake).confidence >= 0.99
        assert abs(np.corrcoef(forged.fake.ravel(), scene.photo.ravel())[0, 1]) < 0.95


@pytest.mark.parametrize("name", NAMES)
def test_the_same_draws_give_the_same_bytes(
    forges: dict[str, Forge], scenes: list[Scene], name: str
) -> None:
    first, again = (forges[name](make_scene(scenes[0], 3)) for _ in range(2))
    for part in ("fake", "sham", "mask"):
        assert np.array_equal(getattr(first, part), getattr(again, part))
    assert first.parameters == again.parameters


@pytest.mark.parametrize("name", [one for one in PAIRED if one not in TINTING])
def test_grey_photos_stay_grey(forges: dict[str, Forge], scenes: list[Scene], name: str) -> None:
    forged = forges[name](make_scene(scenes[0], 3))
    assert is_grey(forged.fake)
    assert forged.sham is not None
    assert is_grey(forged.sham)


def test_missing_weights_name_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    check_weights(["swap", GENERATOR])
    for name in ("super_resolution", "dcgan"):
        with pytest.raises(DatasetError, match="make install"):
            check_weights(["swap", name])
    with pytest.raises(DatasetError, match="holds no generator"):
        open_methods([GENERATOR], tmp_path)


def test_a_recipe_names_each_method_once(tmp_path: Path) -> None:
    check_names(NAMES)
    for names in ([], ["swap", "swap"], ["magic"]):
        with pytest.raises(SettingsError, match="give each once"):
            check_names(names)
    assert list(open_methods(["hole", "swap"], tmp_path / "none")) == ["hole", "swap"]
