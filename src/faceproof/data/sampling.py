"""Draw rows uniformly by cells of labels, i.i.d. A cell is a combination of labels."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from faceproof.errors import DatasetError, name_some

Rows = NDArray[np.int64]

_OTHER = "other"  # value that small cells get in the column they are merged along

logger = logging.getLogger(__name__)


def draw_by_cell(cells: NDArray[np.int64], n: int, rng: np.random.Generator) -> Rows:
    """A cell, then a row of it, with replacement: independent, and every cell equally likely.

    `cells` is the cell of each row, shape (N,), from 0.

    Source: own definition; `WeightedRandomSampler` with weight 1 / cell size is the same law.
    """
    sizes = np.bincount(cells)
    by_cell = np.argsort(cells, kind="stable")
    starts = np.cumsum(sizes) - sizes
    drawn = rng.integers(len(sizes), size=n)
    return np.asarray(by_cell[starts[drawn] + rng.integers(sizes[drawn])], np.int64)


@dataclass(frozen=True)
class CellPolicy:
    """What becomes of combinations of labels with no rows, or few.

    A cell of one image asked for twenty draws gives that image twenty times: uniform over labels is
    not more information. So cells below `smallest` rows can be kept, dropped, refused, or merged
    into one cell that is called "other" in the column `merge_along`.
    """

    smallest: int = 1
    small: Literal["keep", "drop", "merge", "fail"] = "keep"
    merge_along: str = ""
    empty: Literal["drop", "fail"] = "drop"


@dataclass(frozen=True)
class Draw:
    """Row numbers of a draw and what it is worth.

    `effective_size` is Kish's n^2 / sum of squared counts: as many distinct images, each drawn
    equally often, would be worth as much. `empty` and `small` name the cells the policy met.
    """

    rows: Rows
    cells: int
    distinct: int
    effective_size: float
    empty: tuple[str, ...]
    small: tuple[str, ...]


def sample_uniform(
    labels: pd.DataFrame, n: int, seed: int, policy: CellPolicy | None = None
) -> Draw:
    """Draw n rows, independent and uniform over the cells of the labels.

    Without replacement small cells would run dry, and quotas make the counts too even.

    Args:
        labels: one column per chosen label, one row per image, no missing values.
        n: rows to draw.
        seed: of the draw.
        policy: of empty and small cells; by default empty ones are left out, small ones kept.

    Raises:
        DatasetError: nothing to draw, a missing label, or a cell that the policy refuses.
    """
    if labels.empty or n < 1 or labels.isna().to_numpy().any():
        raise DatasetError(
            "sampling needs at least one row and draw, and no missing label; drop or fill them"
        )
    chosen = policy or CellPolicy()
    values = labels.astype(str).reset_index(drop=True)
    empty = _name_empty(values)
    if empty and chosen.empty == "fail":
        raise DatasetError(f"no images of {name_some(empty)}; collect some, or drop those cells")
    kept, small = _treat_small(values, chosen)
    cells = np.asarray(kept.groupby(list(kept.columns)).ngroup(), np.int64)
    drawn = draw_by_cell(cells, n, np.random.default_rng(seed))
    rows = np.asarray(kept.index.to_numpy()[drawn], np.int64)
    counts = np.unique(rows, return_counts=True)[1]
    draw = Draw(
        rows, int(cells.max()) + 1, len(counts), float(n**2 / (counts**2).sum()), empty, small
    )
    logger.info(
        "drew %d rows from %d cells (%d empty, %d small): %d distinct, worth %.0f",
        n, draw.cells, len(empty), len(small), draw.distinct, draw.effective_size,
    )  # fmt: skip
    return draw


def _treat_small(labels: pd.DataFrame, policy: CellPolicy) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The labels with small cells dropped or merged, and the names of those cells."""
    columns = list(labels.columns)
    sizes = labels.groupby(columns)[columns[0]].transform("size")
    is_small = sizes < policy.smallest
    small = tuple(sorted({_name(cell) for cell in labels[is_small].to_numpy()}))
    if not small or policy.small == "keep":
        return labels, small
    if policy.small == "drop" and not is_small.all():
        return labels[~is_small], small
    if policy.small == "merge" and policy.merge_along in columns:
        merged = labels.copy()
        merged.loc[is_small, policy.merge_along] = _OTHER
        return _treat_small(merged, CellPolicy(policy.smallest, "fail"))[0], small
    raise DatasetError(
        f"fewer than {policy.smallest} images of {name_some(small)}; collect more, merge along "
        "another label, or drop those cells"
    )


def _name_empty(labels: pd.DataFrame) -> tuple[str, ...]:
    """Combinations of the labels' values that no row has."""
    values = [sorted(labels[column].astype(str).unique()) for column in labels]
    seen = set(map(tuple, labels.astype(str).to_numpy()))
    return tuple(_name(cell) for cell in product(*values) if cell not in seen)


def _name(cell: Iterable[str]) -> str:
    return "/".join(cell)
