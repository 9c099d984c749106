"""Ways to draw rows by cells of labels: the right one, and others to show what is wrong with each.

Every function takes the cell of each row, shape (N,), int64 from 0, and gives row numbers.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Sampler = Callable[[NDArray[np.int64], int, np.random.Generator], Rows]

_ROUNDS = 200  # of raking; margins agree to 1e-6 long before


def draw_uniform(cells: NDArray[np.int64], n: int, rng: np.random.Generator) -> Rows:
    """A cell, then a row of it, with replacement: independent, and every cell equally likely.

    Source: own definition; `WeightedRandomSampler` with weight 1 / cell size is the same law.
    """
    sizes = np.bincount(cells)
    by_cell = np.argsort(cells, kind="stable")
    starts = np.cumsum(sizes) - sizes
    drawn = rng.integers(len(sizes), size=n)
    return np.asarray(by_cell[starts[drawn] + rng.integers(sizes[drawn])], np.int64)


def draw_any(cells: NDArray[np.int64], n: int, rng: np.random.Generator) -> Rows:
    """Any image, with replacement: cells come as often as the collection happens to hold them."""
    return rng.integers(len(cells), size=n)


def draw_quota(cells: NDArray[np.int64], n: int, rng: np.random.Generator) -> Rows:
    """As many from every cell, the remainder by chance: even by force, so not independent."""
    number = int(cells.max()) + 1
    shares = np.full(number, n // number)
    shares[rng.permutation(number)[: n % number]] += 1
    members = [np.flatnonzero(cells == cell) for cell in range(number)]
    return np.concatenate(
        [rng.choice(rows, size=share) for rows, share in zip(members, shares, strict=True)]
    )


def draw_without_replacement(cells: NDArray[np.int64], n: int, rng: np.random.Generator) -> Rows:
    """Weights as ours, but no image twice: small cells run dry.

    Source: exponential keys, equal to drawing one after the other (Efraimidis and Spirakis 2006).
    """
    weights = 1 / np.bincount(cells)[cells]
    keys = rng.exponential(size=len(cells)) / weights
    return np.argsort(keys)[: min(n, len(cells))]


SAMPLERS: Mapping[str, Sampler] = {
    "cell, then image": draw_uniform,
    "any image": draw_any,
    "quota per cell": draw_quota,
    "no image twice": draw_without_replacement,
}


def rake(labels: pd.DataFrame) -> NDArray[np.float64]:
    """Weights, shape (N,), under which each label by itself is uniform.

    The joint table keeps the associations of the collection: margins are not the joint.

    Source: iterative proportional fitting (Deming and Stephan 1940).
    """
    weights = np.ones(len(labels))
    for _ in range(_ROUNDS):
        for column in labels:
            codes = labels[column].astype("category").cat.codes.to_numpy()
            totals = np.bincount(codes, weights)
            weights *= (weights.sum() / len(totals) / totals)[codes]
    return np.asarray(weights / weights.sum(), np.float64)
