from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import TINY
from torch.utils.data import DataLoader
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.detector.models import make_model
from faceproof.detector.preprocessing import to_tensor
from faceproof.training.augmentation import RECIPES, Policy
from faceproof.training.batches import (
    IGNORED,
    Ahead,
    Images,
    PhotoGroups,
    Treatment,
    collate,
    group_rows,
)
from faceproof.training.splits import LoadedSplit

PLAIN = Treatment(
    Policy((), is_mirrored=False, self_blends=0.0), images_of_each=2, crop_pixels=None,
    epochs=3, seed=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def processor() -> BaseImageProcessor:
    return make_model("config", TINY)[1]


def open_groups(
    pool: LoadedSplit, processor: BaseImageProcessor, treatment: Treatment
) -> PhotoGroups:
    kept = np.arange(len(pool.table))
    return PhotoGroups(group_rows(pool.table, kept), pool, processor, treatment)


def test_a_training_item_is_a_photo_with_all_that_was_made_of_or_beside_it(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    groups = open_groups(pool, processor, PLAIN)
    assert len(groups) == 4
    batch = collate([groups[0], groups[1]])
    assert batch["pixel_values"].shape == (8, 3, 92, 92)
    assert batch["labels"].tolist() == [0, 0, 1, 1] * 2
    assert batch["masks"].shape == (8, 92, 92)
    assert sorted(batch["masks"][:4].amax(dim=(1, 2)).tolist()) == [0, 0, 1, 1]


def test_photos_left_with_one_label_are_left_out(pool: LoadedSplit) -> None:
    only_reals = np.flatnonzero(pool.labels == 0)
    assert group_rows(pool.table, only_reals) == []
    without_shams = group_rows(pool.table, pool.rows_without("blend"))
    assert [(len(one.reals), len(one.beside)) for one in without_shams] == [(1, 1)] * 4
    assert [one.photo for one in without_shams] == [0, 4, 8, 12]


def test_the_photo_and_a_face_beside_it_come_always_the_rest_evenly_over_families(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    group = group_rows(pool.table, np.arange(len(pool.table)))[0]
    assert (group.photo, group.plain, group.reals) == (0, (0,), (0, 1))
    assert (group.forged, group.beside) == (((2,),), (3,))
    two = replace(group, forged=((2,) * 7, (1,)))  # a family of seven, and one of one without mask
    groups = PhotoGroups([two], pool, processor, PLAIN)
    photo = to_tensor([pool.images.image(0)], processor)[0]
    rare = 0
    for epoch in range(40):
        groups.set_epoch(epoch)
        item = groups[0]
        assert any(torch.equal(one, photo) for one in item["pixel_values"][:2])
        masks = item["masks"].flatten(1)
        assert masks[0].max() == 0
        assert masks[2].min() == 1  # all of it is made
        rare += int(masks[3].max() == 0)
    assert 10 <= rare <= 30


def test_an_unseen_item_is_one_image_in_row_order(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    images = Images([3, 0, 2], pool, processor)
    assert len(images) == 3
    assert collate([images[index] for index in range(3)])["labels"].tolist() == [1, 0, 1]


def test_images_of_one_photo_get_the_same_draws(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    """A synthesized image here is the photo's negative: with equal crops, so are their tensors."""
    cut = replace(PLAIN, crop_pixels=40, policy=Policy((), is_mirrored=True, self_blends=0.0))
    groups = open_groups(pool, processor, cut)
    for index in range(4):
        batch = groups[index]
        assert batch["pixel_values"].shape[-1] == 40
        reals, fakes = batch["pixel_values"][:2], batch["pixel_values"][2:]
        flatness = [
            float((real + fake).amax(dim=(1, 2)).sub((real + fake).amin(dim=(1, 2))).max())
            for real in reals
            for fake in fakes
        ]
        assert min(flatness) < 0.35  # JPEG noise alone


def test_squares_cut_for_whole_faces_are_alike_and_of_every_size(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    """Resized to the model's side. The sum of a photo and its negative is flat only where both
    show the same place.
    """
    policy = Policy((), is_mirrored=False, self_blends=0.0, smallest_cut=0.4)
    groups = open_groups(pool, processor, replace(PLAIN, policy=policy))
    shares = []
    for epoch in range(12):
        groups.set_epoch(epoch)
        batch = groups[0]
        assert batch["pixel_values"].shape == (4, 3, 92, 92)
        sums = [
            real + fake for real in batch["pixel_values"][:2] for fake in batch["pixel_values"][2:]
        ]
        assert min(float(np.ptp(one.numpy(), axis=(1, 2)).max()) for one in sums) < 0.5
        shares += [float((mask > 0).float().mean()) for mask in batch["masks"][2:]]
        for image, mask in zip(batch["pixel_values"][2:], batch["masks"][2:], strict=True):
            changed = (image - batch["pixel_values"][0]).abs().amax(dim=0) > 0.5
            assert not changed[mask == 0].any()  # the mask lies where the image was changed
    swapped = [share for share in shares if 0 < share < 1]
    whole = (30 / 92) ** 2
    assert len({round(share, 2) for share in swapped}) > 6  # it fills more or less of what is seen
    assert max(swapped) < 1.2 * whole / policy.smallest_cut**2


def test_a_crop_never_exceeds_the_image(pool: LoadedSplit, processor: BaseImageProcessor) -> None:
    groups = open_groups(pool, processor, replace(PLAIN, crop_pixels=500))
    assert groups[0]["pixel_values"].shape == (4, 3, 92, 92)


def test_a_fake_whose_crop_shows_nothing_of_it_has_no_label(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    groups = open_groups(pool, processor, replace(PLAIN, crop_pixels=20))
    seen = set()
    for epoch in range(30):
        groups.set_epoch(epoch)
        batch = groups[0]
        for label, mask in zip(batch["labels"][2:].tolist(), batch["masks"][2:], strict=True):
            assert (label == IGNORED) == (float((mask > 0).double().mean()) < 0.02)
            seen.add(label)
    assert seen == {1, IGNORED}


def test_draws_follow_seed_epoch_and_photo_alone(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    treatment = replace(PLAIN, crop_pixels=64, policy=RECIPES["degradation"])
    one, other = (open_groups(pool, processor, treatment) for _ in range(2))
    other[3]
    assert torch.equal(one[1]["pixel_values"], other[1]["pixel_values"])
    other.set_epoch(1)
    assert not torch.equal(one[1]["pixel_values"], other[1]["pixel_values"])


def test_self_blends_come_as_a_pair_of_sham_and_fake_and_get_harder(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    blending = replace(PLAIN, policy=Policy((), is_mirrored=False, self_blends=1.0))
    plain = open_groups(pool, processor, PLAIN)
    groups = open_groups(pool, processor, blending)
    differences = {0: 0.0, 2: 0.0}
    for epoch in differences:
        for seed in range(12):
            groups._treatment = replace(blending, seed=seed)
            groups.set_epoch(epoch)
            batch = groups[0]
            assert batch["labels"].tolist() == [0, 0, 1, 1]
            sham, fake = batch["pixel_values"][1], batch["pixel_values"][3]
            assert not torch.equal(fake, sham)
            assert 0.05 < float((batch["masks"][3] > 0).float().mean()) < 0.6
            differences[epoch] += float((fake - sham).abs().mean())
    assert differences[0] > 1.2 * differences[2]
    assert plain[0]["pixel_values"].shape == groups[0]["pixel_values"].shape


def test_batches_made_ahead_are_the_same_in_the_same_order(
    pool: LoadedSplit, processor: BaseImageProcessor
) -> None:
    groups = open_groups(pool, processor, PLAIN)
    loader = DataLoader(groups, batch_size=2, shuffle=True, collate_fn=collate)
    torch.manual_seed(3)
    plain = [batch["pixel_values"].sum().item() for batch in loader]
    torch.manual_seed(3)
    ahead = [batch["pixel_values"].sum().item() for batch in Ahead(loader)]
    assert ahead == plain
    assert len(Ahead(loader)) == len(plain)
    assert Ahead(loader).batch_size == 2


def test_an_error_in_a_batch_made_ahead_is_raised() -> None:
    def load() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(Ahead(load()))  # type: ignore[arg-type]  # any loader


def test_a_batch_counts_images(pool: LoadedSplit, processor: BaseImageProcessor) -> None:
    groups = open_groups(pool, processor, PLAIN)  # two reals and two fakes of each photo
    assert [groups.count_photos(images) for images in (1, 4, 8, 11)] == [1, 1, 2, 3]
    single = open_groups(pool, processor, replace(PLAIN, images_of_each=1))
    assert single.count_photos(8) == 4
