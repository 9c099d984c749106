"""What a user points at: a folder, a zip, a pattern of files, or a dataset on the Hub."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Image, IterableDataset

from faceproof.data.archives import Archive, ImageFile, Truth, list_files, open_archive
from faceproof.data.sources.hub import HUB_FAILURES, open_rows, read_bytes, say_briefly
from faceproof.errors import ImageError, InputError
from faceproof.records import LABELS, Label

_MAGIC = re.compile(r"[*?[]")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?(:[\w.-]+)?")
_IMAGE, _LABEL, _NAME, _GROUP = "image", "label", "image_id", "component_id"
_SPLIT = "test"


@dataclass(frozen=True)
class ImageStream:
    """Images to be gone through once; what is true of one is known when it was read.

    `count` is None where nobody knows it before the end.
    """

    images: Iterable[ImageFile]
    truth: Mapping[str, Truth]
    count: int | None


def open_stream(place: str) -> ImageStream:
    """The images at a place, and their truth where it is stated.

    Args:
        place: a folder, a zip, a pattern such as `photos/*.jpg`, or `user/name` of a dataset on the
            Hub with columns `image` and perhaps `label`; `@revision` and `:split` (else `test`) may
            follow. What exists on this machine goes first.

    Raises:
        InputError: there is nothing, or nothing that can be read.
    """
    if _is_here(place):
        return _to_stream(open_archive(Path(place)))
    if _MAGIC.search(place):
        return _to_stream(list_files(_match(place), place))
    if _HUB_NAME.fullmatch(place):
        return _open_hub(place)
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


def _open_hub(place: str) -> ImageStream:
    """The dataset's rows, streamed; nothing is kept of an image that was read."""
    name, _, split = place.partition(":")
    name, _, revision = name.partition("@")
    mapping = {"split": split or _SPLIT, **({"revision": revision} if revision else {})}
    try:
        rows = open_rows(name, mapping)
    except InputError as error:
        raise InputError(f"{place} is neither here nor on the Hub: {error}") from error
    features = rows.features or {}
    if not isinstance(features.get(_IMAGE), Image):
        raise InputError(f"{name} has no column {_IMAGE} of images; it has {', '.join(features)}")
    wanted = [one for one in (_IMAGE, _LABEL, _NAME, _GROUP) if one in features]
    encoded = rows.select_columns(wanted).cast_column(_IMAGE, Image(decode=False))
    truth: dict[str, Truth] = {}
    label_names = getattr(features.get(_LABEL), "names", None) or ()
    return ImageStream(_read_rows(encoded, name, mapping["split"], label_names, truth), truth, None)


def _read_rows(
    rows: IterableDataset,
    name: str,
    split: str,
    label_names: tuple[str, ...],
    truth: dict[str, Truth],
) -> Iterator[ImageFile]:
    seen: set[str] = set()
    try:
        for number, row in enumerate(rows):
            key = str(row.get(_NAME) or f"{split}/{number}")
            key = f"{key}#{number}" if key in seen else key
            seen.add(key)
            label = _to_label(row.get(_LABEL), label_names)
            if label is not None:
                truth[key] = Truth(label, str(row.get(_GROUP) or key))
            yield ImageFile(key, partial(_read_cell, row[_IMAGE]))
    except HUB_FAILURES as error:
        raise InputError(f"reading {name} from the Hub broke off: {say_briefly(error)}") from error


def _read_cell(cell: Mapping[str, Any] | None) -> bytes:
    try:
        return read_bytes(cell)
    except HUB_FAILURES as error:
        raise ImageError("unreadable", say_briefly(error)) from error


def _to_label(value: object, names: Sequence[str]) -> Label | None:
    """Of a class number or of text; None where it is hidden (-1, null) or says something else."""
    if isinstance(value, int) and 0 <= value < len(names):
        value = names[value]
    return next((label for label in LABELS if label == str(value).lower()), None)
