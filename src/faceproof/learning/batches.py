"""From rows of the dataset to tensors: decode, crop, augment, normalise as the model wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels, decode
from faceproof.learning.augmentation import Augment


class Batch(TypedDict):
    """`pixel_values` (N, 3, H, W) float32, normalised by the processor; `labels` (N,) int64."""

    pixel_values: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Treatment:
    """What is done to training images; the same draws for all images of one photo.

    `crop_pixels` is the side of a random square cut at native scale; None leaves images whole, for
    models that want a size of their own.
    """

    augment: Augment | None
    crop_pixels: int | None
    seed: int


class Images(torch.utils.data.Dataset[Batch]):
    """One item per image, untreated, in the order of the rows: for validation and test."""

    def __init__(self, rows: Dataset, processor: BaseImageProcessor) -> None:
        """Take rows with encoded `image` and `label`, and the model's processor."""
        self._rows = rows.select_columns(["image", "label"])
        self._processor = processor

    def __len__(self) -> int:
        """Number of images."""
        return len(self._rows)

    def __getitem__(self, index: int) -> Batch:
        """One image as a batch of one."""
        row = self._rows[index]
        return _make_batch([decode(row["image"]["bytes"])], [row["label"]], self._processor)


class PhotoGroups(torch.utils.data.Dataset[Batch]):
    """One item per photo, treated: all its images together, real, sham and fakes.

    Why: images of one photo differ by the forgery alone, so in one batch everything else cancels.
    """

    def __init__(self, rows: Dataset, processor: BaseImageProcessor, treatment: Treatment) -> None:
        """Group rows by `pair_id`.

        Args:
            rows: with encoded `image`, `label` and `pair_id`.
            processor: of the model.
            treatment: of the images.
        """
        pairs = np.asarray(rows["pair_id"])
        self._rows = rows.select_columns(["image", "label"])
        self._members = [np.flatnonzero(pairs == pair) for pair in np.unique(pairs)]
        self._processor = processor
        self._treatment = treatment
        self._rng = np.random.default_rng(treatment.seed)

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._members)

    def __getitem__(self, index: int) -> Batch:
        """All images of one photo."""
        rows = self._rows[self._members[index]]
        seed = int(self._rng.integers(2**63))
        pictures = [self._treat(decode(image["bytes"]), seed) for image in rows["image"]]
        side = None if self._treatment.crop_pixels is None else pictures[0].shape[0]
        return _make_batch(pictures, rows["label"], self._processor, side)

    def _treat(self, picture: Pixels, seed: int) -> Pixels:
        rng = np.random.default_rng(seed)
        if self._treatment.crop_pixels is not None:
            picture = _crop(picture, self._treatment.crop_pixels, rng)
        return picture if self._treatment.augment is None else self._treatment.augment(picture, rng)


def collate(items: Sequence[Batch]) -> Batch:
    """Items to one flat batch."""
    return {
        "pixel_values": torch.cat([item["pixel_values"] for item in items]),
        "labels": torch.cat([item["labels"] for item in items]),
    }


def _make_batch(
    pictures: Sequence[Pixels],
    labels: Sequence[int],
    processor: BaseImageProcessor,
    side_pixels: int | None = None,
) -> Batch:
    return {
        "pixel_values": to_tensor(pictures, processor, side_pixels),
        "labels": torch.tensor(labels),
    }


def to_tensor(
    pictures: Sequence[Pixels], processor: BaseImageProcessor, side_pixels: int | None = None
) -> Tensor:
    """Pictures of any size as the model takes them, (N, 3, side, side) float32.

    Args:
        pictures: (H, W, 3) uint8 RGB each.
        processor: of the model; resizes, crops the centre and normalises.
        side_pixels: in place of the processor's own side.
    """
    size = {} if side_pixels is None else {"size": {"shortest_edge": side_pixels}}
    return torch.cat(
        [processor(images=one, return_tensors="pt", **size)["pixel_values"] for one in pictures]
    )


def _crop(picture: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    side = min(side, *picture.shape[:2])
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + side, left : left + side])
