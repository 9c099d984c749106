"""Checkpoints of a training run: whose they are, where to go on, when they go."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from faceproof.errors import SettingsError
from faceproof.storage import claim_folder, replacing
from faceproof.training.settings import Arguments

logger = logging.getLogger(__name__)

_MADE_FROM = "_made_from.json"
_CHECKPOINTS, _WRITTEN_LAST = "checkpoint-*", "trainer_state.json"  # the Trainer's own names
_LAST = ("true", "last")
_LENGTH = ("num_train_epochs", "max_steps")  # a run may be extended
_FINISHED = "finished"
# Places, and what is written, sent or said beside the training: a run stays the same.
_BESIDE = (
    "output_dir", "dataset", "store", "view", "cache_dir", "resume_from_",
    "log", "report_to", "run_name", "project", "trackio", "disable_tqdm", "save_total_limit",
    "push_to_hub", "hub_", "size", "read_test", "error_rate", "save_dtype",
)  # fmt: skip


def describe(run: Arguments, fingerprint: str, processes: int) -> dict[str, object]:
    """What decides a run: its settings but for places, the data, the processes."""
    stated = {name: value for name, value in run.record().items() if not name.startswith(_BESIDE)}
    return {**stated, "fingerprint": fingerprint, "processes": processes}


def find_start(run: Arguments, made_from: Mapping[str, object]) -> Path | None:
    """The checkpoint to go on from: the one that is asked for, else the run's own last one.

    A run goes on where it was stopped, or where it ended if it is to be longer now.

    Raises:
        SettingsError: what is asked for is no checkpoint.
    """
    asked = run.training.resume_from_checkpoint
    if asked is None or asked.lower() == "false":
        last = _find_last(run.output_dir)
        return last if last and _is_unfinished(run, made_from, last) else None
    found = _find_last(run.output_dir) if asked.lower() in _LAST else Path(asked)
    if found is None or not (found / _WRITTEN_LAST).is_file():
        place = run.output_dir if found is None else found
        raise SettingsError(f"resume_from_checkpoint: there is no whole checkpoint in {place}")
    return found


def _find_last(folder: Path) -> Path | None:
    whole = [one.parent for one in folder.glob(f"{_CHECKPOINTS}/{_WRITTEN_LAST}")]
    return max(whole, key=lambda one: int(one.name.rpartition("-")[2]), default=None)


def _is_unfinished(run: Arguments, made_from: Mapping[str, object], last: Path) -> bool:
    """Whether that is a checkpoint of this very run, or of a shorter one, before its end."""
    place = run.output_dir / _MADE_FROM
    if not place.is_file():
        return False
    before = json.loads(place.read_text())
    was_ended, now = before.pop(_FINISHED), json.loads(json.dumps(made_from))
    if was_ended and before == now:
        return False
    for one in (before, now):
        for name in _LENGTH:
            one.pop(name, None)
    state = json.loads((last / _WRITTEN_LAST).read_text())
    steps, epochs = run.training.max_steps, run.training.num_train_epochs
    is_before_end = bool(state["global_step"] < steps if steps > 0 else state["epoch"] < epochs)
    return is_before_end and before == now


def claim(run: Arguments, made_from: Mapping[str, object], checkpoint: Path | None) -> None:
    """Clear the checkpoints of another run; say whose these will be."""
    folder = claim_folder(run.output_dir)
    if checkpoint is None:
        _drop(folder)
    else:
        logger.info("going on from %s", checkpoint)
    _mark(folder, made_from, is_finished=False)


def _drop(folder: Path) -> None:
    for older in folder.glob(_CHECKPOINTS):
        shutil.rmtree(older)


def finish(run: Arguments, made_from: Mapping[str, object]) -> None:
    """Say that a run came to its end: the same again starts afresh, a longer one goes on."""
    _mark(run.output_dir, made_from, is_finished=True)


def _mark(folder: Path, made_from: Mapping[str, object], is_finished: bool) -> None:
    with replacing(folder / _MADE_FROM) as partial:
        partial.write_text(json.dumps({**made_from, _FINISHED: is_finished}, sort_keys=True))
