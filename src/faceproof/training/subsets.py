"""Which images of a built dataset a large network learns from and is measured on."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from transformers import PretrainedConfig

from faceproof.detector.released import SMALL
from faceproof.detector.settings import KINDS
from faceproof.errors import SettingsError
from faceproof.metrics import Rows
from faceproof.records import FAKE, ROLES
from faceproof.training.splits import LoadedSplit, check_left_out
from faceproof.training.tuning import ALTERED, GENERATED, REAL, Pool
from faceproof.training.tuning_settings import ViewRun
from faceproof.training.views import Views


def name_kinds(table: pd.DataFrame) -> NDArray[np.int64]:
    """0 real, 1 generated, 2 altered, shape (N,): an altered face was made from a photo."""
    has_photo = np.array([len(parents) > 0 for parents in table["parent_ids"]])
    is_fake = np.asarray(table["label"]) == FAKE
    return np.where(is_fake, np.where(has_photo, ALTERED, GENERATED), REAL)


def name_cells(table: pd.DataFrame) -> NDArray[np.str_]:
    """The method of each altered face, and the source of all others, shape (N,)."""
    is_altered = name_kinds(table) == ALTERED
    return np.where(is_altered, table["method"], table["source"]).astype(np.str_)


def make_pool(table: pd.DataFrame, views: Views) -> Pool:
    """Rows of a split and their views, as `tuning` draws them."""
    pairs = np.asarray(table["pair_id"], np.str_)
    return Pool(views, name_kinds(table), name_cells(table), pairs)


def choose_rows(table: pd.DataFrame, forgeries: int, shams: int, seed: int) -> Rows:
    """Every photo, every generated face, and some forgeries and shams of each photo.

    Why: a photo's thirteen images hold less than thirteen photos, and a large network is slow.

    Args:
        table: of a split.
        forgeries: of each photo, at most.
        shams: of each photo, at most.
        seed: of the draw.
    """
    kinds = name_kinds(table)
    is_sham = np.asarray(table["role"]) == ROLES.index("sham")
    order = np.random.default_rng(seed).permutation(len(table))
    kept = (kinds == GENERATED) | ((kinds == REAL) & ~is_sham)
    for among, most in ((kinds == ALTERED, forgeries), (is_sham, shams)):
        drawn = order[among[order]]
        place = pd.Series(drawn).groupby(np.asarray(table["pair_id"])[drawn]).cumcount()
        kept[drawn[np.asarray(place) < most]] = True
    return np.flatnonzero(kept)


def choose_among(
    table: pd.DataFrame, rows: Rows, forgeries: int | None, shams: int | None, seed: int
) -> Rows:
    """Those of the rows that `choose_rows` takes; None means every forgery or every sham."""
    every = len(table)
    chosen = choose_rows(
        table, every if forgeries is None else forgeries, every if shams is None else shams, seed
    )
    return np.intersect1d(rows, chosen)


def choose_train(pool: LoadedSplit, run: ViewRun) -> Rows:
    """The rows that a run learns from."""
    known = rows_without(pool, run.leave_out)
    return choose_among(pool.table, known, run.forgeries, run.shams, run.seed)[: run.limit]


def choose_validation(pool: LoadedSplit, run: ViewRun) -> Rows:
    """The rows that a run is measured on, those that it leaves out among them."""
    return choose_rows(pool.table, run.forgeries, run.shams, run.seed)[: run.limit]


def check_teacher(config: PretrainedConfig, place: Path) -> None:
    """Refuse a teacher that does not tell the kinds of fake apart, or is the small network itself.

    Raises:
        SettingsError: with what it is.
    """
    if place == SMALL:
        raise SettingsError("the large network is not installed, and the small one is no teacher")
    if tuple(config.id2label.values()) != KINDS:
        raise SettingsError(f"{place} has the labels {config.id2label}, not {', '.join(KINDS)}")


def rows_without(pool: LoadedSplit, left_out: list[str]) -> Rows:
    """Rows that show nothing of these families, methods and sources; all rows if none is named.

    Raises:
        SettingsError: a name that the split does not hold.
    """
    rows = np.arange(len(pool.table))
    for name in left_out:
        check_left_out(name, pool)
        rows = np.intersect1d(rows, pool.rows_without(name))
    return rows
