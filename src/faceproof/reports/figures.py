"""Every figure: one message each, drawn from what other stages wrote."""

import io
import json
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from faceproof.storage import GENERATOR, replacing

mpl.use("Agg")

_DPI = 120
CREDITS = {
    "orl": "Photos: ORL faces, AT&T Laboratories Cambridge",
    "portraits": "Photos: portraits of members of the US Congress, public domain",
}
_STYLES: Sequence[dict[str, Any]] = (
    {"color": "black"},
    {"color": "0.1", "linestyle": "--"},
    {"color": "0.1", "linestyle": ":", "linewidth": 2},
    {"color": "0.45", "linestyle": "-.", "linewidth": 2},
    {"color": "0.45", "linestyle": (0, (1, 1))},
)  # one for each sampler; told apart in grey print
_OUTCOMES: Mapping[str, dict[str, Any]] = {
    "pass": {"marker": "o", "markerfacecolor": "white"},
    "fail": {"marker": "X"},
    "underpowered": {"marker": "$?$"},
    "not_applicable": {"marker": ".", "alpha": 0.4},
}
_WIDEST = 1.2  # a ratio beyond it would squeeze all shares into a corner
Gallery = Sequence[Mapping[str, bytes]]


def draw_triplets(triplets: Gallery, source: str, path: Path) -> None:
    """Contact sheet: one photo per column; its real, sham, fakes and masks below each other.

    Args:
        triplets: one mapping per photo, from row title to an encoded image; the same titles in all.
        source: of the photos, for the credit.
        path: PNG to write.
    """
    titles = list(triplets[0])
    figure, axes = plt.subplots(
        len(titles), len(triplets),
        figsize=(1.15 * len(triplets) + 1.1, 1.15 * len(titles) + 0.3),
        gridspec_kw={"wspace": 0.04, "hspace": 0.04, "bottom": 0.05, "top": 1.0, "right": 1.0},
        squeeze=False,
    )  # fmt: skip
    for row, title in enumerate(titles):
        for column, triplet in enumerate(triplets):
            panel = axes[row, column]
            panel.imshow(Image.open(io.BytesIO(triplet[title])), cmap="gray", vmin=0, vmax=255)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
        axes[row, 0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=10)
    figure.text(1.0, 0.035, CREDITS.get(source, ""), ha="right", va="top", fontsize=7, color="0.35")
    save_figure(figure, path)


def draw_p_values(p_values: Mapping[str, NDArray[np.float64]], path: Path) -> None:
    """Chi-square p-values over seeds, a curve per sampler: i.i.d. uniform lies on the diagonal."""
    figure, axes = plt.subplots(figsize=(5.6, 3.6))
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=4, label="uniform, as it should be")
    for (name, values), style in zip(p_values.items(), cycle(_STYLES), strict=False):
        shares = np.arange(1, len(values) + 1) / len(values)
        ends = np.concatenate([[0], np.sort(values), [1]]), np.concatenate([[0], shares, [1]])
        axes.step(*ends, where="post", label=name, **style)
    axes.set(xlabel="p-value of the chi-square test for equal cells", xlim=(-0.02, 1.02))
    axes.set_ylabel("share of seeds at or below")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(figure, path)


def draw_history(history: Path, path: Path) -> None:
    """Training loss and validation AUROC by epoch, of the JSON lines that training wrote.

    Where nothing was validated, the loss alone.
    """
    entries = pd.DataFrame(
        [json.loads(line) for line in history.read_text().splitlines()],
        columns=["epoch", "loss", "eval_loss", "eval_auroc"],
    )
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.6, 4.2), sharex=True)
    losses = entries.dropna(subset=["loss"])
    checks = entries.dropna(subset=["eval_auroc"])
    top.plot(losses["epoch"], losses["loss"], color="black", label="training")
    dashed = {"color": "black", "linestyle": "--", "label": "validation"}
    top.plot(checks["epoch"], checks["eval_loss"], **dashed)
    top.set_ylabel("cross-entropy (nats)")
    top.legend(frameon=False, fontsize=8)
    bottom.plot(checks["epoch"], checks["eval_auroc"], color="black")
    bottom.axhline(0.5, color="0.6", linewidth=1, linestyle=":")
    bottom.set(xlabel="epoch", ylabel="validation AUROC")
    save_figure(figure, path)


def draw_detection(curves: Mapping[str, Sequence[Sequence[float]]], path: Path) -> None:
    """ROC curve, precision and recall, reliability diagram, side by side.

    Args:
        curves: `roc` (rates of false alarms and of fakes found), `precision_recall` (share of fakes
            found, and of fakes among those called fake), `reliability` (stated probability and
            observed share of fakes, by bin); each two equally long lists, across and up.
        path: PNG to write.
    """
    figure, panels = plt.subplots(1, 3, figsize=(10.2, 3.3), gridspec_kw={"wspace": 0.32})
    shown = {
        "roc": ("share of reals called fake", "share of fakes found"),
        "precision_recall": ("share of fakes found", "share of fakes among those called fake"),
        "reliability": ("stated probability of fake", "observed share of fakes"),
    }
    for panel, (name, (x_label, y_label)) in zip(panels, shown.items(), strict=True):
        across, up = curves[name]
        panel.plot(across, up, color="black", marker="o" if panel is panels[2] else None)
        panel.set(xlabel=x_label, ylabel=y_label, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for panel in (panels[0], panels[2]):
        panel.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=":")
    save_figure(figure, path)


def draw_findings(findings: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Every finding of an audit's report with an interval: its value, and the limit of failing."""
    shown = [one for one in findings if one["low"] is not None and one["high"] <= _WIDEST]
    figure, axes = plt.subplots(figsize=(6.4, 0.24 * len(shown) + 0.9))
    for down, one in enumerate(reversed(shown)):
        reach = [[one["value"] - one["low"]], [one["high"] - one["value"]]]
        axes.errorbar(
            [one["value"]], [down], xerr=np.maximum(reach, 0), color="black", capsize=2,
            markersize=5, **_OUTCOMES[one["outcome"]],
        )  # fmt: skip
        axes.plot([one["limit"]], [down], marker="|", color="0.5", markersize=11)
    axes.set_yticks(range(len(shown)), [one["code"] for one in reversed(shown)], fontsize=8)
    axes.set_xlabel("value, with its 95 % interval; grey bar: the limit")
    for outcome, style in _OUTCOMES.items():
        axes.plot([], [], linestyle="", color="black", label=outcome.replace("_", " "), **style)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all, the same bytes each time."""
    with replacing(path) as partial:
        figure.savefig(
            partial, dpi=_DPI, bbox_inches="tight", format="png", metadata={"Software": GENERATOR}
        )
    plt.close(figure)
