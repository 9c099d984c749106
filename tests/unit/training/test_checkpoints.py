"""Where a run goes on: where it was stopped, or at its end if it is to be longer."""

import json
from pathlib import Path

import pytest

from faceproof.errors import SettingsError
from faceproof.training import checkpoints
from faceproof.training.settings import Arguments, read_arguments


def plan(folder: Path, *words: str) -> Arguments:
    places = ["--dataset", "d", "--output_dir", str(folder), "--use_cpu"]
    return read_arguments(None, [*places, "--num_train_epochs", "4", *words])


def describe(run: Arguments, data: str = "data") -> dict[str, object]:
    return checkpoints.describe(run, data, processes=1)


def save(folder: Path, step: int, epoch: float) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    state = {"global_step": step, "epoch": epoch}
    (checkpoint / "trainer_state.json").write_text(json.dumps(state))
    return checkpoint


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The folder of a run of four epochs that was stopped in the eleventh step of thirty."""
    folder = tmp_path / "run"
    run = plan(folder)
    checkpoints.claim(run, describe(run), None)
    save(folder, 9, 1.0)
    save(folder, 10, 1.2)
    (folder / "checkpoint-11").mkdir()  # it was stopped while it wrote this one
    return folder


def find(run: Arguments, data: str = "data") -> str | None:
    found = checkpoints.find_start(run, describe(run, data))
    return None if found is None else found.name


def test_a_stopped_run_goes_on_from_its_last_whole_checkpoint(stopped: Path) -> None:
    assert find(plan(stopped)) == "checkpoint-10"


@pytest.mark.parametrize(
    "words",
    ["--learning_rate 1e-4", "--seed 7", "--augmentation all", "--model_name_or_path lite0"],
)
def test_another_run_starts_afresh_and_clears_the_folder(stopped: Path, words: str) -> None:
    run = plan(stopped, *words.split())
    assert find(run) is None
    checkpoints.claim(run, describe(run), None)
    assert not list(stopped.glob("checkpoint-*"))


def test_other_data_or_processes_are_another_run(stopped: Path) -> None:
    run = plan(stopped)
    assert find(run, "other data") is None
    assert checkpoints.find_start(run, checkpoints.describe(run, "data", processes=2)) is None


@pytest.mark.parametrize("words", ["--report_to tensorboard", "--save_total_limit 3"])
def test_what_is_said_beside_the_training_changes_no_run(stopped: Path, words: str) -> None:
    assert find(plan(stopped, *words.split())) == "checkpoint-10"


def test_a_finished_run_starts_afresh_unless_it_is_to_be_longer(stopped: Path) -> None:
    run = plan(stopped)
    save(stopped, 30, 4.0)
    checkpoints.finish(run, describe(run))
    assert find(run) is None
    assert find(plan(stopped, "--num_train_epochs", "6")) == "checkpoint-30"
    assert find(plan(stopped, "--max_steps", "31")) == "checkpoint-30"
    assert find(plan(stopped, "--max_steps", "30")) is None
    assert find(plan(stopped, "--num_train_epochs", "3")) is None


def test_the_checkpoint_that_is_asked_for_is_taken(stopped: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "other", 3, 0.5)
    assert find(plan(stopped, "--resume_from_checkpoint", str(other))) == "checkpoint-3"
    changed = plan(stopped, "--seed", "8", "--resume_from_checkpoint", "true")
    assert find(changed) == "checkpoint-10"
    assert find(plan(stopped, "--resume_from_checkpoint", "false")) == "checkpoint-10"


@pytest.mark.parametrize("asked", ["true", "nowhere"])
def test_a_checkpoint_that_is_not_there_is_refused(tmp_path: Path, asked: str) -> None:
    run = plan(tmp_path / "empty", "--resume_from_checkpoint", asked)
    with pytest.raises(SettingsError, match="no whole checkpoint in"):
        find(run)
