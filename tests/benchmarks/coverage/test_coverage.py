"""The bench in small, with a fixed seed: the same cells, fewer data sets."""

from pathlib import Path

import pytest
from benchmarks.coverage import charts, simulate
from benchmarks.coverage.cells import Cell, Kind, find_truth, list_cells

from faceproof.errors import SettingsError


@pytest.mark.parametrize(
    ("kind", "truth", "groups", "images", "correlation"),
    [
        ("auroc", 0.75, 8, 4, 0.3),
        ("auroc", 0.95, 20, 20, 0.7),
        ("rate", 0.02, 20, 20, 0.7),
        ("rate", 0.1, 8, 4, 0.3),
        ("lead", 0.05, 20, 4, 0.3),
        ("gap", 0.08, 20, 4, 0.3),
        ("calibration", 2.0, 20, 20, 0.3),
    ],
)
def test_intervals_hold_the_truth(
    kind: Kind, truth: float, groups: int, images: int, correlation: float
) -> None:
    """At 95 % fewer than 182 of 200 happen once in a hundred; a plain bootstrap has 170."""
    outcome = simulate.simulate(Cell(kind, truth, groups, images, correlation), 200, seed=7)
    assert outcome.refused == 0
    assert outcome.coverage >= 0.91


def test_what_was_bootstrapped_holds_too() -> None:
    cell = Cell("brier", find_truth("brier"), 20, 4, 0.3)
    assert simulate.simulate(cell, 30, seed=7).coverage >= 0.83  # 3 misses of 100 have fewer


def test_a_rate_of_single_images_is_no_wider_than_exact() -> None:
    found = simulate.simulate(Cell("rate", 0.1, 100, 1, 0.0), 50, seed=7)
    assert found.width == pytest.approx(found.width_exact)


def test_the_table_has_every_cell_and_knows_the_extremes(tmp_path: Path) -> None:
    cells = list_cells()
    assert len({cell.name for cell in cells}) == len(cells) > 700
    outcomes = {cell: simulate.Outcome(0.95, 0.2, 0.1, 0, 10, "abc") for cell in cells}
    worst = next(one for one in cells if one.kind == "auroc" and one.groups == 8)
    outcomes[worst] = simulate.Outcome(0.5, 0.4, 0.1, 0, 10, "abc")
    values = simulate.summarise(outcomes)
    assert values["auroc_groups_8_lowest_coverage"] == 0.5
    assert values["auroc_groups_8_highest_coverage"] == 0.95
    assert values["rate_width_ratio_single"] == pytest.approx(2.0)
    assert values[f"{worst.name}_coverage"] == 0.5
    assert values["cells"] == len(cells)
    charts.draw_coverage(outcomes, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_cells_that_are_done_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = simulate.CoverageSettings(tmp_path, tmp_path / "r.json", tmp_path / "f.png", repeats=2)
    cells = list_cells()[:2]
    monkeypatch.setattr(simulate, "list_cells", lambda: cells)
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(simulate, "run_tasks", lambda work, tasks, *_: asked.extend(tasks))
    simulate.run_cells(run)
    assert [task[1] for task in asked] == cells
    asked.clear()
    simulate._work(run, cells[0], "abc")
    simulate.run_cells(run)
    assert [task[1] for task in asked] == cells[1:]
    simulate._work(run, cells[1], "abc")
    assert [one.repeats for one in simulate.read_outcomes(tmp_path).values()] == [2, 2]


def test_no_repeats_no_bench(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="repeats"):
        simulate.CoverageSettings(tmp_path, tmp_path, tmp_path, repeats=0)
