"""The released detector: git holds what was trained, make brings what it started from.

The network is CLIP with low-rank adapters merged into it. It is put together once, into a folder
that stock classes open. Where its base is not installed, the small network stands in.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from faceproof.data.assets import CLIP, FOLDER, find_asset
from faceproof.detector.calibration import Decision
from faceproof.errors import ModelError
from faceproof.results import REPOSITORY
from faceproof.storage import hash_file

ADAPTERS = REPOSITORY / "training" / "released"
SMALL = REPOSITORY / "training" / "released_small"
MERGED = REPOSITORY / "build" / "released"
DECISION = "decision.json"  # beside the adapters: limits, blocks, and the hash of their base
MADE_FROM = "made_from"  # in the merged network's config.json: hashes of its parts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """What lies beside adapters: the verdict's limits, and how many blocks their base has."""

    decision: Decision
    blocks: int


def find_released() -> Path:
    """The folder of the released detector, put together if it is not there yet.

    Without the installed base it is the small network's, and a warning says so.

    Raises:
        ModelError: the installed base is another one than the adapters were trained on, or the
            place of the merged network holds something else.
    """
    if not (FOLDER / CLIP).is_file():
        logger.warning("CLIP's weights are not installed: the small detector is used instead")
        return SMALL
    wanted = describe_parts()
    if _read_parts() != wanted:
        # Merging imports what a finished folder does not need.
        from faceproof.detector.merging import merge_adapters  # noqa: PLC0415

        merge_adapters(ADAPTERS, read_stored(ADAPTERS), MERGED, wanted)
    return MERGED


def require_released() -> Path:
    """The folder of the released detector, never the small network's.

    Raises:
        ModelError: its base is not installed; see `find_released`.
    """
    if (place := find_released()) == SMALL:
        raise ModelError("the released detector cannot be put together; run make install")
    return place


def _read_parts() -> object:
    """What the merged network was made from; None where there is none.

    Raises:
        ModelError: another model, or anything else, lies in its place.
    """
    config = MERGED / "config.json"
    if not config.is_file():
        if MERGED.exists() and any(MERGED.iterdir()):
            raise ModelError(f"{MERGED} holds something else than the released detector; move it")
        return None
    parts = json.loads(config.read_text()).get(MADE_FROM)
    if parts is None:
        raise ModelError(f"{MERGED} holds another model than the released detector; move it")
    return parts


def describe_parts() -> dict[str, str]:
    """Hashes of the adapters and of what lies beside them."""
    return {name: hash_file(ADAPTERS / name) for name in ("adapter_model.safetensors", DECISION)}


def describe_stored(stored: Stored) -> str:
    """What is written beside adapters, with the hash of the installed base."""
    described = {"base_sha256": hash_file(find_asset(CLIP)), **asdict(stored)}
    return json.dumps(described, indent=1)


def read_stored(adapters: Path) -> Stored:
    """What was written beside adapters.

    Raises:
        ModelError: their base is not the one that is installed.
    """
    stored = json.loads((adapters / DECISION).read_text())
    if hash_file(FOLDER / CLIP) != stored["base_sha256"]:
        raise ModelError(f"{FOLDER / CLIP} is not what {adapters} was trained on; run make install")
    return Stored(Decision(**stored["decision"]), stored["blocks"])
