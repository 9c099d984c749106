"""Figures of the protocol: augmentation recipes, and what stresses leave."""

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from faceproof.reports.figures import save_figure

_MARKS: Sequence[dict[str, Any]] = (
    {"color": "black", "marker": "o"},
    {"color": "0.35", "marker": "s"},
    {"color": "0.35", "marker": "^"},
    {"color": "0.6", "marker": "D"},
    {"color": "black", "marker": "x"},
)  # one for each augmentation recipe


def draw_ablation(result: Path, path: Path) -> None:
    """AUROC of each augmentation recipe, in-domain and with each family left out.

    Args:
        result: file written by `benchmarks/leave_one_out/measure.py`.
        path: PNG to write.
    """
    values = json.loads(result.read_text())["values"]
    prefix, suffix = "ablation_", "_in_domain"
    recipes = [
        name.removeprefix(prefix).removesuffix(suffix)
        for name in values
        if name.startswith(prefix) and name.endswith(suffix)
    ]
    start = f"{prefix}{recipes[0]}_"
    columns = [
        name.removeprefix(start)
        for name in values
        if name.startswith(start) and not name.endswith("_sd")
    ]
    figure, axes = plt.subplots(figsize=(7.6, 3.4))
    for place, (recipe, style) in enumerate(zip(recipes, cycle(_MARKS), strict=False)):
        across = np.arange(len(columns)) + 0.13 * (place - (len(recipes) - 1) / 2)
        heights = [values[f"{prefix}{recipe}_{column}"] for column in columns]
        spreads = [values[f"{prefix}{recipe}_{column}_sd"] for column in columns]
        label = recipe.replace("_", " ")
        axes.errorbar(across, heights, spreads, linestyle="", capsize=2, label=label, **style)
    axes.axhline(0.5, color="0.6", linewidth=1, linestyle=":")
    axes.set_xticks(np.arange(len(columns)), [_name_column(column) for column in columns])
    axes.set_ylabel("AUROC on test people")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(figure, path)


def _name_column(column: str) -> str:
    names = {"in_domain": "in domain", "left_out": "mean of\nleft out"}
    return names.get(column, f"without\n{column}")


def draw_ladder(result: Path, path: Path) -> None:
    """AUROC of the winner under each stress, with intervals, and the share of verdicts that flip.

    Args:
        result: file written by `benchmarks/leave_one_out/measure.py`.
        path: PNG to write.
    """
    values = json.loads(result.read_text())["values"]
    names = [
        name.removeprefix("stress_").removesuffix("_auroc")
        for name in values
        if name.startswith("stress_") and name.endswith("_auroc")
    ]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.2, 0.24 * len(names) + 0.8), sharey=True, gridspec_kw={"wspace": 0.06}
    )
    down = np.arange(len(names))[::-1]
    for panel, metric in ((left, "auroc"), (right, "flips")):
        shown = [
            (row, name) for row, name in zip(down, names, strict=True)
            if f"stress_{name}_{metric}" in values
        ]  # fmt: skip
        middle, low, high = (
            np.array([values[f"stress_{name}_{metric}{part}"] for _, name in shown])
            for part in ("", "_low", "_high")
        )
        panel.errorbar(
            middle, [row for row, _ in shown], xerr=np.maximum([middle - low, high - middle], 0),
            linestyle="", marker="o", color="black", markersize=4, capsize=2,
        )  # fmt: skip
    left.axvline(values["stress_as_is_auroc"], color="0.6", linewidth=1, linestyle=":")
    left.set_yticks(down, [name.replace("_", " ") for name in names])
    left.set_xlabel("AUROC")
    right.set_xlabel("share of verdicts that flip")
    save_figure(figure, path)
