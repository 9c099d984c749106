from pathlib import Path

import numpy as np
import pytest
import torch

from faceproof.data.forgery import reconstruct
from faceproof.data.forgery.forged import Points, Scene
from faceproof.data.images import Pixels
from faceproof.errors import DatasetError


def alone(face: Pixels) -> list[tuple[Pixels, Points]]:
    """One photo to train on."""
    return [(face, np.zeros((5, 2), np.float32))]


def make_scene(photo: Pixels, rng: np.random.Generator) -> Scene:
    points = np.zeros((5, 2), np.float32)
    return Scene(photo, points, photo, points, rng)


def test_the_same_seed_gives_the_same_bytes_and_leaves_threads_alone(
    tmp_path: Path, face: Pixels
) -> None:
    threads = torch.get_num_threads()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        reconstruct.train(alone(face), 3, seed, tmp_path / name, "")
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again != other
    assert torch.get_num_threads() == threads


def test_training_brings_the_reconstruction_closer(
    tmp_path: Path, face: Pixels, rng: np.random.Generator
) -> None:
    errors = []
    for steps in (3, 120):
        weights = tmp_path / f"weights_{steps}"
        reconstruct.train(alone(face), steps, 0, weights, "")
        fake = reconstruct.Autoencoder(weights).forge(make_scene(face, rng)).fake
        errors.append(np.abs(fake.astype(int) - face).mean())
    assert errors[1] < 0.5 * errors[0]


def test_a_reconstruction_is_whole_and_its_sham_is_the_photo_but_for_rounding(
    tmp_path: Path, face: Pixels, rng: np.random.Generator
) -> None:
    reconstruct.train(alone(face), 3, 0, tmp_path / "weights", "")
    odd = face[:91, :90]  # sides that are no multiple of the block
    forged = reconstruct.Autoencoder(tmp_path / "weights").forge(make_scene(odd, rng))
    assert forged.fake.shape == odd.shape
    assert (forged.mask == 255).all()
    assert forged.sham is not None
    noise = forged.sham.astype(int) - odd
    assert np.abs(noise).max() == 1
    assert (forged.sham == forged.sham[..., :1]).all()  # a grey photo stays grey
    assert (forged.fake != odd).any()


def test_a_foreign_or_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "weights"
    with pytest.raises(DatasetError, match="holds no autoencoder"):
        reconstruct.Autoencoder(foreign)
    foreign.write_bytes(b"not weights")
    with pytest.raises(DatasetError, match="holds no autoencoder"):
        reconstruct.Autoencoder(foreign)
