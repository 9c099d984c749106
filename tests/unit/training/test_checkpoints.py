from pathlib import Path

import pytest

from faceproof.errors import StorageError
from faceproof.storage import MARKER, seal_folder
from faceproof.training.checkpoints import claim, find, finish


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The work folder of a run that was stopped after its second checkpoint."""
    work = tmp_path / "work"
    claim(work, "these settings", None)
    for step in (5, 10):
        (work / f"checkpoint-{step}").mkdir()
        (work / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (work / "checkpoint-15").mkdir()  # not whole
    seal_folder(work)
    return work


def test_the_same_run_goes_on_from_its_last_whole_checkpoint(stopped: Path) -> None:
    found = find(stopped, "these settings")
    assert found == stopped / "checkpoint-10"
    claim(stopped, "these settings", found)
    (stopped / "checkpoint-15" / "trainer_state.json").write_text("{}")  # what it adds is its own
    seal_folder(stopped)
    assert find(stopped, "other settings") is None
    claim(stopped, "other settings", None)
    assert {one.name for one in stopped.iterdir()} == {MARKER, "made_from.json"}


def test_a_run_does_not_go_on_over_files_of_somebody_else(stopped: Path) -> None:
    (stopped / "notes.txt").write_text("mine")
    for settings in ("these settings", "other settings"):
        with pytest.raises(StorageError, match=r"holds notes\.txt, which faceproof did not write"):
            claim(stopped, settings, find(stopped, settings))
    assert (stopped / "notes.txt").read_text() == "mine"


def test_checkpoints_go_when_the_results_are_written(stopped: Path) -> None:
    finish(stopped)
    assert [one.name for one in stopped.iterdir()] == [MARKER]
    finish(stopped.parent)  # not ours: nothing happens
    assert stopped.is_dir()
