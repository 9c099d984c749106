from pathlib import Path

import pytest
from benchmarks.leave_one_out import protocol
from benchmarks.leave_one_out.cells import Cell, run_cell
from benchmarks.leave_one_out.protocol import MAIN, ProtocolSettings, read_places, run_cells
from tests.benchmarks.leave_one_out.test_cells import quick

from faceproof.errors import SettingsError
from faceproof.training.settings import Arguments
from faceproof.training.splits import LoadedSplit

RECIPE = Path(__file__).parents[3] / "benchmarks/leave_one_out/smallest.yaml"


def make_run(folder: Path, **change: object) -> ProtocolSettings:
    places = {"recipe": RECIPE, "work": folder, "results": folder, "figures": folder}
    words = {"sources": [f"{MAIN}=unused"], **places, **change}
    return ProtocolSettings(**words)  # type: ignore[arg-type]  # as a recipe would give them


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": ["orl=build"]}, "portraits"),
        ({"sources": ["portraits"]}, "name=path"),
        ({"seeds": 0}, "seeds"),
        ({"processes": 0}, "processes"),
    ],
)
def test_a_protocol_that_cannot_run_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        make_run(tmp_path, **change)


def test_places_may_hold_an_equals_sign() -> None:
    assert read_places(["a=b/c=d"]) == {"a": Path("b/c=d")}


def test_the_recipe_is_taken_to_each_source(tmp_path: Path) -> None:
    run = make_run(tmp_path, sources=[f"{MAIN}=here", "orl=there"])
    assert isinstance(run.read_recipe("orl"), Arguments)
    assert run.read_recipe("orl").data.dataset == "there"


def test_cells_that_are_done_are_left_alone(
    tmp_path: Path, pool: LoadedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    base = quick()
    splits = {"train": pool, "validation": pool, "test": pool}
    monkeypatch.setattr(ProtocolSettings, "read_recipe", lambda run, source: base)
    monkeypatch.setattr(protocol, "open_source", lambda run, source: splits)
    cell = Cell(MAIN, "none", None, 0)
    run_cell(cell, base, splits, tmp_path / "cells")  # type: ignore[arg-type]

    def refuse(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(protocol, "_work", refuse)
    run_cells(run, [cell])
    assert (tmp_path / "cells" / f"{cell.name}.npz").is_file()
