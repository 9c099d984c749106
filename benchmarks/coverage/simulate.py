"""Data sets drawn and measured by the hundred; how often the truth lay in the interval."""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks.coverage.cells import METRICS, Cell, draw, list_cells
from benchmarks.workers import run_tasks
from faceproof.errors import MetricError
from faceproof.intervals import Share
from faceproof.results import Scalar, Size, read_commit
from faceproof.settings import require_positive
from faceproof.storage import claim_folder, replacing

logger = logging.getLogger(__name__)

_ROUNDING = 1e-9
_OFTEN = 20  # events that a rate's images hold on average, from which its width is compared
_REST = (*METRICS, "calibration")


@dataclass(frozen=True)
class CoverageSettings:
    """The bench of coverage."""

    work: Path = field(
        metadata={
            "help": "folder for the outcome of each cell; runs go on there",
            "place": "folder",
        }
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    figure: Path = field(metadata={"help": "PNG to write", "place": "file"})
    repeats: int = field(default=1000, metadata={"help": "data sets of each cell"})
    repeats_bootstrap: int = field(
        default=200, metadata={"help": "the same where each is bootstrapped"}
    )
    processes: int = field(default=2, metadata={"help": "cells at a time"})
    seed: int = field(default=1, metadata={"help": "of every draw"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "repeats", "repeats_bootstrap", "processes")


@dataclass(frozen=True)
class Outcome:
    """Of one cell: how often the truth was held, with intervals of what width.

    `width_exact` is that of the exact interval of as many independent images (rates alone);
    `refused`: data sets for which there is no interval but a sentence.
    """

    coverage: float
    width: float
    width_exact: float
    refused: int
    repeats: int
    commit: str


def simulate(cell: Cell, repeats: int, seed: int) -> Outcome:
    """Draw a cell's data sets and look where the truth lies."""
    rng = np.random.default_rng((seed, crc32(cell.name.encode())))
    held, widths, exact = [], [], []
    for _ in range(repeats):
        try:
            found, truth = draw(cell, rng)
        except MetricError:
            continue
        held.append(found.low - _ROUNDING <= truth <= found.high + _ROUNDING)
        widths.append(found.high - found.low)
        if cell.kind == "rate":
            exact.append(_measure_exact(round(found.value * found.n), found.n))
    count = len(held)
    return Outcome(
        coverage=float(np.mean(held)) if count else float("nan"),
        width=float(np.mean(widths)) if count else float("nan"),
        width_exact=float(np.mean(exact)) if exact else float("nan"),
        refused=repeats - count, repeats=repeats, commit="",
    )  # fmt: skip


def _measure_exact(hits: int, count: int) -> float:
    """Width of the exact interval of independent images."""
    found = Share(np.arange(count) < hits, np.ones(count, bool))
    measured = found.estimate(np.arange(count).astype(str)).measured
    return measured.high - measured.low


def run_cells(run: CoverageSettings) -> None:
    """Simulate every cell, some at a time; what is done is not done again."""
    claim_folder(run.work)
    commit, is_dirty = read_commit()
    mark = commit[:12] + "+" * is_dirty
    missing = [cell for cell in list_cells() if not _locate(run.work, cell).is_file()]
    logger.info("%d cells are still to be simulated", len(missing))
    tasks = [(run, cell, mark) for cell in missing]
    run_tasks(_work, tasks, run.processes, "simulating", "cells")


def _work(run: CoverageSettings, cell: Cell, commit: str) -> None:
    repeats = run.repeats_bootstrap if cell.kind in METRICS else run.repeats
    outcome = simulate(cell, repeats, run.seed)
    with replacing(_locate(run.work, cell)) as partial:
        partial.write_text(json.dumps({**outcome.__dict__, "commit": commit}))


def _locate(work: Path, cell: Cell) -> Path:
    return work / f"{cell.name}.json"


def read_outcomes(work: Path) -> dict[Cell, Outcome]:
    """The outcomes of all cells."""
    return {cell: Outcome(**json.loads(_locate(work, cell).read_text())) for cell in list_cells()}


def summarise(outcomes: dict[Cell, Outcome]) -> dict[str, Scalar]:
    """Coverage of every cell, and the lowest, mean and highest by kind and number of groups.

    `<kind>_groups_<n>_<lowest|mean|highest>_coverage` and `_cells`; `rest` stands for all that is
    bootstrapped or jackknifed. `rate_width_ratio_<where>`: width over the exact interval's, the
    largest among cells of uncorrelated images, where single or with events enough to be seen.
    """
    by_kind: dict[str, list[float]] = defaultdict(list)
    values: dict[str, Scalar] = {
        "commits": " ".join(sorted({one.commit for one in outcomes.values()})),
        "cells": len(outcomes),
    }
    for cell, found in outcomes.items():
        values[f"{cell.name}_coverage"] = found.coverage
        values[f"{cell.name}_width"] = found.width
        kind = "rest" if cell.kind in _REST else cell.kind
        if found.refused < found.repeats and not cell.is_apart:
            by_kind[f"{kind}_groups_{cell.groups}"].append(found.coverage)
    for name, covered in by_kind.items():
        values |= {
            f"{name}_cells": len(covered), f"{name}_lowest_coverage": min(covered),
            f"{name}_mean_coverage": float(np.mean(covered)),
            f"{name}_highest_coverage": max(covered),
        }  # fmt: skip
    return values | _compare_widths(outcomes)


def _compare_widths(outcomes: dict[Cell, Outcome]) -> dict[str, Scalar]:
    def ratios(cells: Sequence[Cell]) -> float:
        return max(outcomes[one].width / outcomes[one].width_exact for one in cells)

    alone = [one for one in outcomes if one.kind == "rate" and not one.correlation]
    often = [
        one
        for one in alone
        if one.groups >= _OFTEN and one.truth * one.groups * one.images >= _OFTEN
    ]
    return {
        "rate_width_ratio_single": ratios([one for one in alone if one.images == 1]),
        "rate_width_ratio_seen": ratios(often),
    }
