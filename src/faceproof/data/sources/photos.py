"""What every source gives: a photo's file, whose face it is, and where it came from."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SourcePhoto:
    """One real photo before anything was done to it."""

    image_id: str
    identity_id: str
    path: Path
    source: str


def make_id(source: str, *names: str) -> str:
    """An id that says nothing but its source: file names must not tell real from fake."""
    return f"{source}-{hashlib.sha256('/'.join(names).encode()).hexdigest()[:12]}"
