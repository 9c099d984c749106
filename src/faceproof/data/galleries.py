"""Some photos of every split with all that was made of them, for people to look at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from datasets import Dataset

from faceproof.records import BESIDE, LABELS, ROLES, SPLITS

FILTERS = ("split", "role", "family", "method", "sex", "age_band", "skin_tone")


@dataclass(frozen=True)
class ShownImage:
    """An image of the gallery: its files and the labels one can filter by."""

    image: bytes
    mask: bytes | None
    label: str
    labels: dict[str, str]


def pick_photos(splits: Mapping[str, Dataset], photos: int) -> list[list[ShownImage]]:
    """For some photos of each split, one of each group first, their images: real, shams, fakes.

    Args:
        splits: the dataset, images encoded.
        photos: of each split, at most.
    """
    return [shown for name in SPLITS for shown in pick_split(splits[name], name, photos)]


def pick_split(rows: Dataset, split: str, photos: int) -> list[list[ShownImage]]:
    """The same for one split."""
    known = rows.select_columns(["pair_id", "component_id", "role", "parameters"]).to_pandas()
    real = known[known["role"] == ROLES.index("real")].sort_values("pair_id")
    turn = real.groupby("component_id").cumcount()  # a second photo of a group waits for its turn
    chosen = list(real.assign(turn=turn).sort_values(["turn", "pair_id"])["pair_id"][:photos])
    besides = known["parameters"].map(lambda text: json.loads(text).get(BESIDE))
    owners = known["pair_id"].where(known["pair_id"].isin(chosen), besides)
    shown = []
    for pair in chosen:
        images = [rows[int(index)] for index in owners.index[owners == pair]]
        images.sort(key=lambda row: (row["role"], row["family"], row["method"]))
        shown.append([_show(row, split) for row in images])
    return shown


def _show(row: dict[str, object], split: str) -> ShownImage:
    row = {**row, "split": split, "role": ROLES[int(str(row["role"]))]}
    mask = row["mask"]
    return ShownImage(
        image=row["image"]["bytes"],  # type: ignore[index]  # an encoded image
        mask=None if mask is None else mask["bytes"],  # type: ignore[index]
        label=LABELS[int(str(row["label"]))],
        labels={name: str(row[name]) for name in FILTERS},
    )
