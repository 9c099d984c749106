"""One cell of the protocol: a training run with something left out; its scores stay on disk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceproof.detector.calibration import Margins, calibrate
from faceproof.detector.models import hash_weights, save_model
from faceproof.metrics import Rows
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.results import read_commit
from faceproof.storage import claim_folder, drop_folder, fresh_folder, replacing
from faceproof.training import checkpoints
from faceproof.training.augmentation import Recipe
from faceproof.training.evaluation import score_split
from faceproof.training.settings import Arguments
from faceproof.training.splits import LoadedSplit
from faceproof.training.trainer import fit

_CHOOSING = 6  # one validation component in so many is scored: enough to calibrate and to choose


@dataclass(frozen=True)
class Cell:
    """A training run of the protocol; `left_out` is a family, a method, or None for in-domain."""

    source: str
    augment: Recipe
    left_out: str | None
    seed: int

    @property
    def name(self) -> str:
        """Unique among cells, fit for a file."""
        return f"{self.source}-{self.augment}-{self.left_out or 'nothing'}-{self.seed}"


@dataclass(frozen=True)
class CellScores:
    """Margins of a cell's model by split: row numbers, shape (N,), and margins, shape (N,).

    `commit` is that of the code that trained it, `+` behind where files were changed since.
    """

    commit: str
    rows: Mapping[Split, Rows]
    margins: Mapping[Split, Margins]


def choose_rows(pool: LoadedSplit, left_out: str | None, split: Split) -> Rows:
    """What a cell is measured on: in test all reals and what was left out, else everything.

    Of validation a fixed sixth of the components: it calibrates and chooses, it is not reported.
    """
    if split == "validation":
        names = np.unique(pool.groups)
        return np.flatnonzero(np.isin(pool.groups, names[::_CHOOSING]))
    return pool.rows_against(left_out)


def run_cell(cell: Cell, base: Arguments, pools: Mapping[Split, LoadedSplit], folder: Path) -> None:
    """Train the cell's model, score validation and test, write the scores; nothing is measured.

    Args:
        cell: what to train.
        base: its recipe; seed, augmentation and what is left out are the cell's.
        pools: the splits of the cell's source.
        folder: for `<cell>.npz` and `<cell>.model`.
    """
    if is_done(cell, base, pools["train"].fingerprint, folder):
        return
    run = _plan_run(cell, base, claim_folder(folder))
    fresh_folder(run.output_dir)
    fitted = fit(run, pools)
    rows = {name: choose_rows(pools[name], cell.left_out, name) for name in UNSEEN_SPLITS}
    margins = {
        name: score_split(fitted.model, fitted.processor, pools[name], rows[name]).margins
        for name in UNSEEN_SPLITS
    }
    if cell.left_out is None:
        labels = pools["validation"].labels[rows["validation"]]
        decision = calibrate(labels, margins["validation"], run.model.error_rate)
        save_model(fitted.model, fitted.processor, decision, folder / f"{cell.name}.model")
    arrays: dict[str, NDArray[Any]] = {f"{name}_rows": rows[name] for name in UNSEEN_SPLITS}
    arrays["made_from"] = np.array(_describe(run, pools["train"].fingerprint))
    commit, is_dirty = read_commit()
    arrays["commit"] = np.array(commit[:12] + "+" * is_dirty)
    arrays |= {f"{name}_margins": margins[name] for name in UNSEEN_SPLITS}
    with (
        replacing(folder / f"{cell.name}.npz") as partial,
        partial.open("wb") as sink,
    ):
        np.savez_compressed(sink, allow_pickle=False, **arrays)
    drop_folder(run.output_dir)


def _plan_run(cell: Cell, base: Arguments, folder: Path) -> Arguments:
    data = replace(base.data, augmentation=cell.augment, leave_out=cell.left_out)
    place = str(folder / f"{cell.name}.work")
    return replace(
        base, data=data, training=replace(base.training, seed=cell.seed, output_dir=place)
    )


def _describe(run: Arguments, fingerprint: str) -> str:
    inputs = fingerprint + hash_weights(run.model.model_name_or_path)
    return json.dumps(checkpoints.describe(run, inputs, processes=1), sort_keys=True)


def is_done(cell: Cell, base: Arguments, fingerprint: str, folder: Path) -> bool:
    """True where the cell's scores are there and come from this recipe and this dataset."""
    place = folder / f"{cell.name}.npz"
    if not place.is_file():
        return False
    wanted = _describe(_plan_run(cell, base, folder), fingerprint)
    with np.load(place) as arrays:
        return "made_from" in arrays and str(arrays["made_from"]) == wanted


def read_cell(cell: Cell, folder: Path) -> CellScores:
    """The scores that `run_cell` wrote."""
    with np.load(folder / f"{cell.name}.npz") as arrays:
        return CellScores(
            commit=str(arrays["commit"]),
            rows={name: arrays[f"{name}_rows"] for name in UNSEEN_SPLITS},
            margins={name: arrays[f"{name}_margins"] for name in UNSEEN_SPLITS},
        )


def read_commits(cells: Sequence[Cell], folder: Path) -> str:
    """The commits that trained these cells, by name, with blanks between."""
    return " ".join(sorted({read_cell(cell, folder).commit for cell in cells}))
