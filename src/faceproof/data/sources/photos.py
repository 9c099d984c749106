"""What every source is asked and gives: photos, whose faces they are, where they came from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from faceproof.records import Sex


@dataclass(frozen=True)
class SourceRequest:
    """What a build asks of its source.

    `input` is what the user gave, `folder` receives files that have no place of their own, and at
    most `limit` photos are wanted. `columns` says what the columns of a table mean.
    """

    input: Path | None
    folder: Path
    limit: int | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """Under what a photo may be used, and on what ground its face."""

    licence: str
    consent: str


@dataclass(frozen=True)
class SourcePhoto:
    """One real photo before anything was done to it; sex and birth year where the source says."""

    image_id: str
    identity_id: str
    path: Path
    source: str
    terms: Terms = Terms(licence="unknown", consent="unknown")
    sex: Sex = "unknown"
    birth_year: int | None = None


def make_id(source: str, *names: str) -> str:
    """An id that says nothing but its source: file names must not tell real from fake."""
    return f"{source}-{hashlib.sha256('/'.join(names).encode()).hexdigest()[:12]}"
