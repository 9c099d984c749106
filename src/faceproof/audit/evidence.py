"""What the audit looks at: a dataset folder or an archive, and a classifier's predictions."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Image, IterableDataset, load_dataset
from datasets.exceptions import DatasetNotFoundError
from numpy.typing import NDArray

from faceproof.console import progress
from faceproof.data.archives import ImageFile, Truth, open_archive
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.shards import is_dataset
from faceproof.data.tables import image_name
from faceproof.errors import DatasetError, ImageError, InputError
from faceproof.metrics import Labels, Measured, Scores, auroc, measure
from faceproof.records import LABELS, SPLITS, Split

_GROUP_COLUMNS = ("component_id", "identity_id")


@dataclass(frozen=True)
class Evidence:
    """Facts of every image with a known label, row by row; no pixels.

    `names` are paths inside the archive; for a dataset those of the zips it is exported to.
    `groups` and `splits` are None where the data state none.
    """

    names: list[str]
    facts: list[dict[str, float | str]]
    labels: Labels
    groups: list[str] | None
    splits: list[Split] | None

    def group_of_each(self) -> NDArray[np.str_]:
        """Groups for intervals: each image its own where none are stated."""
        return np.asarray(self.names if self.groups is None else self.groups)


@dataclass(frozen=True)
class _Row:
    name: str
    data: bytes
    label: int
    group: str | None
    split: Split | None


def read_evidence(data: Path) -> Evidence:
    """Read a dataset folder (parquet with a card) or an archive with truth.

    Raises:
        DatasetError: the dataset cannot be opened or lacks `image` and `label`.
        InputError: not a folder or zip of images, or one that says nothing of real and fake.
    """
    source = _read_dataset(data) if is_dataset(data) else _read_archive(data)
    rows = [(row, read_file_facts(row.data)) for row in progress(source, "reading files", "images")]
    groups = [row.group for row, _ in rows if row.group is not None]
    splits = [row.split for row, _ in rows if row.split is not None]
    return Evidence(
        names=[row.name for row, _ in rows],
        facts=[facts for _, facts in rows],
        labels=np.array([row.label for row, _ in rows], np.int64),
        groups=groups if len(groups) == len(rows) else None,
        splits=splits if len(splits) == len(rows) else None,
    )


def _read_dataset(folder: Path) -> Iterator[_Row]:
    try:
        splits = load_dataset(str(folder), streaming=True)
    except (DatasetNotFoundError, FileNotFoundError, ValueError) as error:
        raise DatasetError(f"{folder} cannot be opened as a dataset: {error}") from error
    for name, rows in splits.items():
        if not {"image", "label"} <= set(rows.features or ()):
            raise DatasetError(f"{folder}: split {name} needs the columns image and label")
        names = getattr(rows.features["label"], "names", None)
        if names is None or set(names) != set(LABELS):
            raise DatasetError(f"{folder}: split {name} has the labels {names}, not real and fake")
    return (
        row
        for name in SPLITS
        if name in splits
        for row in _to_rows(splits[name].cast_column("image", Image(decode=False)), name)
    )


def _to_rows(rows: IterableDataset, split: Split) -> Iterator[_Row]:
    names = rows.features["label"].names
    for number, row in enumerate(rows):
        name = image_name(row["image_id"]) if row.get("image_id") else f"{split}-{number}"
        group = next((row[column] for column in _GROUP_COLUMNS if row.get(column)), None)
        label = LABELS.index(names[row["label"]])
        yield _Row(name, row["image"]["bytes"], label, group, split)


def _read_archive(path: Path) -> Iterator[_Row]:
    archive = open_archive(path)
    if not archive.truth:
        raise InputError(
            f"{path} does not say what is real and fake; add folders real/ and fake/ or labels.csv"
        )
    known = [image for image in archive.images if image.name in archive.truth]
    return (_to_row(image, archive.truth[image.name]) for image in known)


def _to_row(image: ImageFile, truth: Truth) -> _Row:
    try:
        data = image.read()
    except ImageError:
        data = b""
    group = None if truth.group == image.name else truth.group
    return _Row(image.name, data, LABELS.index(truth.label), group, None)


def measure_classifier(predictions: Path, evidence: Evidence, seed: int) -> Measured:
    """AUROC of the classifier on those images of the evidence that it scored.

    Raises:
        InputError: no such CSV, not a predictions CSV, or none of its images is in the data.
        MetricError: the scored images are of one class or one group.
    """
    scores_by_name = _read_scores(predictions)
    known = [row for row, name in enumerate(evidence.names) if name in scores_by_name]
    if not known:
        raise InputError(
            f"none of the images in {predictions} is in the data; give the data it was made on"
        )
    labels = evidence.labels[known]
    scores: Scores = np.array([scores_by_name[evidence.names[row]] for row in known])
    groups = evidence.group_of_each()[known]
    return measure(lambda rows: auroc(labels[rows], scores[rows]), groups, seed)


def _read_scores(predictions: Path) -> dict[str, float]:
    try:
        with predictions.open(encoding="utf-8", newline="") as source:
            rows = csv.DictReader(source)
            if not {"image", "score"} <= set(rows.fieldnames or ()):
                raise InputError(
                    f"{predictions} needs the columns image and score; make it with predict.py"
                )
            return {row["image"]: float(row["score"]) for row in rows if row["score"]}
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read predictions {predictions}: {error}") from error
