"""Real and fake faces that others collected: images, and a table that says what they are.

The table is `metadata.csv` in the folder given. It has the columns path, label (real, fake), set
and licence; perhaps generator, identity, sex, birth_or_age (`b1947`: born 1947) and terms. Real
photos are treated like those of any source. Faces that the table calls fake are stood beside them;
they must be generated whole, not photos of somebody that were altered.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from faceproof.data.inputs.labels import LabelReader
from faceproof.data.inputs.names import normalise
from faceproof.data.sources.photos import (
    SourcePhoto,
    SourceRequest,
    Terms,
    keep_file,
    make_id,
    read_sex,
    read_table,
    read_year,
)
from faceproof.errors import InputError

TABLE = "metadata.csv"
_COLUMNS = ("path", "label", "set", "licence")
_FURTHER = ("generator", "identity", "sex", "birth_or_age", "terms")
_CONSENT = "not asked by us; the set's own licence and notes say on what ground it was collected"
_NOBODY = "shows nobody"
_UNKNOWN = "unknown"

logger = logging.getLogger(__name__)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The images in the order of the table.

    An image that is not there comes as an empty file, so that the build counts it in and drops it
    by reason.

    Raises:
        InputError: no folder with a table, or a table that cannot be used.
    """
    if request.input is None:
        raise InputError("the source collection needs its folder; give --input FOLDER")
    table = request.input / TABLE
    rows = [
        row for row in _read_rows(table, request.labels)
        if request.terms is None or row["terms"] == request.terms
    ]  # fmt: skip
    if not rows:
        raise InputError(f"no row of {table} has the terms {request.terms}")
    for row in rows:
        yield _to_photo(row, request, request.input / row["path"])


def _read_rows(path: Path, labels: LabelReader) -> list[dict[str, str]]:
    rows, seen = [], set[str]()
    for number, line in enumerate(read_table(path, _COLUMNS), 2):
        row = {name: line.get(name, "").strip() for name in (*_COLUMNS, *_FURTHER)}
        row |= {"path": normalise(line["path"]), "label": labels.read(line["label"]) or ""}
        if not all(row[name] for name in ("path", "set", "label")):
            raise InputError(f"line {number} of {path} has no path, set, or label real or fake")
        place = PurePosixPath(row["path"])
        if place.is_absolute() or ".." in place.parts:
            raise InputError(f"line {number} of {path}: {place} leads out of the folder")
        if row["path"] in seen:
            raise InputError(f"line {number} of {path}: {place} comes twice")
        seen.add(row["path"])
        rows.append(row)
    return rows


def _to_photo(row: Mapping[str, str], request: SourceRequest, path: Path) -> SourcePhoto:
    image_id = make_id(row["set"], row["path"])
    if not path.is_file():
        logger.warning("%s is not there", path)
        path = keep_file(request.folder, image_id)
    is_others = row["label"] == "fake"
    return SourcePhoto(
        image_id=image_id,
        identity_id=make_id("person", row["set"], row["identity"] or row["path"]),
        path=path,
        source=row["set"],
        terms=Terms(row["licence"] or _UNKNOWN, _NOBODY if is_others else _CONSENT),
        sex=read_sex(row["sex"]),
        birth_year=read_year(row["birth_or_age"].removeprefix("b")),
        generator=_name_generator(row) if is_others else None,
    )


def _name_generator(row: Mapping[str, str]) -> str:
    """Fit for a method's name: `StyleGAN2-based (part 2)` of a set `x` is `x_stylegan2_based`.

    What stands in brackets is a remark.
    """
    plain = re.sub(r"\(.*?\)", "", row["generator"]) or _UNKNOWN
    return re.sub(r"[^a-z0-9]+", "_", f"{row['set']} {plain}".lower()).strip("_")
