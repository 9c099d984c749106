"""The published dataset as rows with encoded images, and its metadata as one table."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from datasets import Dataset, DatasetDict, Image, load_dataset

from faceproof.records import LABELS, METADATA_COLUMNS, ROLES, SPLITS


def open_dataset(dataset: Path) -> DatasetDict:
    """The published dataset, images left encoded as `{"bytes", "path"}`."""
    return leave_encoded(load_dataset(str(dataset)))


def leave_encoded(splits: DatasetDict) -> DatasetDict:
    """The same rows with image and mask as their file bytes."""
    raw = Image(decode=False)
    return DatasetDict(
        {
            name: rows.cast_column("image", raw).cast_column("mask", raw)
            for name, rows in splits.items()
        }
    )


def to_frame(splits: Mapping[str, Dataset]) -> pd.DataFrame:
    """All metadata as one table, split first, class numbers as names."""
    frames = []
    for name in SPLITS:
        frame = splits[name].select_columns(list(METADATA_COLUMNS)).to_pandas()
        frame.insert(0, "split", name)
        frames.append(frame)
    table: pd.DataFrame = pd.concat(frames, ignore_index=True)
    table["label"] = [LABELS[code] for code in table["label"]]
    table["role"] = [ROLES[code] for code in table["role"]]
    return table


def image_name(image_id: str) -> str:
    """The image's path in every zip and folder we write."""
    return f"images/{image_id}.jpg"
