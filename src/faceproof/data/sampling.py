"""Draw a dataset that is uniform over labels in the i.i.d. sense."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from faceproof.errors import DatasetError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """Row numbers of a draw and what it is worth.

    `effective_size` is Kish's: as many plain draws from the pool would be as informative as the
    weights allow, (sum w)^2 / sum w^2 over the pool.
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
        DatasetError: no rows, or a missing label.

    Source: own definition; `WeightedRandomSampler` with weight 1 / cell size is the same law.
    """
    if labels.empty or labels.isna().to_numpy().any():
        raise DatasetError(
            "sampling needs at least one row and no missing label; drop or fill them"
        )
    codes = labels.groupby(list(labels.columns), observed=True).ngroup().to_numpy()
    sizes = np.bincount(codes)
    by_cell = np.argsort(codes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    cells = rng.integers(len(sizes), size=n)
    rows = by_cell[starts[cells] + rng.integers(sizes[cells])]
    return Draw(
        rows=rows,
        cells=len(sizes),
        distinct=len(np.unique(rows)),
        effective_size=float(len(sizes) ** 2 / (1 / sizes).sum()),
    )
