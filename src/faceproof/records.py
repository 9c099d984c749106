"""The record every stage speaks of: its columns, their order, its labels and its schema."""

from dataclasses import dataclass, fields
from typing import Literal

from datasets import ClassLabel, Features, Image, List, Value

Label = Literal["real", "fake"]
Role = Literal["real", "sham", "fake"]
Split = Literal["train", "validation", "test"]

LABELS: tuple[Label, ...] = ("real", "fake")
ROLES: tuple[Role, ...] = ("real", "sham", "fake")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
FAKE = LABELS.index("fake")


@dataclass(frozen=True)
class FaceRecord:
    """One image of the dataset, encoded, with everything known about it.

    `image` is a JPEG, `mask` an 8-bit grey PNG of the same size (0 untouched, 255 replaced) or
    None where nothing was replaced. A fake carries the ids of the photo it altered; `pair_id` is
    that photo's `image_id`. `seed` is None where nothing was drawn.
    """

    image: bytes
    mask: bytes | None
    label: Label
    role: Role
    family: str
    method: str
    image_id: str
    pair_id: str
    component_id: str
    identity_id: str
    parent_ids: tuple[str, ...]
    source: str
    seed: int | None


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(FaceRecord))
METADATA_COLUMNS: tuple[str, ...] = COLUMNS[2:]


def features() -> Features:
    """The schema of the parquet shards, in `COLUMNS` order."""
    text = Value("string")
    return Features(
        {
            "image": Image(),
            "mask": Image(),
            "label": ClassLabel(names=list(LABELS)),
            "role": ClassLabel(names=list(ROLES)),
            "family": text,
            "method": text,
            "image_id": text,
            "pair_id": text,
            "component_id": text,
            "identity_id": text,
            "parent_ids": List(text),
            "source": text,
            "seed": Value("int64"),
        }
    )


def to_row(record: FaceRecord) -> dict[str, object]:
    """The record as `datasets` takes it: images as `{"bytes", "path"}`, in `COLUMNS` order."""
    row: dict[str, object] = {name: getattr(record, name) for name in COLUMNS}
    row["image"] = {"bytes": record.image, "path": None}
    row["mask"] = None if record.mask is None else {"bytes": record.mask, "path": None}
    row["parent_ids"] = list(record.parent_ids)
    return row
