"""What a user points at: a folder, a zip, an image, a pattern, or a dataset here or on the Hub."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Image, IterableDataset, Value

from faceproof.data.inputs.archives import Archive, Truth, list_files, open_archive
from faceproof.data.inputs.labels import LabelReader, is_hidden
from faceproof.data.inputs.names import find_column
from faceproof.data.inputs.walks import ImageFile, list_tables
from faceproof.data.shards import holds_tables
from faceproof.data.sources.hub import (
    HUB_FAILURES,
    class_names,
    open_rows,
    read_bytes,
    say_briefly,
)
from faceproof.data.tables import to_plain_folder
from faceproof.errors import ImageError, InputError
from faceproof.records import SPLITS, Label

logger = logging.getLogger(__name__)

_MAGIC = re.compile(r"[*?[]")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?(:[\w.-]+)?")
_IMAGE, _NAME = "image", "image_id"
_SPLIT = "test"
_PLAIN = LabelReader()

ReadLabel = Callable[[object], Label | None]


@dataclass(frozen=True)
class _Columns:
    """Where a dataset states the label of a row, how it is read, and what it belongs to."""

    label: str | None
    read_label: ReadLabel
    group: str | None


@dataclass(frozen=True)
class ImageStream:
    """Images to be gone through once; what is true of one is known when it was read.

    `count` is None where nobody knows it before the end.
    """

    images: Iterable[ImageFile]
    truth: Mapping[str, Truth]
    count: int | None


def open_stream(place: str, labels: LabelReader = _PLAIN, split: str = _SPLIT) -> ImageStream:
    """The images at a place, and their truth where it is stated.

    Args:
        place: a folder of images or of parquet, a parquet file, a zip, an image, a pattern such
            as `photos/*.jpg`, or `user/name` of a dataset on the Hub with columns `image` and
            perhaps `label`; `@revision` and `:split` may follow. What exists on this machine goes
            first.
        labels: says what words mean real and fake.
        split: of a dataset where none is named.

    Raises:
        InputError: there is nothing, or nothing that can be read.
    """
    if _is_here(place):
        if holds_tables(Path(place)):
            return _open_dataset(place, labels, split)
        return _to_stream(open_archive(Path(place), labels))
    if _MAGIC.search(place):
        return _to_stream(list_files(_match(place), place, labels))
    if _HUB_NAME.fullmatch(place):
        return _open_dataset(place, labels, split)
    raise InputError(f"{place} does not exist; give a folder or a zip of images")


def _is_here(place: str) -> bool:
    try:
        return Path(place).exists()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _match(pattern: str) -> list[Path]:
    root = Path(Path(pattern).anchor)
    try:
        return sorted(root.glob(str(Path(pattern).relative_to(root))))
    except (ValueError, OSError) as error:
        raise InputError(f"{pattern} is no pattern that can be looked for: {error}") from error


def _to_stream(archive: Archive) -> ImageStream:
    return ImageStream(archive.images, archive.truth, len(archive.images))


def _open_dataset(place: str, labels: LabelReader, wanted_split: str) -> ImageStream:
    """The dataset's rows, streamed; nothing is kept of an image that was read."""
    name, revision, split = _divide(place, wanted_split)
    mapping = {"split": split, **({"revision": revision} if revision else {})}
    known = to_plain_folder(Path(place)) if _is_here(place) else (name, None)
    try:
        rows = open_rows(str(known[0]), mapping, known[1])
    except InputError as error:
        raise InputError(f"{place} cannot be opened as a dataset: {error}") from error
    features = rows.features or {}
    rows = _cast_images(rows, name)
    label = find_column(features, "label")
    group = find_column(features, "component") or find_column(features, "identity")
    wanted = [one for one in (_IMAGE, label, _NAME, group) if one in features]
    read_label = _find_labels(class_names(features, label or ""), labels, f"{name}: column {label}")
    truth: dict[str, Truth] = {}
    columns = _Columns(label, read_label, group)
    images = _read_rows(rows.select_columns(wanted), name, split, columns, truth)
    return ImageStream(images, truth, None)


def _divide(place: str, wanted: str) -> tuple[str, str, str]:
    """Name, revision and split."""
    if _is_here(place):
        return place, "", _find_split(Path(place), wanted)
    name, _, split = place.partition(":")
    name, _, revision = name.partition("@")
    return name, revision, split or wanted


def _find_split(folder: Path, wanted: str) -> str:
    """The wanted split where a file is named so, else another, else what the library calls it."""
    files = [folder] if folder.is_file() else list_tables(folder)
    named = (one for one in (wanted, *SPLITS) if any(one in path.name for path in files))
    return next(named, "train")


def _cast_images(rows: IterableDataset, name: str) -> IterableDataset:
    """The rows with images left encoded; a column of plain bytes holds image files too.

    Raises:
        InputError: no column `image` of images.
    """
    features = rows.features or {}
    kind = features.get(_IMAGE)
    if isinstance(kind, Value) and "binary" in kind.dtype:
        return rows.map(
            lambda row: {_IMAGE: {"bytes": row[_IMAGE], "path": None}},
            features=type(features)({**features, _IMAGE: Image(decode=False)}),
        )
    if not isinstance(kind, Image):
        raise InputError(f"{name} has no column {_IMAGE} of images; it has {', '.join(features)}")
    return rows.cast_column(_IMAGE, Image(decode=False))


def _find_labels(names: list[str] | None, labels: LabelReader, where: str) -> ReadLabel:
    """What a stated cell means; None, after one warning, where that is not known."""
    said: set[str] = set()

    def refuse(error: InputError) -> None:
        if not said:
            logger.warning("%s; these images count as unlabelled", error)
        said.add("")

    try:
        read = labels.reader_of(names, where)
    except InputError as error:
        refuse(error)
        return lambda value: None

    def read_or_warn(value: object) -> Label | None:
        try:
            return None if is_hidden(value) else read(value)
        except InputError as error:
            refuse(error)
            return None

    return read_or_warn


def _read_rows(
    rows: IterableDataset,
    name: str,
    split: str,
    columns: _Columns,
    truth: dict[str, Truth],
) -> Iterator[ImageFile]:
    seen: set[str] = set()
    try:
        for number, row in enumerate(rows):
            key = str(row.get(_NAME) or f"{split}/{number}")
            key = f"{key}#{number}" if key in seen else key
            seen.add(key)
            known = columns.read_label(row.get(columns.label)) if columns.label else None
            if known is not None:
                group = row.get(columns.group) if columns.group else None
                truth[key] = Truth(known, key if group in (None, "") else str(group))
            yield ImageFile(key, partial(_read_cell, row[_IMAGE]))
    except HUB_FAILURES as error:
        raise InputError(f"reading {name} broke off: {say_briefly(error)}") from error


def _read_cell(cell: Mapping[str, Any] | None) -> bytes:
    try:
        return read_bytes(cell)
    except HUB_FAILURES as error:
        raise ImageError("unreadable", say_briefly(error)) from error
