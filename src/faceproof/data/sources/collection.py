"""Real and fake faces that others collected: images, and a table that says what they are.

The table is `metadata.csv` in the folder given. It has the columns path, label (real, fake), set
and licence; perhaps generator, identity, sex, birth_or_age (`b1947`: born 1947) and terms. Real
photos are treated like those of any source. Faces that the table calls fake are stood beside them;
they must be generated whole, not photos of somebody that were altered.
"""

import csv
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceproof.data.inputs.labels import LabelReader, is_fake
from faceproof.data.inputs.names import normalise
from faceproof.data.sources.photos import (
    SourcePhoto,
    SourceRequest,
    Terms,
    make_id,
    read_sex,
    read_year,
)
from faceproof.errors import InputError
from faceproof.records import Label
from faceproof.storage import replacing

TABLE = "metadata.csv"
_COLUMNS = ("path", "label", "set", "licence")
_CONSENT = "not asked by us; the set's own licence and notes say on what ground it was collected"
_NOBODY = "shows nobody"
_UNKNOWN = "unknown"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Row:
    """One line of the table."""

    path: str
    label: Label | None
    set: str
    licence: str
    generator: str = ""
    identity: str = ""
    sex: str = ""
    birth_or_age: str = ""
    terms: str = ""


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The images in the order of the table.

    An image that is not there comes as an empty file, so that the build counts it in and drops it
    by reason.

    Raises:
        InputError: no folder with a table, or a table that cannot be used.
    """
    if request.input is None:
        raise InputError("the source collection needs its folder; give --input FOLDER")
    rows = [
        row for row in _read_table(request.input / TABLE, request.labels)
        if request.terms is None or row.terms == request.terms
    ]  # fmt: skip
    if not rows:
        raise InputError(f"no row of {request.input / TABLE} has the terms {request.terms}")
    for row in rows:
        yield _to_photo(row, request)


def _read_table(path: Path, labels: LabelReader) -> list[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            lines = csv.DictReader(source)
            missing = [name for name in _COLUMNS if name not in (lines.fieldnames or ())]
            if missing:
                raise InputError(f"{path} has no column {', '.join(missing)}")
            rows = [_read_row(line, labels) for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not rows:
        raise InputError(f"{path} lists no images")
    seen: set[str] = set()
    for number, row in enumerate(rows, 2):
        if row.label is None or not row.path or not row.set:
            raise InputError(f"line {number} of {path} has no path, set, or label real or fake")
        if _leaves(row.path):
            raise InputError(f"line {number} of {path}: {row.path} leads out of the folder")
        if row.path in seen:
            raise InputError(f"line {number} of {path}: {row.path} comes twice")
        seen.add(row.path)
    return rows


def _read_row(line: Mapping[str, str | None], labels: LabelReader) -> _Row:
    named = [name for name in _Row.__dataclass_fields__ if name not in ("path", "label")]
    entries = {name: (line.get(name) or "").strip() for name in named}
    path, label = normalise(line["path"] or ""), labels.read(line["label"] or "")
    return _Row(path=path, label=label, **entries)


def _leaves(path: str) -> bool:
    parts = PurePosixPath(path)
    return parts.is_absolute() or ".." in parts.parts


def _to_photo(row: _Row, request: SourceRequest) -> SourcePhoto:
    assert request.input is not None
    image_id = make_id(row.set, row.path)
    path = request.input / row.path
    if not path.is_file():
        logger.warning("%s is not there", path)
        path = request.folder / image_id
        with replacing(path) as partial:
            partial.touch()
    is_others = is_fake(row.label)
    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", row.set, row.identity or row.path),
        path=path,
        source=row.set,
        terms=Terms(row.licence or _UNKNOWN, _NOBODY if is_others else _CONSENT),
        sex=read_sex(row.sex),
        birth_year=read_year(row.birth_or_age.removeprefix("b")),
        generator=_name_generator(row) if is_others else None,
    )


def _name_generator(row: _Row) -> str:
    """Fit for a method's name: `StyleGAN2-based (part 2)` of a set `x` is `x_stylegan2_based`.

    What stands in brackets is a remark.
    """
    plain = re.sub(r"\(.*?\)", "", row.generator) or _UNKNOWN
    return re.sub(r"[^a-z0-9]+", "_", f"{row.set} {plain}".lower()).strip("_")
