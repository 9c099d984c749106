"""Logits of many pictures: batches in order, single images never mixed up."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.learning.augmentation import Augment
from faceproof.learning.decisions import Margins, to_margins
from faceproof.learning.pools import Pool
from faceproof.learning.processors import to_tensor
from faceproof.metrics import Rows

_BATCH = 8  # larger ones leave the cache


@torch.inference_mode()
def score_pictures(
    model: PreTrainedModel, processor: BaseImageProcessor, pictures: Iterable[Pixels]
) -> Margins:
    """Fake logit minus real logit of each picture, shape (N,).

    Args:
        model: in evaluation mode.
        processor: of the model.
        pictures: (H, W, 3) uint8 RGB each, of any size; read a batch at a time.
    """
    parts = [
        to_margins(model(pixel_values=to_tensor(batch, processor)).logits.double().numpy())
        for batch in _batched(pictures)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def score_rows(
    model: PreTrainedModel,
    processor: BaseImageProcessor,
    pool: Pool,
    rows: Rows,
    change: Augment | None = None,
) -> Margins:
    """The same for rows of a split, after a change of each image; draws depend on the row alone."""

    def read(row: int) -> Pixels:
        pixels = np.ascontiguousarray(pool.images.image(row))
        return pixels if change is None else change(pixels, np.random.default_rng(row))

    return score_pictures(model, processor, map(read, rows.tolist()))


def _batched(pictures: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    iterator = iter(pictures)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
