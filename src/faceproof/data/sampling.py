"""Draw a dataset that is uniform over labels in the i.i.d. sense."""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from faceproof.errors import DatasetError

Rows = NDArray[np.int64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draw:
    """Row numbers of a draw and what it is worth.

    `effective_size` is Kish's n^2 / sum of squared counts: as many distinct images, each drawn
    equally often, would be worth as much.
    """

    rows: Rows
    cells: int
    distinct: int
    effective_size: float


def sample_uniform(labels: pd.DataFrame, n: int, seed: int) -> Draw:
    """Draw n rows, independent and uniform over the cells of the labels.

    Each draw picks a cell (a combination of labels that occurs) uniformly, then a row of that cell
    uniformly, with replacement. Without replacement small cells run dry, and quotas make the
    counts too even: neither is independent.

    Args:
        labels: one column per chosen label, one row per image, no missing values.
        n: rows to draw.
        seed: of the draw.

    Raises:
        DatasetError: nothing to draw, or a missing label.

    Source: own definition; `WeightedRandomSampler` with weight 1 / cell size is the same law.
    """
    if labels.empty or n < 1 or labels.isna().to_numpy().any():
        raise DatasetError(
            "sampling needs at least one row and draw, and no missing label; drop or fill them"
        )
    codes = labels.groupby(list(labels.columns), observed=True).ngroup().to_numpy()
    sizes = np.bincount(codes)
    by_cell = np.argsort(codes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    cells = rng.integers(len(sizes), size=n)
    rows = by_cell[starts[cells] + rng.integers(sizes[cells])]
    counts = np.unique(rows, return_counts=True)[1]
    draw = Draw(rows, len(sizes), len(counts), float(n**2 / (counts**2).sum()))
    logger.info(
        "drew %d rows from %d cells: %d distinct, worth %.0f",
        n, draw.cells, draw.distinct, draw.effective_size,
    )  # fmt: skip
    return draw
