"""The arguments of train.py: the library's names, ours beside them, errors in one line."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from faceproof.errors import SettingsError, StorageError
from faceproof.training.settings import (
    DEFAULTS,
    Arguments,
    CalibrateSettings,
    DataArguments,
    ModelArguments,
    read_arguments,
)

TUNED = ("release", "release_small")  # recipes of `tune.py` and `teach.py`
RECIPES = [
    path
    for path in sorted((Path(__file__).parents[3] / "training").glob("*.yaml"))
    if path.stem not in TUNED
]


def read(*words: str) -> Arguments:
    return read_arguments(None, ["--dataset", "d", "--output_dir", "o", "--use_cpu", *words])


def test_the_library_reads_its_own_options_and_ours_stand_beside_them() -> None:
    run = read("--num_train_epochs", "3", "--gradient_accumulation_steps", "2", "--mask_weight=0")
    assert run.training.num_train_epochs == 3
    assert run.training.gradient_accumulation_steps == 2
    assert run.model.mask_weight == 0
    assert run.data.dataset == "d"
    assert run.training.metric_for_best_model == DEFAULTS["metric_for_best_model"]


def test_arguments_win_over_the_recipe_and_that_over_our_defaults(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("weight_decay: 0.2\nwarmup_steps: 7\nseed: 5\n")
    run = read("--config", str(recipe), "--seed", "6")
    assert (run.training.weight_decay, run.training.warmup_steps) == (0.2, 7)
    assert run.training.seed == 6
    assert read().training.weight_decay == DEFAULTS["weight_decay"]


@pytest.mark.parametrize("kind", [ModelArguments, DataArguments])
def test_our_own_options_stay_few_and_are_not_the_librarys(kind: type) -> None:
    own = {field.name for field in fields(kind)}
    assert len(own) <= 12
    assert own.isdisjoint(field.name for field in fields(read().training))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "3"], "there is no option --epochs"),
        (["--num_train_epoch", "3"], "do you mean --num_train_epochs?"),
        (["--warmup_ratio", "0.1"], "do you mean --warmup_steps?"),
        (["--learning_rate", "quick"], "invalid float value: 'quick'"),
        (["--eval_strategy", "steps"], "--load_best_model_at_end"),
        (["--seed", "-1"], "seed is below 0"),
    ],
)
def test_what_is_refused_is_refused_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(*words)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_recipe_says_what_is_unknown_and_what_is_near(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("num_train_epoch: 3\n")
    with pytest.raises(SettingsError, match=r"num_train_epoch; do you mean num_train_epochs\?"):
        read("--config", str(recipe))


def test_a_folder_for_what_is_written_must_be_given_and_be_a_folder() -> None:
    with pytest.raises(SettingsError, match="required: --output_dir"):
        read_arguments(None, ["--dataset", "d"])
    with pytest.raises(StorageError, match="is an address"):
        read_arguments(None, ["--dataset", "d", "--output_dir", "s3://bucket/x"])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_makes_a_run(recipe: Path, tmp_path: Path) -> None:
    words = ["--config", str(recipe), "--dataset", "d", "--output_dir", str(tmp_path), "--use_cpu"]
    run = read_arguments(None, [*words, "--bf16", "false"])
    record = run.record()
    assert record["output_dir"] == str(tmp_path)
    assert record["num_train_epochs"] == run.training.num_train_epochs
    assert "hub_token" not in record


def test_help_lists_ours_by_group_and_says_that_the_librarys_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        read_arguments("Train.", ["--learning_rate", "1", "--help"])
    options, library = capsys.readouterr().out.split("Every field of transformers.Training")
    network, pictures = options.split("\nthe pictures:")
    assert "--mask_weight" in network.split("\nthe network:")[1]
    assert "--dataset" in pictures
    assert "--num_train_epochs" in library
    assert all(f"--{name}" in library for name in DEFAULTS)


def plan_calibration(folder: Path, **others: float) -> CalibrateSettings:
    words: dict[str, Any] = {name: folder / name for name in ("model", "output", "results")}
    return CalibrateSettings(**words, dataset=folder, cache=folder, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(("field", "value"), [("error_rate", 0.5), ("side_pixels", -1)])
def test_values_that_make_no_run_are_refused(tmp_path: Path, field: str, value: float) -> None:
    with pytest.raises(SettingsError, match=field):
        plan_calibration(tmp_path, **{field: value})


def test_the_model_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="output is the model itself"):
        replace(plan_calibration(tmp_path), output=tmp_path / "x" / ".." / "model")
