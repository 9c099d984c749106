from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, DatasetDict, Features, Image, Value

from faceproof.data import builds
from faceproof.data.forgery import tensors
from faceproof.data.forgery.reconstruct import train
from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import SettingsError

SCHEMA = Features({"image": Image(), "mask": Image(), "family": Value("string")})


def make_rows(pictures: list[Pixels], family: str) -> Dataset:
    rows = [
        {"image": {"bytes": encode_jpeg(one, 90, 0), "path": None}, "mask": None, "family": family}
        for one in pictures
    ]
    return Dataset.from_list(rows, features=SCHEMA)


@pytest.mark.parametrize("family", ["synthesize", "none"])
def test_a_synthesized_face_that_another_split_has_is_left_out_of_the_larger(
    photos: list[SourcePhoto], family: str
) -> None:
    faces = [decode(photo.path.read_bytes()) for photo in photos[::3]]
    splits = DatasetDict(
        {
            "train": make_rows([*faces[:4], faces[8][:, ::-1].copy()], family),
            "validation": make_rows([faces[5], faces[5]], family),  # alike, but in one split
            "test": make_rows([faces[8]], family),
        }
    )
    kept, dropped = builds.drop_copies(splits)
    expected = {"train": 4, "validation": 2, "test": 1} if dropped else splits.num_rows
    assert dropped == (1 if family == "synthesize" else 0)
    assert kept.num_rows == expected


def test_a_checkpoint_is_used_again_only_for_what_it_was_made_from(
    tmp_path: Path, face: Pixels
) -> None:
    path = tmp_path / "weights"
    assert not tensors.is_made_from(path, "these photos")
    train([face], 2, 0, path, made_from="these photos")
    assert tensors.is_made_from(path, "these photos")
    assert not tensors.is_made_from(path, "other photos")
    path.write_bytes(path.read_bytes()[:100])
    assert not tensors.is_made_from(path, "these photos")


@pytest.mark.parametrize("field", ["workers", "generator_steps", "gallery_photos", "limit"])
def test_numbers_that_make_no_build_are_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        builds.BuildSettings(tmp_path, tmp_path, tmp_path, **{field: 0})  # type: ignore[arg-type]


def test_tensors_and_pictures_are_each_other_s_inverse(rng: np.random.Generator) -> None:
    pictures = [rng.integers(0, 256, (6, 5, 3), np.uint8) for _ in range(2)]
    values = tensors.to_tensor(pictures)
    assert values.shape == (2, 3, 6, 5)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(pictures, tensors.to_pictures(values), strict=True)
    )
