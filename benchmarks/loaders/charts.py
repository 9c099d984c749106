"""Figures of question 4: the race of loaders, custom datasets, growth."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.loaders.titles import title_of
from faceproof.reports.figures import save_figure

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)  # ticks of a scale by ratios
_GREYS = ("black", "0.45", "0.75")


def draw_race(result: Path, path: Path) -> None:
    """Images per second of every loader, at each latency.

    Args:
        result: file written by `question_04/measure.py`.
        path: PNG to write.
    """
    values = json.loads(result.read_text())["values"]
    latencies = sorted(
        int(name.removeprefix("loader_ours_").removesuffix("ms_images_per_second"))
        for name in values
        if name.startswith("loader_ours_") and name.endswith("ms_images_per_second")
        and name.removeprefix("loader_ours_")[0].isdigit()
    )  # fmt: skip
    ending = f"_{latencies[0]}ms_images_per_second"
    names = [
        name.removeprefix("loader_").removesuffix(ending)
        for name in values if name.startswith("loader_") and name.endswith(ending)
    ]  # fmt: skip
    names.sort(key=lambda name: values[f"loader_{name}{ending}"])
    height = 0.8 / len(latencies)
    figure, axes = plt.subplots(figsize=(6.6, 0.42 * len(names) + 0.8))
    for number, (latency, grey) in enumerate(zip(latencies, _GREYS, strict=False)):
        rates = [values.get(f"loader_{name}_{latency}ms_images_per_second", 0) for name in names]
        places = [one + 0.4 - height * (number + 0.5) for one in range(len(names))]
        axes.barh(places, rates, height * 0.9, color=grey, label=f"{latency} ms added")
    axes.set_yticks(range(len(names)), [title_of(name) for name in names], fontsize=8)
    axes.set_xlabel("images per second, whole first epoch, two cores")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    save_figure(figure, path)


def draw_resampling(result: Path, path: Path) -> None:
    """Seconds from S3 to the rows of a custom dataset, by engine and table size, log scale.

    Args:
        result: file written by `question_04/measure.py`.
        path: PNG to write.
    """
    values = json.loads(result.read_text())["values"]
    kinds = (("declared", "100,000 rows, even over 28 strata"), ("sql", "rows by a query"))
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 2.8), gridspec_kw={"wspace": 0.62})
    for panel, (kind, title) in zip(panels, kinds, strict=True):
        found = [
            name.removeprefix(f"{kind}_").removesuffix("_seconds").split("_", 1)
            for name in values if name.startswith(f"{kind}_") and name.endswith("_seconds")
        ]  # fmt: skip
        names = sorted({name for _, name in found}, key=lambda name: name.startswith("ours"))
        sizes = sorted({int(size) for size, _ in found})
        for number, (size, grey) in enumerate(zip(sizes, _GREYS, strict=False)):
            seconds = [values[f"{kind}_{size}_{name}_seconds"] for name in names]
            places = [one + 0.2 - 0.4 * number for one in range(len(names))]
            panel.barh(places, seconds, 0.36, color=grey, label=f"of {size:,} rows")
        panel.set_xscale("log")
        panel.set_xlim(_SECONDS[0], _SECONDS[-1])
        panel.set_xticks(_SECONDS, [f"{one:g}" for one in _SECONDS])
        panel.minorticks_off()
        panel.set_yticks(range(len(names)), [title_of(name) for name in names], fontsize=8)
        panel.set_xlabel("seconds")
        panel.set_title(title, fontsize=9)
    panels[1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(figure, path)


def draw_growth(memory: Mapping[str, Sequence[float]], result: Path, path: Path) -> None:
    """Images per second of writing and reading by size; memory of the reader over an epoch.

    Args:
        memory: megabytes held, over the epoch, by number of images.
        result: file written by `question_04/measure.py`.
        path: PNG to write.
    """
    values = json.loads(result.read_text())["values"]
    sizes = sorted(map(int, memory))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 2.8), gridspec_kw={"wspace": 0.32})
    for what, label, mark in (("write", "written", "s"), ("read", "read and decoded", "o")):
        rates = [size / values[f"growth_{size}_{what}_seconds"] for size in sizes]
        left.plot(sizes, rates, color="black", marker=mark, label=label)
    left.set_xscale("log")
    left.set_ylim(bottom=0)
    left.set_xlabel("images in the store")
    left.set_ylabel("images per second")
    left.legend(frameon=False, fontsize=8)
    for size, grey in zip(reversed(sizes), _GREYS, strict=False):
        held = memory.get(str(size), [])
        share = [number / max(1, len(held) - 1) for number in range(len(held))]
        right.plot(share, held, color=grey, label=f"{size:,} images")
    right.set_ylim(bottom=0)
    right.set_xlabel("share of the epoch read")
    right.set_ylabel("memory of the reader, MB")
    right.legend(frameon=False, fontsize=8)
    save_figure(figure, path)
