"""What we hand to people: the mini-dataset as a zip, and the test photos as a blind archive."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from datasets import Dataset

from faceproof.data.inputs.archives import TRUTH_NAME, write_zip
from faceproof.data.tables import image_name, to_frame
from faceproof.records import LABELS, SPLITS


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
