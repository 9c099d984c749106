import pytest
import torch
from datasets import Dataset
from tests.conftest import TINY
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.learning.augmentation import augment
from faceproof.learning.batches import Images, PhotoGroups, Treatment, collate, to_tensor
from faceproof.learning.models import make_model


@pytest.fixture(scope="module")
def processor() -> BaseImageProcessor:
    return make_model("config", TINY)[1]


@pytest.fixture(scope="module")
def rows(face: Pixels) -> Dataset:
    square = face[10:102]
    images = [encode_jpeg(square if number % 2 else 255 - square, 95, 0) for number in range(6)]
    return Dataset.from_dict(
        {
            "image": [{"bytes": data, "path": None} for data in images],
            "label": [0, 1, 0, 1, 0, 1],
            "pair_id": ["b", "b", "a", "a", "c", "c"],
        }
    )


def test_a_training_item_is_a_whole_photo(rows: Dataset, processor: BaseImageProcessor) -> None:
    groups = PhotoGroups(rows, processor, Treatment(None, None, seed=0))
    assert len(groups) == 3
    batch = collate([groups[0], groups[1]])
    assert batch["pixel_values"].shape == (4, 3, 92, 92)
    assert batch["labels"].tolist() == [0, 1, 0, 1]


def test_an_unseen_item_is_one_image_in_row_order(
    rows: Dataset, processor: BaseImageProcessor
) -> None:
    images = Images(rows, processor)
    assert len(images) == 6
    assert collate([images[index] for index in range(6)])["labels"].tolist() == [0, 1, 0, 1, 0, 1]
    assert not torch.equal(images[0]["pixel_values"], images[1]["pixel_values"])


def test_a_face_of_native_size_is_only_normalised(
    face: Pixels, processor: BaseImageProcessor
) -> None:
    square = face[10:102].copy()
    mean, deviation = torch.tensor(processor.image_mean), torch.tensor(processor.image_std)
    expected = (torch.from_numpy(square).float() / 255 - mean) / deviation
    assert torch.allclose(to_tensor([square], processor)[0].permute(1, 2, 0), expected, atol=1e-5)


def test_images_of_one_photo_get_the_same_draws(
    rows: Dataset, processor: BaseImageProcessor
) -> None:
    """Row 0 is the negative of row 1: with equal crops and no more, so are their tensors."""
    plain = PhotoGroups(rows, processor, Treatment(None, crop_pixels=40, seed=0))
    first, second = plain[0]["pixel_values"]
    assert first.shape == (3, 40, 40)
    total = first + second
    assert (total.amax(dim=(1, 2)) - total.amin(dim=(1, 2))).max() < 0.2  # JPEG noise alone


def test_a_crop_never_exceeds_the_image(rows: Dataset, processor: BaseImageProcessor) -> None:
    groups = PhotoGroups(rows, processor, Treatment(None, crop_pixels=500, seed=0))
    assert groups[0]["pixel_values"].shape == (2, 3, 92, 92)


def test_a_row_read_again_is_drawn_anew(rows: Dataset, processor: BaseImageProcessor) -> None:
    groups = PhotoGroups(rows, processor, Treatment(augment, crop_pixels=64, seed=0))
    assert not torch.equal(groups[0]["pixel_values"], groups[0]["pixel_values"])
