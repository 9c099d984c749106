"""Result files: named numbers with the command, commit, seed and versions that made them."""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from faceproof.errors import InputError
from faceproof.storage import replacing

Size = Literal["sample", "full"]
Scalar = float | int | str | bool | None

_VERSIONED = (
    "accelerate", "datasets", "evaluate", "huggingface-hub", "numpy", "opencv-python-headless",
    "pandas", "pillow", "pyarrow", "scikit-learn", "torch", "transformers",
)  # fmt: skip
# What a run itself rewrites does not make the code that ran "dirty".
_WRITTEN_BY_RUNS = (":(exclude)*.json", ":(exclude)*.md", ":(exclude)*.png", ":(exclude)*.csv")


@dataclass(frozen=True)
class Measured:
    """A number with its count and 95 % interval; flattened to x, x_n, x_low, x_high."""

    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class Run:
    """What made the numbers: settings and seed, sample or full, inputs by fingerprint."""

    settings: Mapping[str, object]
    seed: int
    size: Size
    inputs: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"


@dataclass(frozen=True)
class ResultFile:
    """A result file as read back."""

    values: Mapping[str, Scalar]
    provenance: Mapping[str, object]
    size: str


def write(path: Path, values: Mapping[str, Measured | Scalar], run: Run) -> None:
    """Write `values`, `provenance` and `size` to `path`, whole or not at all."""
    document = {
        "values": _flatten(values),
        "provenance": _describe(run),
        "size": run.size,
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> ResultFile:
    """Read a result file.

    Raises:
        InputError: the file is missing or is not a result file.
    """
    try:
        document = json.loads(path.read_text())
        return ResultFile(document["values"], document["provenance"], document["size"])
    except FileNotFoundError as error:
        raise InputError(f"no result file at {path}; run `make results` to make it") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a result file ({error}); run `make results`") from error


def _flatten(values: Mapping[str, Measured | Scalar]) -> dict[str, Scalar]:
    flat: dict[str, Scalar] = {}
    for name, value in values.items():
        if isinstance(value, Measured):
            flat[name] = round(value.value, 6)
            flat[f"{name}_n"] = value.n
            flat[f"{name}_low"] = round(value.low, 6)
            flat[f"{name}_high"] = round(value.high, 6)
        else:
            flat[name] = round(value, 6) if isinstance(value, float) else value
    return flat


def _describe(run: Run) -> dict[str, object]:
    commit = _git("rev-parse", "HEAD") or "not a git checkout"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_WRITTEN_BY_RUNS)
    return {
        "command": " ".join(["python", *(_relative(word) for word in sys.argv)]),
        "settings": {name: _relative(str(value)) for name, value in run.settings.items()},
        "commit": commit,
        "dirty": bool(changed),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": run.seed,
        "device": run.device,
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _VERSIONED},
        "inputs": dict(run.inputs),
    }


def _relative(word: str) -> str:
    """Paths inside the working folder lose its prefix, others all but their name."""
    if not word.startswith("/"):
        return word
    path = Path(word)
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
