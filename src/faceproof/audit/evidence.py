"""What the audit looks at: images with known truth, and what the data state about each."""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict, Image, load_dataset
from datasets.config import HF_DATASETS_CACHE
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub.constants import HF_HUB_CACHE
from numpy.typing import NDArray

from faceproof.data.images import Pixels, decode
from faceproof.data.inputs.archives import Archive, open_archive
from faceproof.data.inputs.labels import LabelReader, code_of, is_hidden
from faceproof.data.inputs.names import find_column
from faceproof.data.shards import holds_tables
from faceproof.data.sources.hub import HUB_FAILURES, say_briefly
from faceproof.data.splits import read_split
from faceproof.data.tables import image_name, to_plain_folder
from faceproof.errors import DatasetError, ImageError, InputError
from faceproof.metrics import Labels, Rows
from faceproof.records import Label

logger = logging.getLogger(__name__)

_STATED = (
    "image_id", "pair_id", "component_id", "identity_id", "parent_ids", "role", "family", "method",
    "source", "sex", "age_band", "skin_tone",
)  # fmt: skip
_GROUP_COLUMNS = ("component_id", "identity_id", "pair_id")
_PLAIN = LabelReader()


@dataclass(frozen=True)
class Evidence:
    """Images with known truth.

    `table` has a row for each: `name` (path inside the archive; for a dataset that in the zips it
    is exported to), `label` (0 real, 1 fake), and those of split, image_id, pair_id, component_id,
    identity_id, parent_ids, role, family, method, source and subgroup columns that the data state.
    `read` gives the encoded image of a row, `read_mask` that of its mask, None where it has none.
    """

    table: pd.DataFrame
    read: Callable[[int], bytes]
    read_mask: Callable[[int], bytes | None]

    @cached_property
    def labels(self) -> Labels:
        """0 real, 1 fake, shape (N,)."""
        return np.asarray(self.table["label"], np.int64)

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        """What ties images that are not independent; each its own where nothing is stated."""
        named = next((one for one in _GROUP_COLUMNS if one in self.table), "name")
        stated = np.asarray(self.table[named], np.str_)
        return np.where(stated == "", np.asarray(self.table["name"], np.str_), stated)

    @cached_property
    def audited(self) -> Rows:
        """The rows whose numbers are in question.

        Those of test, else of validation, else what is not train, else all.
        """
        for split in ("test", "validation"):
            if len(rows := self.rows_of(split)):
                return rows
        unseen = np.setdiff1d(np.arange(len(self.table)), self.rows_of("train"))
        return unseen if len(unseen) else np.arange(len(self.table))

    def rows_of(self, split: str) -> Rows:
        """The rows of a split; none where the data state no splits."""
        if "split" not in self.table:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.table["split"] == split)

    def picture(self, row: int) -> Pixels:
        """The decoded image of a row, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: it cannot be decoded.
        """
        return decode(self.read(row))


def read_evidence(data: str, columns: Sequence[str] = (), labels: LabelReader = _PLAIN) -> Evidence:
    """Open a dataset folder or Hub dataset, or a folder or zip of images with truth.

    Args:
        data: where; what exists on this machine goes first.
        columns: further columns that name subgroups.
        labels: says what words mean real and fake.

    Raises:
        DatasetError: the dataset cannot be opened or lacks `image` and `label`.
        InputError: not a folder or zip of images, or one that says nothing of real and fake.
    """
    place = Path(data)
    if place.exists() and not holds_tables(place):
        if columns:
            raise InputError(f"{data} has no column {columns[0]}: it is a folder or zip of images")
        return _open_archive(place, labels)
    if not place.exists() and data.count("/") != 1:
        raise InputError(f"{data} does not exist; give a dataset, or a folder or zip of images")
    return gather(_open_splits(data), data, columns, labels)


def gather(
    splits: Mapping[str, Dataset], place: str, columns: Sequence[str] = (),
    labels: LabelReader = _PLAIN,
) -> Evidence:  # fmt: skip
    """Evidence from the splits of a dataset with columns `image` and `label`.

    Raises:
        DatasetError: a split lacks them.
        InputError: labels that are not known to mean real or fake.
    """
    names = sorted(splits, key=lambda name: (read_split(name) is None, name))
    known = {
        name: _find_known(splits[name], f"{place}: split {name}", labels) for name in names
    }  # fmt: skip
    encoded = [_encode(splits[name]).select(list(known[name])) for name in names]
    table = pd.concat(
        [
            _state_rows(rows, name, known[name], columns)
            for name, rows in zip(names, encoded, strict=True)
        ],
        ignore_index=True,
    )
    starts = np.cumsum([0, *(len(rows) for rows in encoded)])

    cached = Path(HF_HUB_CACHE) / f"datasets--{place.replace('/', '--')}"
    folders = (Path(place), cached, Path(HF_DATASETS_CACHE))

    def cell(row: int, column: str) -> dict[str, Any] | None:
        part = int(np.searchsorted(starts, row, side="right")) - 1
        found: dict[str, Any] | None = encoded[part][int(row - starts[part])].get(column)
        return found

    def read(row: int) -> bytes:
        return _read_cell(cell(row, "image"), folders)

    def read_mask(row: int) -> bytes | None:
        mask = cell(row, "mask")
        return bytes(mask["bytes"]) if mask and mask["bytes"] else None

    return Evidence(table, read, read_mask)


def _read_cell(image: Mapping[str, Any] | None, folders: Sequence[Path]) -> bytes:
    """The file of an image: inside the row, or one that lies in the dataset's folders.

    A dataset may name any file of this machine; only links that lie in those folders are followed.

    Raises:
        ImageError: the row names a file elsewhere, or one that cannot be read.
    """
    if image is None or image["bytes"] is not None or not image["path"]:
        return bytes(image["bytes"] or b"") if image else b""
    path = Path(os.path.abspath(image["path"]))  # noqa: PTH100  # `..` goes, links stay
    if not any(path.is_relative_to(one.absolute()) for one in folders):
        raise ImageError("unreadable", f"{image['path']!r} is not part of the dataset")
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ImageError("unreadable", say_briefly(error)) from error


def _open_splits(place: str) -> DatasetDict:
    # A folder is read anew: the library's cache goes by the card's text, not by what lies there.
    fresh = tempfile.mkdtemp(prefix="faceproof-") if Path(place).exists() else None
    if fresh is not None:
        atexit.register(shutil.rmtree, fresh, ignore_errors=True)
    source, features = (place, None) if fresh is None else to_plain_folder(Path(place))
    try:
        return load_dataset(str(source), cache_dir=fresh, features=features)
    except (DatasetNotFoundError, FileNotFoundError, ValueError, *HUB_FAILURES) as error:
        raise DatasetError(
            f"{place} cannot be opened as a dataset: {say_briefly(error)}"
        ) from error


def _encode(rows: Dataset) -> Dataset:
    for column in ("image", "mask"):
        if isinstance((rows.features or {}).get(column), Image):
            rows = rows.cast_column(column, Image(decode=False))
    return rows


def _find_known(rows: Dataset, where: str, labels: LabelReader) -> dict[int, Label]:
    """The label of each row; rows whose label is hidden, as in some benchmarks' tests, go."""
    features = rows.features or {}
    column = find_column(features, "label")
    if "image" not in features or column is None:
        raise DatasetError(
            f"{where} needs the columns image and label; it has {', '.join(features)}"
        )
    if not isinstance(features["image"], Image):
        raise DatasetError(f"{where} has a column image that holds no images")
    names = getattr(features[column], "names", None)
    read = labels.reader_of(names, f"{where}: column {column}")
    known = {row: read(value) for row, value in enumerate(rows[column]) if not is_hidden(value)}
    if len(known) < len(rows):
        logger.warning("%d images have a hidden label and are left out", len(rows) - len(known))
    return known


def _state_rows(
    rows: Dataset, split: str, labels: Mapping[int, Label], columns: Sequence[str]
) -> pd.DataFrame:
    """What is stated of some rows; their numbers in the split are what predict names them by."""
    stated = [one for one in dict.fromkeys((*_STATED, *columns)) if one in (rows.features or {})]
    missing = [one for one in columns if one not in stated]
    if missing:
        raise DatasetError(f"split {split} has no column {', '.join(missing)}")
    frame = pd.DataFrame(index=range(len(rows)))
    if stated:
        frame = rows.select_columns(stated).to_pandas()
    frame.insert(0, "label", [code_of(label) for label in labels.values()])
    if "role" in stated and hasattr(rows.features["role"], "names"):
        roles = rows.features["role"].names
        frame["role"] = [roles[code] for code in frame["role"]]
    for column in stated:
        frame[column] = pd.Series([_state(value) for value in frame[column]], dtype=object)
    named = frame["image_id"].map(image_name) if "image_id" in stated else None
    frame["name"] = [f"{split}/{number}" for number in labels] if named is None else named
    frame["split"] = read_split(split) or split
    return frame


def _state(value: object) -> object:
    """Text, or a list of texts; empty where nothing is stated."""
    if isinstance(value, list | tuple | np.ndarray):
        return [str(one) for one in value]
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  # not a number


def _open_archive(path: Path, labels: LabelReader) -> Evidence:
    archive = open_archive(path, labels)
    if not archive.truth:
        raise InputError(
            f"{path} does not say what is real and fake; add folders real/ and fake/ or labels.csv"
        )
    return _gather_archive(archive)


def _gather_archive(archive: Archive) -> Evidence:
    known = [image for image in archive.images if image.name in archive.truth]
    truth = [archive.truth[image.name] for image in known]
    table = pd.DataFrame(
        {
            "name": [image.name for image in known],
            "label": [code_of(one.label) for one in truth],
        }
    )
    if any(one.group != image.name for one, image in zip(truth, known, strict=True)):
        table["component_id"] = [one.group for one in truth]

    def read(row: int) -> bytes:
        return known[row].read()

    return Evidence(table, read, lambda row: None)


def read_bytes(evidence: Evidence, row: int) -> bytes:
    """The encoded image of a row; none where it cannot be read."""
    try:
        return evidence.read(row)
    except ImageError:
        return b""
