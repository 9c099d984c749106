"""An image dataset on the Hub, streamed: nothing but the wanted photos is kept.

Which column is what is said as `name=column`: `image=photo identity=person_id`. With `label=kind`
and `real=0` only rows whose label is that value are taken; without them all rows count as real.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from datasets import Image, IterableDataset, load_dataset
from datasets.exceptions import DatasetNotFoundError

from faceproof.data.sources.photos import SourcePhoto, SourceRequest, Terms, make_id
from faceproof.errors import InputError
from faceproof.records import Sex
from faceproof.storage import replacing

_SOURCE = "hub"
_NAMES = ("image", "identity", "sex", "birth_year", "label", "real", "split", "config")
_SEXES: Mapping[str, Sex] = {"f": "female", "female": "female", "m": "male", "male": "male"}
_DEFAULTS = {"image": "image", "split": "train"}

logger = logging.getLogger(__name__)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The photos in the dataset's order, each written to the request's folder.

    Raises:
        InputError: no name, no such dataset, split or column, or a mapping that makes no sense.
    """
    if request.input is None:
        raise InputError("the source hub needs a dataset; give --input user/name")
    name, mapping = str(request.input), read_mapping(request.columns)
    rows = _open(name, mapping)
    known = rows.features or {}
    wanted = {
        key: column for key, column in mapping.items() if key not in ("real", "split", "config")
    }
    missing = sorted(set(wanted.values()) - set(known))
    if missing:
        raise InputError(f"{name} has no column {', '.join(missing)}; it has {', '.join(known)}")
    if not isinstance(known[mapping["image"]], Image):
        raise InputError(f"column {mapping['image']} of {name} holds no images; give image=COLUMN")
    rows = rows.select_columns(sorted(set(wanted.values())))
    rows = rows.cast_column(mapping["image"], Image(decode=False))
    terms = Terms(f"see the card of {name}", f"see the card of {name}")
    chosen = ((number, row) for number, row in enumerate(rows) if _is_real(row, mapping))
    for number, row in islice(chosen, request.limit):
        yield _copy(f"{name}/{number}", row, mapping, terms, request)


def read_mapping(columns: Sequence[str]) -> dict[str, str]:
    """The mapping as a table, defaults filled in.

    Raises:
        InputError: an entry that is no `name=column`, or a name that means nothing.
    """
    mapping = dict(_DEFAULTS)
    for entry in columns:
        name, _, column = entry.partition("=")
        if name not in _NAMES or not column:
            raise InputError(
                f"{entry!r} maps nothing; give name=column, names: {', '.join(_NAMES)}"
            )
        mapping[name] = column
    if ("label" in mapping) != ("real" in mapping):
        raise InputError("give label=COLUMN and real=VALUE together, or neither")
    return mapping


def _open(name: str, mapping: Mapping[str, str]) -> IterableDataset:
    try:
        return load_dataset(name, mapping.get("config"), split=mapping["split"], streaming=True)
    except (DatasetNotFoundError, ValueError, KeyError, OSError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"cannot open {name} on the Hub: {said}") from error


def _is_real(row: Mapping[str, Any], mapping: Mapping[str, str]) -> bool:
    return "label" not in mapping or str(row[mapping["label"]]) == mapping["real"]


def _copy(
    name: str,
    row: Mapping[str, Any],
    mapping: Mapping[str, str],
    terms: Terms,
    request: SourceRequest,
) -> SourcePhoto:
    image_id = make_id(_SOURCE, name)
    path = request.folder / image_id
    image = row[mapping["image"]] or {}
    if image.get("bytes") is None:
        logger.warning("%s holds no image bytes", name)
    with replacing(path) as partial:
        partial.write_bytes(image.get("bytes") or b"")
    person = str(row[mapping["identity"]]) if "identity" in mapping else name
    year = str(row[mapping["birth_year"]]) if "birth_year" in mapping else ""
    sex = str(row[mapping["sex"]]).lower() if "sex" in mapping else ""
    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", str(request.input), person),
        path=path,
        source=_SOURCE,
        terms=terms,
        sex=_SEXES.get(sex, "unknown"),
        birth_year=int(year) if year.isdigit() else None,
    )
