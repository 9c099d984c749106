"""An image dataset on the Hub, streamed: nothing but the wanted photos is kept.

Which column is what is said as `name=column`: `image=photo identity=person_id`. With `label=kind`
only rows whose label means real are taken (`real=0` says which value that is, where its name or
`--labels` does not); without it all rows count as real.
`split`, `config` and `revision` (a commit, so that the same recipe finds the same rows) say what of
the dataset is read.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
from datasets import Features, Image, IterableDataset, load_dataset_builder
from datasets.exceptions import DatasetsError
from datasets.utils.file_utils import xopen

from faceproof.data.inputs.labels import is_fake, is_hidden, is_same
from faceproof.data.sources.photos import (
    SourcePhoto,
    SourceRequest,
    Terms,
    keep_file,
    make_id,
    read_sex,
    read_year,
)
from faceproof.errors import InputError

_SOURCE = "hub"
_COLUMNS = ("image", "identity", "sex", "birth_year", "label")
_NAMES = (*_COLUMNS, "real", "split", "config", "revision")
_DEFAULTS = {"image": "image", "split": "train"}
# A dataset that is not there, is a script, is damaged, or a Hub that cannot be reached.
HUB_FAILURES = (DatasetsError, ValueError, KeyError, RuntimeError, OSError, httpx2.HTTPError)

logger = logging.getLogger(__name__)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The photos in the dataset's order, each written to the request's folder.

    A row without an image comes as an empty file: the build counts it and drops it by reason.

    Raises:
        InputError: no name, no such dataset, split or column, a mapping that makes no sense, or a
            stream that broke off.
    """
    if request.input is None:
        raise InputError("the source hub needs a dataset; give --input user/name")
    name, mapping = str(request.input), read_mapping(request.columns)
    rows = _choose_columns(open_rows(name, mapping), name, mapping)
    is_real = _find_reals(rows, mapping, request, name)
    if "identity" not in mapping:
        logger.warning("%s: no column names people, so each photo counts as a person", name)
    try:
        for number, row in enumerate(rows):
            if is_real(row):
                yield _copy(f"{name}/{number}", row, mapping, request)
    except HUB_FAILURES as error:
        raise InputError(f"reading {name} from the Hub broke off: {say_briefly(error)}") from error


def read_mapping(columns: Sequence[str]) -> dict[str, str]:
    """The mapping as a table, defaults filled in.

    Raises:
        InputError: an entry that is no `name=column`, or a name that means nothing.
    """
    mapping = dict(_DEFAULTS)
    for entry in columns:
        name, _, column = entry.partition("=")
        if name not in _NAMES or not column:
            raise InputError(f"{entry!r} maps nothing; give name=column, of {', '.join(_NAMES)}")
        mapping[name] = column
    if "real" in mapping and "label" not in mapping:
        raise InputError("real=VALUE is of a column; give label=COLUMN too")
    return mapping


def class_names(features: Mapping[str, Any] | None, column: str) -> list[str] | None:
    """The class names of a column, by code; None where it states none."""
    return getattr((features or {}).get(column), "names", None)


def _find_reals(
    rows: IterableDataset, mapping: Mapping[str, str], request: SourceRequest, name: str
) -> Callable[[Mapping[str, Any]], bool]:
    """Which rows are real: those with the value that `real` gives, else those whose label says so.

    Raises:
        InputError: classes that are not known.
    """
    if "label" not in mapping:
        return lambda row: True
    column, wanted = mapping["label"], mapping.get("real")
    names = class_names(rows.features, column)
    if wanted is None:
        read = request.labels.reader_of(names, f"column {column} of {name}")
        return lambda row: not is_hidden(row[column]) and not is_fake(read(row[column]))

    if not any(is_same(one, wanted) for one in names or ()):
        names = None  # `real` is a code, or the column states no names

    def is_wanted(row: Mapping[str, Any]) -> bool:
        value = row[column]
        named = names[value] if names and isinstance(value, int) and value >= 0 else value
        return is_same(str(named), wanted)

    return is_wanted


def open_rows(
    name: str, mapping: Mapping[str, str], features: Features | None = None
) -> IterableDataset:
    """A dataset's rows as they come; `mapping` names its split, config and revision.

    `features` are those of its columns, where its files do not state them.

    Raises:
        InputError: there is no such dataset or split, or the Hub cannot be reached.
    """
    try:
        builder = load_dataset_builder(
            name, mapping.get("config"), revision=mapping.get("revision"), features=features
        )
        if hasattr(builder.config, "decode_num_threads"):
            builder.config.decode_num_threads = 0  # a folder of images would come decoded
        return builder.as_streaming_dataset(split=mapping["split"])
    except HUB_FAILURES as error:
        raise InputError(f"cannot open {name} on the Hub: {say_briefly(error)}") from error


def _choose_columns(
    rows: IterableDataset, name: str, mapping: Mapping[str, str]
) -> IterableDataset:
    """The mapped columns alone, images left encoded."""
    if rows.features is None:
        raise InputError(
            f"{name} states no types of its columns; only datasets that do can be read"
        )
    wanted = sorted({mapping[key] for key in _COLUMNS if key in mapping})
    missing = ", ".join(column for column in wanted if column not in rows.features)
    if missing:
        raise InputError(f"{name} has no column {missing}; it has {', '.join(rows.features)}")
    if not isinstance(rows.features[mapping["image"]], Image):
        raise InputError(f"column {mapping['image']} of {name} holds no images; give image=COLUMN")
    return rows.select_columns(wanted).cast_column(mapping["image"], Image(decode=False))


def _copy(
    name: str, row: Mapping[str, Any], mapping: Mapping[str, str], request: SourceRequest
) -> SourcePhoto:
    image_id, card = make_id(_SOURCE, name), f"see the card of {request.input}"

    def read_cell(key: str) -> str:
        value = row[mapping[key]] if key in mapping else None
        return "" if value is None else str(value)

    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", str(request.input), read_cell("identity") or name),
        path=keep_file(request.folder, image_id, read_bytes(row[mapping["image"]])),
        source=_SOURCE,
        terms=Terms(card, card),
        sex=read_sex(read_cell("sex")),
        birth_year=read_year(read_cell("birth_year")),
    )


def read_bytes(image: Mapping[str, Any] | None) -> bytes:
    """An image's file: inside the row, or beside it where the dataset is a folder of images."""
    if image is None:
        return b""
    if image["bytes"] is not None:
        return bytes(image["bytes"])
    if "hf://" not in image["path"]:  # a dataset may name files of this machine or its network
        raise ValueError(f"{image['path']} is not on the Hub")
    with xopen(image["path"], "rb") as file:
        return bytes(file.read())


def say_briefly(error: Exception) -> str:
    """An error on one line."""
    return " ".join(str(error).split()) or type(error).__name__
