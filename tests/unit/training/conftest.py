"""A tiny split as training sees it: four people, each with a photo, a sham and two fakes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from faceproof.data.images import Pixels, encode_jpeg, encode_mask
from faceproof.training.pixel_cache import open_pixels
from faceproof.training.splits import LoadedSplit

PEOPLE = 4


@pytest.fixture(scope="session")
def rows(face: Pixels) -> Dataset:
    return make_rows(face, PEOPLE)


def make_rows(face: Pixels, people: int) -> Dataset:
    """Of each photo: itself, a sham, a swap masked in the middle, a synthesized face beside it."""
    square = face[10:102]
    mask = np.zeros(square.shape[:2], np.uint8)
    mask[30:60, 30:60] = 255
    records = []
    for person in range(people):
        photo = np.roll(square, 5 * person, axis=1)
        fake = photo.copy()
        fake[30:60, 30:60] = 255 - fake[30:60, 30:60]
        pair = f"photo{person}"
        for role, family, method, pixels, own_mask in (
            (0, "none", "none", photo, None),
            (1, "blend", "sham", photo[::-1], None),
            (2, "blend", "swap", fake, mask),
            (2, "synthesize", "dcgan", 255 - photo, np.full_like(mask, 255)),
        ):
            is_made = family == "synthesize"
            records.append(
                {
                    "image": {"bytes": encode_jpeg(pixels, 95, 0), "path": None},
                    "mask": None
                    if own_mask is None
                    else {"bytes": encode_mask(own_mask), "path": None},
                    "label": int(role == 2),
                    "role": role,
                    "family": family,
                    "method": method,
                    "image_id": f"{pair}-{method}",
                    "pair_id": f"{pair}-dcgan" if is_made else pair,
                    "component_id": f"{pair}-dcgan" if is_made else f"person{person}",
                    "source": "here",
                    "parent_ids": [] if is_made or role == 0 else [f"{pair}-none"],
                    "seed": None if role == 0 else person,
                    "parameters": json.dumps({"beside": pair} if is_made else {}),
                }
            )
    return Dataset.from_list(records)


@pytest.fixture(scope="session")
def pool(rows: Dataset, tmp_path_factory: pytest.TempPathFactory) -> LoadedSplit:
    return load(rows, tmp_path_factory.mktemp("pixels"))


def load(rows: Dataset, folder: Path) -> LoadedSplit:
    table: pd.DataFrame = rows.remove_columns(["image", "mask"]).to_pandas()
    return LoadedSplit(table, open_pixels(rows, folder), rows, "f" * 64)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Decoded images of the built dataset."""
    return tmp_path_factory.mktemp("cache")
