"""What we hand to people: the mini-dataset and a blind archive as zips, a gallery, the Hub."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset

from faceproof.data import shards
from faceproof.data.inputs.archives import TRUTH_NAME, write_zip
from faceproof.data.settings import PushSettings
from faceproof.data.tables import image_name, to_frame
from faceproof.network import HubKind, push_folder
from faceproof.records import BESIDE, LABELS, ROLES, SPLITS

FILTERS = ("split", "role", "family", "method", "sex", "age_band", "skin_tone")
_PHOTOS = 8  # of each split in the gallery
_OPENED: Mapping[HubKind, str] = {
    "dataset": 'load_dataset("{}") opens it',
    "model": 'pipeline("image-classification", model="{}") uses it',
    "space": "starts by itself",
}


def write_mini_zip(splits: Mapping[str, Dataset], papers: Mapping[str, str], path: Path) -> None:
    """Write images, masks, metadata.csv, papers and checksums; names tell nothing of the label.

    Args:
        splits: the dataset, images encoded.
        papers: texts to put in, by name.
        path: zip to write.
    """
    table = to_frame(splits)
    table["parent_ids"] = [" ".join(parents) for parents in table["parent_ids"]]
    table.insert(1, "image", [image_name(image_id) for image_id in table["image_id"]])
    members = {name: text.encode() for name, text in papers.items()}
    members["metadata.csv"] = table.to_csv(index=False).encode()
    for name in SPLITS:
        members |= dict(_image_members(splits[name]))
    write_zip(path, members)


def write_blind_zip(rows: Dataset, path: Path) -> None:
    """Write images under opaque names with their truth in `labels.csv`, as an examiner would."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["image", "label", "component_id"])
    listed = sorted(zip(rows["image_id"], rows["label"], rows["component_id"], strict=True))
    writer.writerows(
        (image_name(image_id), LABELS[label], group) for image_id, label, group in listed
    )
    images = {image_name(row["image_id"]): row["image"]["bytes"] for row in rows}
    write_zip(path, {TRUTH_NAME: sink.getvalue().encode(), **images})


def _image_members(rows: Dataset) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        yield image_name(row["image_id"]), row["image"]["bytes"]
        if row["mask"] is not None:
            yield f"masks/{row['image_id']}.png", row["mask"]["bytes"]


@dataclass(frozen=True)
class ShownImage:
    """An image of the gallery: its files and the labels one can filter by."""

    image: bytes
    mask: bytes | None
    label: str
    labels: dict[str, str]


def pick_photos(splits: Mapping[str, Dataset]) -> list[list[ShownImage]]:
    """For some photos of each split, one of each group first, their images: real, shams, fakes."""
    return [shown for name in SPLITS for shown in pick_split(splits[name], name, _PHOTOS)]


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


def list_files(dataset: Path) -> list[Path]:
    """What is pushed of a dataset: the card, the papers beside it and the shards the card names.

    Raises:
        DatasetError: the dataset is not built, or not what its card says.
    """
    shards.verify(dataset)
    papers = (dataset / name for name in (shards.CARD_NAME, *shards.PAPERS))
    return [*(path for path in papers if path.is_file()), *shards.list_shards(dataset)]


def push(run: PushSettings, folder: Path, files: Sequence[Path], kind: HubKind) -> Iterator[str]:
    """Push files of a folder as `network.push_folder` does; gives lines for the user as it goes."""
    for file in files:
        yield f"{file.stat().st_size:>12} {file.relative_to(folder)}"
    if run.dry_run:
        yield f"nothing was sent; without --dry_run this goes to {run.repository}"
        return
    place = push_folder(folder, files, run.repository, kind, run.private)
    yield f"pushed       {place}  ({_OPENED[kind].format(run.repository)})"
