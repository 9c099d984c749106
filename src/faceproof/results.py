"""Result files: named numbers with the command, commit, seed and versions that made them."""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from faceproof.errors import InputError
from faceproof.metrics import Measured
from faceproof.storage import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Size = Literal["sample", "full"]
Scalar = float | int | str | bool | None

REPOSITORY = Path(__file__).resolve().parents[2]
_VERSIONED = (
    "accelerate", "datasets", "evaluate", "huggingface-hub", "numpy", "opencv-python-headless",
    "pandas", "pillow", "pyarrow", "scikit-learn", "torch", "transformers",
)  # fmt: skip
# What a run itself rewrites does not make the code that ran "dirty".
_WRITTEN_BY_RUNS = (":(exclude)*.json*", ":(exclude)*.md", ":(exclude)*.png", ":(exclude)*.csv")


@dataclass(frozen=True)
class Run:
    """What made the numbers: its settings, its inputs by fingerprint, and where it ran.

    Seed and size are those of the settings; settings without a seed drew nothing.
    """

    settings: "DataclassInstance | Mapping[str, object]"
    inputs: Mapping[str, str] = field(default_factory=dict)
    place: str = "this machine"
    device: str = "cpu"  # that computed

    def stated(self) -> Mapping[str, object]:
        """The settings by name."""
        return self.settings if isinstance(self.settings, Mapping) else asdict(self.settings)


@dataclass(frozen=True)
class ResultFile:
    """A result file as read back."""

    values: Mapping[str, Scalar]
    provenance: Mapping[str, object]
    size: str


def write(path: Path, values: Mapping[str, Measured | Scalar], run: Run) -> None:
    """Write `values`, `provenance` and `size` to `path`, whole or not at all.

    A measured value `x` becomes `x`, `x_n`, `x_low` and `x_high`.
    """
    document = {
        "values": _flatten(values),
        "provenance": _describe(run),
        "size": run.stated().get("size", "sample"),
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
    commit, is_dirty = read_commit()
    return {
        "command": " ".join(["python", *(_relative(word) for word in sys.argv)]),
        "settings": {name: _record(value) for name, value in run.stated().items()},
        "commit": commit,
        "dirty": is_dirty,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": run.stated().get("seed"),
        "device": run.device,
        "place": run.place,
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _VERSIONED},
        "inputs": dict(run.inputs),
    }


def read_commit() -> tuple[str, bool]:
    """The commit of the code that runs, and True where its files were changed since."""
    commit = _git("rev-parse", "HEAD") or "not a git checkout"
    return commit, bool(_git("status", "--porcelain", "--", ".", *_WRITTEN_BY_RUNS))


def _record(setting: object) -> object:
    return _relative(str(setting)) if isinstance(setting, str | Path) else setting


def _relative(word: str) -> str:
    """Paths inside the working folder lose its prefix, others all but their name."""
    if not word.startswith("/"):
        return word
    path = Path(word)
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
