"""What every source is asked and gives: photos, whose faces they are, where they came from."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceproof.data.inputs.labels import LabelReader
from faceproof.errors import InputError
from faceproof.records import Sex
from faceproof.storage import replacing

_SEXES: Mapping[str, Sex] = {"f": "female", "female": "female", "m": "male", "male": "male"}
_FIRST_YEAR, _LAST_YEAR = 1750, 2100  # the first photos of people were taken around 1840


@dataclass(frozen=True)
class SourceRequest:
    """What a build asks of its source.

    `input` is what the user gave, `folder` receives files that have no place of their own, and at
    most `limit` photos are wanted. `columns` says what the columns of a table mean; of a collection
    only rows of certain `terms` may be wanted. `labels` reads what a source calls real and fake.
    """

    input: Path | None
    folder: Path
    limit: int | None = None
    columns: tuple[str, ...] = ()
    terms: str | None = None
    labels: LabelReader = field(default_factory=LabelReader)


@dataclass(frozen=True)
class Terms:
    """Under what a photo may be used, and on what ground its face."""

    licence: str
    consent: str


@dataclass(frozen=True)
class SourcePhoto:
    """One photo before anything was done to it; sex and birth year where the source says.

    `generator` names what made a face that its source calls fake, and is None for a photo.
    """

    image_id: str
    identity_id: str
    path: Path
    source: str
    terms: Terms = Terms(licence="unknown", consent="unknown")
    sex: Sex = "unknown"
    birth_year: int | None = None
    generator: str | None = None


def read_sex(text: str) -> Sex:
    """What a table says of a person's sex: f, female, m or male in any case, else unknown."""
    return _SEXES.get(text.strip().lower(), "unknown")


def read_year(text: str) -> int | None:
    """A year of birth, None where the text states none that a photographed person can have."""
    year = text.strip()
    is_year = year.isascii() and year.isdecimal() and _FIRST_YEAR <= int(year[:5]) <= _LAST_YEAR
    return int(year) if is_year else None


def make_id(source: str, *names: str) -> str:
    """An id that says nothing but its source: file names must not tell real from fake."""
    return f"{source}-{hashlib.sha256('/'.join(names).encode()).hexdigest()[:12]}"


def keep_file(folder: Path, image_id: str, data: bytes = b"") -> Path:
    """Write a photo's file; one of no bytes is counted in by the build and dropped by reason."""
    with replacing(folder / image_id) as partial:
        partial.write_bytes(data)
    return folder / image_id


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV, empty where a row is short.

    Raises:
        InputError: it cannot be read, lacks one of the columns, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            lines = csv.DictReader(source)
            missing = [name for name in columns if name not in (lines.fieldnames or ())]
            if missing:
                raise InputError(f"{path} has no column {', '.join(missing)}")
            rows = [{name: line[name] or "" for name in lines.fieldnames or ()} for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not rows:
        raise InputError(f"{path} lists no images")
    return rows
