"""The figure of the bench: coverage of every cell by number of groups."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.coverage.cells import METRICS, Cell
from benchmarks.coverage.simulate import Outcome
from faceproof.reports.figures import save_figure

_PANELS: Mapping[str, tuple[str, ...]] = {
    "AUROC": ("auroc", "auroc_apart"),
    "rates": ("rate",),
    "differences": ("lead", "gap"),
    "everything else": (*METRICS, "calibration"),
}
_STEPS = (5, 8, 20, 100, 500)
_NOMINAL = 0.95


def draw_coverage(outcomes: Mapping[Cell, Outcome], path: Path) -> None:
    """One dot a cell: share of data sets whose interval holds the truth, by number of groups.

    Args:
        outcomes: of all cells.
        path: PNG to write.
    """
    rng = np.random.default_rng(0)
    figure, panels = plt.subplots(1, len(_PANELS), figsize=(9.6, 2.9), sharey=True)
    for panel, (title, kinds) in zip(panels, _PANELS.items(), strict=True):
        chosen = [(cell, one) for cell, one in outcomes.items() if cell.kind in kinds]
        for is_correlated, style in ((False, "none"), (True, "black")):
            dots = [
                (_STEPS.index(cell.groups) + rng.uniform(-0.25, 0.25), one.coverage)
                for cell, one in chosen
                if (cell.correlation > 0) == is_correlated and not cell.is_apart
            ]
            if dots:
                across, up = zip(*dots, strict=True)
                panel.scatter(across, up, s=9, facecolors=style, edgecolors="black", linewidths=0.6)
        panel.axhline(_NOMINAL, color="0.5", linewidth=1, linestyle="--")
        panel.set_xticks(range(len(_STEPS)), [str(one) for one in _STEPS])
        panel.set_xlim(-0.5, len(_STEPS) - 0.5)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("groups")
    panels[0].set_ylabel("share of intervals\nthat hold the truth")
    save_figure(figure, path)
