"""Checkpoints of a training run: whose they are, where to go on, when they go."""

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from faceproof.storage import fresh_folder, is_ours, reopen_folder, replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

logger = logging.getLogger(__name__)

_MADE_FROM = "made_from.json"
_CHECKPOINTS, _WRITTEN_LAST = "checkpoint-*", "trainer_state.json"  # the Trainer's own names


def describe(run: "DataclassInstance", fingerprint: str, processes: int) -> str:
    """What decides a run: its settings but for places, the data, the processes."""
    settings = {name: value for name, value in asdict(run).items() if not isinstance(value, Path)}
    document = {**settings, "fingerprint": fingerprint, "processes": processes}
    return json.dumps(document, sort_keys=True)


def find(work: Path, made_from: str) -> Path | None:
    """The last whole checkpoint of the same run, if it was stopped before its end."""
    claimed = work / _MADE_FROM
    if not claimed.is_file() or claimed.read_text() != made_from:
        return None
    whole = [one.parent for one in work.glob(f"{_CHECKPOINTS}/{_WRITTEN_LAST}")]
    return max(whole, key=lambda one: int(one.name.rpartition("-")[2]), default=None)


def claim(work: Path, made_from: str, checkpoint: Path | None) -> None:
    """Clear what another run left; say whose checkpoints these will be."""
    if checkpoint is not None:
        logger.info("going on from %s", checkpoint)
        reopen_folder(work)
        return
    fresh_folder(work)
    with replacing(work / _MADE_FROM) as partial:
        partial.write_text(made_from)


def finish(work: Path) -> None:
    """Drop the checkpoints of a run whose results are written: the next one starts afresh."""
    if not is_ours(work):
        return
    (work / _MADE_FROM).unlink(missing_ok=True)
    for checkpoint in work.glob(_CHECKPOINTS):
        shutil.rmtree(checkpoint)
