"""The released detector: git holds what was trained, `make install` brings what it started from.

The network is CLIP with low-rank adapters merged into it. It is put together once, into a folder
that stock classes open. Where its base is not installed, the small network stands in.
"""

import json
import logging
from dataclasses import asdict
from pathlib import Path

from faceproof.data.assets import CLIP, FOLDER, find_asset
from faceproof.detector.calibration import Decision
from faceproof.errors import ModelError
from faceproof.results import REPOSITORY
from faceproof.storage import hash_file, replacing

ADAPTERS = REPOSITORY / "training" / "released"
SMALL = REPOSITORY / "training" / "released_small"
MERGED = REPOSITORY / "build" / "released"
DECISION = "decision.json"  # of the adapters: the verdict's limits, and the hash of their base
_MADE_FROM = "made_from.json"  # of the merged folder, written last

logger = logging.getLogger(__name__)


def find_released() -> Path:
    """The folder of the released detector, put together if it is not there yet.

    Without the installed base it is the small network's, and a warning says so.

    Raises:
        ModelError: the installed base is another one than the adapters were trained on.
    """
    if not (FOLDER / CLIP).is_file():
        logger.warning("CLIP's weights are not installed: the small detector is used instead")
        return SMALL
    wanted = describe_parts()
    stamp = MERGED / _MADE_FROM
    if not stamp.is_file() or json.loads(stamp.read_text()) != wanted:
        # Merging imports what a finished folder does not need.
        from faceproof.detector.merging import merge_adapters  # noqa: PLC0415

        merge_adapters(ADAPTERS, read_decision(ADAPTERS), MERGED)
        with replacing(stamp) as partial:
            partial.write_text(json.dumps(wanted))
    return MERGED


def describe_parts() -> dict[str, str]:
    """Hashes of the adapters and their decision."""
    return {name: hash_file(ADAPTERS / name) for name in ("adapter_model.safetensors", DECISION)}


def describe_decision(decision: Decision) -> str:
    """The decision as it lies beside the adapters, with the hash of the installed base."""
    stored = {"base_sha256": hash_file(find_asset(CLIP)), "decision": asdict(decision)}
    return json.dumps(stored, indent=1)


def read_decision(adapters: Path) -> Decision:
    """The decision that was stored beside the adapters.

    Raises:
        ModelError: their base is not the one that is installed.
    """
    stored = json.loads((adapters / DECISION).read_text())
    if hash_file(FOLDER / CLIP) != stored["base_sha256"]:
        raise ModelError(f"{FOLDER / CLIP} is not what {adapters} was trained on; run make install")
    return Decision(**stored["decision"])
