from pathlib import Path

import numpy as np

from faceproof.data.forgery import tensors
from faceproof.data.forgery.reconstruct import train
from faceproof.data.images import Pixels

NO_POINTS = np.zeros((5, 2), np.float32)


def test_a_checkpoint_is_used_again_only_for_what_it_was_made_from(
    tmp_path: Path, face: Pixels
) -> None:
    path = tmp_path / "weights"
    assert not tensors.is_made_from(path, "these photos")
    train([(face, NO_POINTS)], 2, 0, path, "these photos")
    assert tensors.is_made_from(path, "these photos")
    assert not tensors.is_made_from(path, "other photos")
    path.write_bytes(path.read_bytes()[:100])
    assert not tensors.is_made_from(path, "these photos")


def test_tensors_and_pictures_are_each_other_s_inverse(rng: np.random.Generator) -> None:
    pictures = [rng.integers(0, 256, (6, 5, 3), np.uint8) for _ in range(2)]
    values = tensors.to_tensor(pictures)
    assert values.shape == (2, 3, 6, 5)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(pictures, tensors.to_pictures(values), strict=True)
    )
