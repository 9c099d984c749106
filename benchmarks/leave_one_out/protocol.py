"""The protocol: which cells are run, by two processes side by side.

Every cell leaves a file and is not run again, so a protocol that was stopped goes on.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.leave_one_out.cells import Cell, is_done, run_cell
from benchmarks.workers import run_tasks
from faceproof.errors import SettingsError
from faceproof.records import Split
from faceproof.results import Size
from faceproof.settings import require_positive
from faceproof.training.augmentation import ABLATED, Recipe
from faceproof.training.settings import Arguments, read_arguments
from faceproof.training.splits import LoadedSplit, load_splits

logger = logging.getLogger(__name__)

MAIN = "portraits"  # the source of every axis but that of sources


@dataclass(frozen=True)
class ProtocolSettings:
    """The whole protocol of question 3."""

    recipe: Path = field(
        metadata={"help": "training recipe of the smallest model", "place": "input"}
    )
    sources: list[str] = field(
        metadata={"help": f"name=dataset folder of each source, one of them named {MAIN}"}
    )
    work: Path = field(
        metadata={
            "help": "folder for cells, features and models; runs go on there",
            "place": "folder",
        }
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    figures: Path = field(metadata={"help": "folder for the figures", "place": "inside"})
    others: list[str] = field(
        default_factory=list,
        metadata={"help": "name=folder or zip of faces with known truth, only measured on"},
    )
    seeds: int = field(default=5, metadata={"help": "training runs of each cell of the ablation"})
    method_seeds: int = field(default=3, metadata={"help": "of each method that is left out"})
    processes: int = field(default=2, metadata={"help": "training runs at a time, a thread each"})
    seed: int = field(default=0, metadata={"help": "the first of the seeds, and of the intervals"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "seeds", "method_seeds", "processes")
        if MAIN not in self.datasets:
            raise SettingsError(f"sources name no {MAIN}; give {MAIN}=FOLDER")

    @property
    def datasets(self) -> dict[str, Path]:
        """The dataset folder of each source."""
        return read_places(self.sources)

    def read_recipe(self, source: str) -> Arguments:
        """The training recipe on a source."""
        words = ["--config", str(self.recipe), "--dataset", str(self.datasets[source])]
        return read_arguments(None, words)


def read_places(entries: Sequence[str]) -> dict[str, Path]:
    """`name=path` entries as a table.

    Raises:
        SettingsError: an entry that is none.
    """
    places = dict(entry.partition("=")[::2] for entry in entries)
    if not all(name and place for name, place in places.items()):
        raise SettingsError(f"{' '.join(entries)} names no places; give name=path")
    return {name: Path(place) for name, place in places.items()}


def plan_ablation(run: ProtocolSettings, families: Sequence[str]) -> list[Cell]:
    """Every recipe, in-domain and with each family left out, in every seed."""
    return [
        Cell(MAIN, augment, left_out, run.seed + number)
        for number in range(run.seeds)
        for left_out in (None, *families)
        for augment in ABLATED
    ]


def plan_winner(run: ProtocolSettings, winner: Recipe, methods: Sequence[str]) -> list[Cell]:
    """What the winner alone runs: each method left out, and the other sources."""
    left = [
        Cell(MAIN, winner, method, run.seed + number)
        for number in range(run.method_seeds)
        for method in methods
    ]
    sources = [
        Cell(source, winner, None, run.seed + number)
        for source in run.datasets
        if source != MAIN
        for number in range(run.seeds)
    ]
    return [*sources, *left]


def run_cells(run: ProtocolSettings, cells: Sequence[Cell]) -> None:
    """Run those cells that have no scores yet, some at a time."""
    folder = run.work / "cells"
    missing = []
    for source in sorted({cell.source for cell in cells}):
        train, base = open_source(run, source)["train"], run.read_recipe(source)
        train.images.find_points()  # here, once, not by every process
        missing += [
            cell
            for cell in cells
            if cell.source == source and not is_done(cell, base, train.fingerprint, folder)
        ]
    logger.info("%d of %d cells are still to be run", len(missing), len(cells))
    tasks = [(run, cell) for cell in missing]
    run_tasks(_work, tasks, run.processes, "training", "cells")


def _work(run: ProtocolSettings, cell: Cell) -> None:
    run_cell(cell, run.read_recipe(cell.source), open_source(run, cell.source), run.work / "cells")


def open_source(run: ProtocolSettings, source: str) -> dict[Split, LoadedSplit]:
    """The splits of a source, opened once in a process."""
    base = run.read_recipe(source)
    return _open_once(Path(base.data.dataset), base.cache_dir)


@cache
def _open_once(dataset: Path, folder: Path) -> dict[Split, LoadedSplit]:
    return load_splits(dataset, folder)
