"""Question 1 shown: metadata as a table, and a sampler whose draws pass the test they should."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest

from faceproof.data.checks.gates import LOCAL_FAMILIES
from faceproof.data.exports import ShownImage
from faceproof.data.forgery import NAMES, reconstruct
from faceproof.data.images import measure_content_bytes
from faceproof.data.sampling import Rows, draw_by_cell, sample_uniform
from faceproof.data.settings import DemonstrationSettings
from faceproof.intervals import Ranking
from faceproof.metrics import Measured
from faceproof.records import FAKE, ROLES, SPLITS
from faceproof.results import Scalar
from faceproof.storage import replacing

Sampler = Callable[[NDArray[np.int64], int, np.random.Generator], Rows]

_ROUNDS = 200  # of raking; margins agree to 1e-6 long before
_LEVEL = 0.05
_SIZE_COLUMNS = ("image", "label", "method", "component_id")
_SHOWN_COLUMNS = (
    "split", "label", "role", "family", "method", "image_id", "pair_id", "identity_id",
)  # fmt: skip


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
    "cell, then image": draw_by_cell,
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


def compare_samplers(
    table: pd.DataFrame, run: DemonstrationSettings
) -> dict[str, NDArray[np.float64]]:
    """Chi-square p-values of equal cells over many seeds, for our sampler and for others."""
    labels = table[run.labels].astype(str)
    cells = np.asarray(labels.groupby(run.labels).ngroup(), np.int64)
    weights = rake(labels)

    def draw_raked(cells: Rows, n: int, rng: np.random.Generator) -> Rows:
        return rng.choice(len(cells), size=n, p=weights)

    def p_value(rows: Rows) -> float:
        return float(chisquare(np.bincount(cells[rows], minlength=int(cells.max()) + 1)).pvalue)

    samplers = {**SAMPLERS, "raked to margins": draw_raked}
    return {
        name: np.array(
            [
                p_value(draw(cells, run.draws, np.random.default_rng(seed)))
                for seed in range(run.seeds)
            ]
        )
        for name, draw in samplers.items()
    }


def summarise(
    table: pd.DataFrame, p_values: Mapping[str, NDArray[np.float64]], run: DemonstrationSettings
) -> dict[str, Scalar]:
    """The numbers of the sampling demonstration."""
    draw = sample_uniform(table[run.labels], run.draws, run.seed)
    values: dict[str, Scalar] = {
        "records": len(table),
        "cells": draw.cells,
        "cells_empty": len(draw.empty),
        "cells_empty_names": ", ".join(draw.empty),
        "smallest_cell": int(table.groupby(run.labels).size().min()),
        "labels": ", ".join(run.labels),
        "draws": run.draws,
        "seeds": run.seeds,
        "distinct_rows": draw.distinct,
        "effective_size": draw.effective_size,
    }
    for name, numbers in p_values.items():
        key = name.replace(",", "").replace(" ", "_")
        values[f"rejection_share_{key}"] = float(np.mean(numbers < _LEVEL))
        values[f"ks_p_value_{key}"] = float(kstest(numbers, "uniform").pvalue)
    return values


def write_excerpt(table: pd.DataFrame, path: Path) -> None:
    """The first photo's records as a small CSV, for the page."""
    pair = sorted(table["pair_id"])[0]
    rows = table[table["pair_id"] == pair].sort_values(
        "role", key=lambda roles: roles.map(ROLES.index)
    )
    with replacing(path) as partial:
        rows[list(_SHOWN_COLUMNS)].to_csv(partial, index=False)


def arrange_sheet(photos: Sequence[Sequence[ShownImage]]) -> list[dict[str, bytes]]:
    """The contact sheet's columns: images by title, real and shams first, masks below their fakes.

    Args:
        photos: the images of each photo.
    """
    columns = [dict(pair for one in images for pair in _title(one)) for images in photos]
    titles = [title for title in _order_titles() if all(title in column for column in columns)]
    if any(title.startswith("sham ") for title in titles):
        titles.remove("sham")
    return [{title: column[title] for title in titles} for column in columns]


def _title(one: ShownImage) -> Iterator[tuple[str, bytes]]:
    role, family, method = (one.labels[name] for name in ("role", "family", "method"))
    if role != "fake":
        yield role, one.image
        yield f"{role} {family}", one.image
        return
    yield method, one.image
    if one.mask is not None and family in LOCAL_FAMILIES:
        yield f"{method} mask", one.mask


def _order_titles() -> list[str]:
    """Shams by family where every photo has all of them, else the one each has."""
    shams = [f"sham {family}" for family in (*LOCAL_FAMILIES, reconstruct.FAMILY)]
    fakes = [title for name in NAMES for title in (name, f"{name} mask")]
    return ["real", *shams, "sham", *fakes]


def measure_content_sizes(splits: Mapping[str, Dataset], seed: int) -> dict[str, Measured]:
    """How far the length of the compressed picture, without padding, tells each method from real.

    Why: files of a photo are padded to one length, but a smoother picture still compresses better.
    It is a property of the pixels, so it is reported and not refused.
    """
    rows = [row for name in SPLITS for row in splits[name].select_columns(list(_SIZE_COLUMNS))]
    sizes = np.array([measure_content_bytes(row["image"]["bytes"]) for row in rows])
    labels = np.array([row["label"] for row in rows])
    methods = np.array([row["method"] for row in rows])
    groups = np.array([row["component_id"] for row in rows])

    def auroc_over(chosen: NDArray[np.int64]) -> Measured:
        kept, smallness = labels[chosen], -sizes[chosen].astype(np.float64)
        return Ranking(kept, smallness).estimate(groups[chosen]).measured

    return {
        f"content_size_auroc_{method}": auroc_over(
            np.flatnonzero((labels != FAKE) | (methods == method))
        )
        for method in np.unique(methods[labels == FAKE])
    }
