"""Scores with a planted answer, on disk as cells write them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.leave_one_out.axes import (
    choose_recipes,
    measure_ablation,
    measure_choice,
    measure_families,
    measure_in_domain,
    measure_methods,
)
from benchmarks.leave_one_out.cells import Cell, choose_rows, read_commits
from benchmarks.leave_one_out.protocol import (
    MAIN,
    ProtocolSettings,
    plan_ablation,
    plan_winner,
)

from faceproof.metrics import Measured
from faceproof.records import UNSEEN_SPLITS
from faceproof.training.augmentation import ABLATED, Recipe
from faceproof.training.splits import LoadedSplit

RECIPE = Path(__file__).parents[3] / "benchmarks/leave_one_out/smallest.yaml"
PEOPLE = 24
WINNER: Recipe = "degradation"


@pytest.fixture(scope="module")
def large(pool: LoadedSplit) -> LoadedSplit:
    """The tiny split six times over, as if of other people."""
    parts = []
    for copy in range(PEOPLE // 4):
        part = pool.table.copy()
        for column in ("component_id", "pair_id", "image_id"):
            part[column] = part[column] + f"-{copy}"
        part["sex"], part["age_band"], part["skin_tone"] = "male", "40-59", "light"
        parts.append(part)
    return replace(pool, table=pd.concat(parts, ignore_index=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, large: LoadedSplit) -> ProtocolSettings:
    """Every cell's scores: perfect on swaps for one recipe, noise else; dcgan always found."""
    work = tmp_path_factory.mktemp("work")
    settings = ProtocolSettings(
        recipe=RECIPE, sources=[f"{MAIN}=unused"], work=work, results=work, figures=work, seeds=2,
        method_seeds=2,
    )  # fmt: skip
    families, methods = large.families, ["dcgan", "swap"]
    for cell in [*plan_ablation(settings, families), *plan_winner(settings, WINNER, methods)]:
        write_cell(cell, large, work / "cells")
    return settings


def write_cell(cell: Cell, pool: LoadedSplit, folder: Path) -> None:
    rng = np.random.default_rng(cell.seed + 100)
    arrays: dict[str, np.ndarray] = {"commit": np.array(f"commit{cell.seed}")}
    for split in UNSEEN_SPLITS:
        rows = choose_rows(pool, cell.left_out, split)
        margins = rng.normal(size=len(rows))
        methods = np.asarray(pool.table["method"])[rows]
        margins[methods == "dcgan"] += 50
        margins[(methods == "swap") & (cell.augment == WINNER)] += 50
        arrays |= {f"{split}_rows": rows, f"{split}_margins": margins}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{cell.name}.npz", allow_pickle=False, **arrays)


def value_of(values: object, name: str) -> float:
    found = values[name]  # type: ignore[index]
    assert isinstance(found, Measured)
    return found.value


def pools_of(pool: LoadedSplit) -> dict[str, LoadedSplit]:
    return {"train": pool, "validation": pool, "test": pool}


def test_the_recipe_that_finds_what_it_never_saw_wins(
    run: ProtocolSettings, large: LoadedSplit
) -> None:
    values = measure_ablation(run, pools_of(large))  # type: ignore[arg-type]  # splits as text
    assert values[f"ablation_{WINNER}_blend"] == 1.0
    assert values[f"ablation_{WINNER}_blend_sd"] == 0.0
    assert 0.3 < values["ablation_none_blend"] < 0.7  # type: ignore[operator]
    assert values["ablation_none_synthesize"] == 1.0
    choice = measure_choice(run, pools_of(large))  # type: ignore[arg-type]
    winner, without = choose_recipes(choice, large.families)
    assert winner == without["synthesize"] == WINNER
    assert without["blend"] == "none"  # without a look at blend all are alike: the first


def test_families_are_compared_with_baselines_on_the_same_rows(
    run: ProtocolSettings, large: LoadedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only baseline is a feature that tells nothing."""
    monkeypatch.setattr("benchmarks.leave_one_out.axes.BASELINES", {"noise": None})
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        "benchmarks.leave_one_out.axes.read_baseline",
        lambda name, pool, place: rng.normal(size=(len(pool.table), 3)).astype(np.float32),
    )
    values = measure_families(run, pools_of(large), dict.fromkeys(large.families, WINNER))  # type: ignore[arg-type]
    assert value_of(values, "left_families_winner") == 1.0
    lead = values["beats_noise"]
    assert isinstance(lead, Measured)
    assert lead.value == pytest.approx(1 - value_of(values, "left_families_noise"))
    assert lead.low > 0
    assert value_of(values, "left_blend_auroc") == 1.0
    assert value_of(values, "left_blend_coverage") <= 1.0
    in_domain = measure_in_domain(run, pools_of(large), WINNER)  # type: ignore[arg-type]
    assert value_of(in_domain, "in_domain_auroc") == 1.0
    assert value_of(in_domain, "in_domain_auroc_swap") == 1.0
    assert in_domain["worst_method"] in {"swap", "dcgan"}
    assert not [name for name in in_domain if name.startswith("subgroup")]  # 48 reals are too few


def test_methods_left_out_have_a_mean_and_a_worst(
    run: ProtocolSettings, large: LoadedSplit
) -> None:
    values = measure_methods(run, pools_of(large), WINNER)  # type: ignore[arg-type]
    assert values["left_method_mean"] == 1.0
    assert value_of(values, "left_method_swap") == 1.0


def test_the_plan_names_every_cell_once(run: ProtocolSettings) -> None:
    cells = plan_ablation(run, ["a", "b"])
    assert len(cells) == len({cell.name for cell in cells}) == 2 * 3 * len(ABLATED)
    assert {cell.seed for cell in cells} == {0, 1}


def test_the_commits_that_trained_are_told(run: ProtocolSettings, large: LoadedSplit) -> None:
    cells = plan_ablation(run, large.families)
    assert read_commits(cells, run.work / "cells") == "commit0 commit1"
