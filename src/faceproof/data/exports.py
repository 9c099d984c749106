"""What we hand to people: the mini-dataset as a zip, and the test photos as a blind archive."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from datasets import Dataset, DatasetDict, Image, load_dataset

from faceproof.data.archives import TRUTH_NAME, write_zip
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


def write_mini_zip(splits: Mapping[str, Dataset], readme: str, path: Path) -> None:
    """Write images, masks, metadata.csv, README and checksums; names tell nothing of the label."""
    table = to_frame(splits)
    table["parent_ids"] = [" ".join(parents) for parents in table["parent_ids"]]
    table.insert(1, "image", [_image_name(image_id) for image_id in table["image_id"]])
    members = {"README.md": readme.encode(), "metadata.csv": table.to_csv(index=False).encode()}
    for name in SPLITS:
        members |= dict(_image_members(splits[name]))
    write_zip(path, members)


def write_blind_zip(rows: Dataset, path: Path) -> None:
    """Write images under opaque names with their truth in `labels.csv`, as an examiner would."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["image", "label", "component_id"])
    columns: Sequence[str] = ("image_id", "label", "component_id")
    listed = sorted(zip(*(rows[name] for name in columns), strict=True))
    writer.writerows(
        (_image_name(image_id), LABELS[label], group) for image_id, label, group in listed
    )
    images = {_image_name(row["image_id"]): row["image"]["bytes"] for row in rows}
    write_zip(path, {TRUTH_NAME: sink.getvalue().encode(), **images})


def _image_members(rows: Dataset) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        yield _image_name(row["image_id"]), row["image"]["bytes"]
        if row["mask"] is not None:
            yield f"masks/{row['image_id']}.png", row["mask"]["bytes"]


def _image_name(image_id: str) -> str:
    return f"images/{image_id}.jpg"
