from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.leave_one_out.cells import Cell, choose_rows, read_cell, run_cell

from faceproof.detector.models import load_model
from faceproof.errors import SettingsError
from faceproof.results import read_commit
from faceproof.training.settings import Arguments, read_arguments
from faceproof.training.splits import LoadedSplit

RECIPE = Path(__file__).parents[3] / "benchmarks/leave_one_out/smallest.yaml"


def quick(epochs: int = 1) -> Arguments:
    words = ["--hidden_sizes", "4", "4", "8", "--per_device_train_batch_size", "8"]
    return read_arguments(
        None, ["--config", str(RECIPE), "--num_train_epochs", str(epochs), "--use_cpu", *words]
    )


def test_a_cell_leaves_scores_and_is_not_run_again(pool: LoadedSplit, tmp_path: Path) -> None:
    cell = Cell("portraits", "all", None, 1)
    pools = {"train": pool, "validation": pool, "test": pool}
    run_cell(cell, quick(), pools, tmp_path)  # type: ignore[arg-type]  # splits as text
    scores = read_cell(cell, tmp_path)
    assert scores.rows["test"].tolist() == list(range(16))
    assert np.isfinite(scores.margins["test"]).all()
    assert read_commit()[0].startswith(scores.commit.rstrip("+"))
    assert load_model(str(tmp_path / f"{cell.name}.model"))[2].error_rate == 0.05
    assert not (tmp_path / f"{cell.name}.work").exists()
    before = (tmp_path / f"{cell.name}.npz").stat().st_mtime_ns
    run_cell(cell, quick(), pools, tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / f"{cell.name}.npz").stat().st_mtime_ns == before
    run_cell(cell, quick(epochs=2), pools, tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / f"{cell.name}.npz").stat().st_mtime_ns != before  # another recipe


def test_the_same_cell_gives_the_same_scores(pool: LoadedSplit, tmp_path: Path) -> None:
    cell = Cell("portraits", "all", "blend", 3)
    pools = {"train": pool, "validation": pool, "test": pool}
    margins = []
    for folder in ("a", "b"):
        run_cell(cell, quick(), pools, tmp_path / folder)  # type: ignore[arg-type]
        margins.append(read_cell(cell, tmp_path / folder).margins["test"])
    assert (margins[0] == margins[1]).all()
    assert len(margins[0]) == 12  # every real, and the four swaps


def test_validation_that_calibrates_is_a_part_of_the_people(pool: LoadedSplit) -> None:
    rows = choose_rows(pool, None, "validation")
    groups = set(pool.groups[rows])
    assert 0 < len(groups) < len(set(pool.groups))
    assert set(np.flatnonzero(np.isin(pool.groups, list(groups)))) == set(rows)


def test_leaving_out_everything_is_refused(pool: LoadedSplit, tmp_path: Path) -> None:
    only_blend = replace(pool, table=pool.table[pool.table["family"] != "synthesize"])
    pools = {"train": only_blend, "validation": pool, "test": pool}
    with pytest.raises(SettingsError, match="nothing to train on"):
        run_cell(Cell("portraits", "none", "blend", 0), quick(), pools, tmp_path)  # type: ignore[arg-type]
