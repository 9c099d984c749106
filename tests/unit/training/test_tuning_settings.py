from pathlib import Path

import pytest

from faceproof import settings
from faceproof.errors import SettingsError
from faceproof.training.tuning_settings import TeachRun, TuneRun

RECIPES = Path(__file__).parents[3] / "training"
PLACES = ["--dataset", "d", "--output", "o", "--model", "m", "--work", "w", "--results", "r.json"]


def test_the_recipes_of_the_released_detectors_are_runs() -> None:
    large = settings.read(TuneRun, None, ["--config", str(RECIPES / "release.yaml")])
    small = settings.read(TeachRun, None, ["--config", str(RECIPES / "release_small.yaml")])
    assert (large.rank, large.augment, large.learning_rate) == (16, "web", 2e-4)
    assert (small.side_pixels, small.teacher) == (160, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--blocks 13", "blocks are 1 to 12, not 13"),
        ("--decay 1", "decay is 1.0; it must be from 0 to below 1"),
        ("--learning_rate 0", "learning_rate is 0.0; it must be above 0"),
        ("--error_rate 0.6", "error_rate is 0.6; it must be between 0 and 0.5"),
        ("--steps 0", "steps is 0; it must be 1 or more"),
        ("--limit -1", "limit is -1; it must be 1 or more"),
        ("--model o/inside", "lie in one another"),
        ("--model o", "lie in one another"),
    ],
)
def test_values_that_make_no_run_are_refused(words: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.read(TuneRun, None, [*PLACES, *words.split()])
