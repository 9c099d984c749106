import json
from pathlib import Path

import numpy as np
import pytest

from faceproof.errors import SettingsError
from faceproof.learning.models import Decision
from faceproof.learning.training import (
    ScoredSplit,
    TrainSettings,
    measure_split,
    write_history,
)

PATHS = {name: Path(name) for name in ("dataset", "output", "work", "results", "history", "figure")}


def test_each_method_is_measured_against_all_reals() -> None:
    split = ScoredSplit(
        labels=np.tile([0, 1, 1], 6),
        margins=np.tile([0.0, 1.0, -1.0], 6),
        groups=np.repeat([f"p{person}" for person in range(6)], 3),
        methods=np.tile(["none", "seen", "missed"], 6),
    )
    values = measure_split("test", split, Decision(1.0, 0.5), seed=0)
    assert values["test_auroc_seen"].value == 1.0
    assert values["test_auroc_missed"].value == 0.0
    assert values["test_auroc"].value == 0.5
    assert values["test_auroc"].n == 18
    assert values["test_accuracy"].value == pytest.approx(1 / 3)  # a score of 0.5 counts as fake


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"batch": 0}, {"crop_pixels": 93}, {"depths": [1]}, {"learning_rate": -1.0}],
)
def test_a_run_that_cannot_train_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(change))):
        TrainSettings(**PATHS, **change)  # type: ignore[arg-type]  # paths and numbers


def test_history_is_one_entry_a_line(tmp_path: Path) -> None:
    write_history([{"epoch": 1.0}, {"epoch": 2.0}], tmp_path / "h.jsonl")
    lines = (tmp_path / "h.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1.0, 2.0]
