"""Numbers of the protocol: from the cells' scores on disk to values with intervals.

A value over several training runs is the mean of the metric over the runs; its interval is that of
whole components drawn again, the runs held fixed. The ablation gives the spread over runs (`_sd`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.leave_one_out.baselines import BASELINES, read_baseline, score_baseline
from benchmarks.leave_one_out.cells import Cell, CellScores, read_cell
from benchmarks.leave_one_out.protocol import MAIN, ProtocolSettings
from faceproof.bootstrap import Statistic
from faceproof.detector.calibration import Decision, calibrate
from faceproof.detector.evaluation import average, list_statistics, measure_all
from faceproof.errors import MetricError
from faceproof.intervals import Ranking
from faceproof.metrics import Measured, Rows, auroc
from faceproof.records import FAKE, Split
from faceproof.results import Scalar
from faceproof.training.augmentation import ABLATED, Recipe
from faceproof.training.splits import LoadedSplit

Values = dict[str, Measured | Scalar]
Pools = Mapping[Split, LoadedSplit]

_IN_DOMAIN = "in_domain"
_SUBGROUPS = ("sex", "age_band", "skin_tone")
_SUBGROUP_REALS = 60  # below so many real images no false-alarm rate is stated


@dataclass(frozen=True)
class Runs:
    """Training runs that scored the same rows of test.

    `rows` are row numbers, shape (N,); `margins` has shape (runs, N); `decisions` one a run.
    """

    rows: Rows
    margins: NDArray[np.float64]
    decisions: Sequence[Decision]


def read_runs(
    run: ProtocolSettings, pools: Pools, augment: Recipe, left_out: str | None, seeds: int
) -> Runs:
    """The runs of one cell over its seeds; each decided on validation of what it knew."""
    read = [
        read_cell(Cell(MAIN, augment, left_out, run.seed + number), run.work / "cells")
        for number in range(seeds)
    ]
    error_rate = run.read_recipe(MAIN).model.error_rate
    return Runs(
        rows=read[0].rows["test"],
        margins=np.stack([one.margins["test"] for one in read]),
        decisions=[_decide(one, pools["validation"], left_out, error_rate) for one in read],
    )


def _decide(
    scores: CellScores, pool: LoadedSplit, left_out: str | None, error_rate: float
) -> Decision:
    rows, margins = scores.rows["validation"], scores.margins["validation"]
    is_known = np.isin(rows, pool.rows_without(left_out))
    return calibrate(pool.labels[rows[is_known]], margins[is_known], error_rate)


def measure_runs(runs: Runs, pool: LoadedSplit, seed: int) -> dict[str, Measured]:
    """Every metric of the runs, on the rows that they scored."""
    labels = pool.labels[runs.rows]
    statistics = [
        list_statistics(labels, decision.to_scores(margins), decision)
        for margins, decision in zip(runs.margins, runs.decisions, strict=True)
    ]
    return measure_all(average(statistics), pool.groups[runs.rows], seed)


def measure_choice(run: ProtocolSettings, pools: Pools) -> Values:
    """AUROC on validation people of each recipe by family left out, and mean over families.

    What chooses the winner; test is not read.
    """
    families = pools["train"].families
    values: Values = {}
    for augment in ABLATED:
        by_family = [
            float(_auroc_by_seed(run, pools, augment, family, "validation").mean())
            for family in families
        ]
        values |= {
            f"choice_{augment}_{family}": value
            for family, value in zip(families, by_family, strict=True)
        }
        values[f"choice_{augment}"] = float(np.mean(by_family))
    return values


def measure_ablation(run: ProtocolSettings, pools: Pools) -> Values:
    """Mean and spread over seeds of test AUROC by recipe, in-domain and by family left out."""
    families = pools["train"].families
    values: Values = {"ablation_seeds": run.seeds}
    for augment in ABLATED:
        columns = {
            column: _auroc_by_seed(run, pools, augment, left_out, "test")
            for column, left_out in ((_IN_DOMAIN, None), *zip(families, families, strict=True))
        }
        columns["left_out"] = np.mean([columns[family] for family in families], axis=0)
        for column, by_seed in columns.items():
            values[f"ablation_{augment}_{column}"] = float(by_seed.mean())
            values[f"ablation_{augment}_{column}_sd"] = _spread(by_seed)
    return values


def _auroc_by_seed(
    run: ProtocolSettings, pools: Pools, augment: Recipe, left_out: str | None, split: Split
) -> NDArray[np.float64]:
    found = []
    for number in range(run.seeds):
        scores = read_cell(Cell(MAIN, augment, left_out, run.seed + number), run.work / "cells")
        rows, margins = scores.rows[split], scores.margins[split]
        is_asked = np.isin(rows, pools[split].rows_against(left_out))
        found.append(auroc(pools[split].labels[rows[is_asked]], margins[is_asked]))
    return np.array(found)


def _spread(by_seed: NDArray[np.float64]) -> float:
    return float(by_seed.std(ddof=1)) if len(by_seed) > 1 else 0.0


def choose_recipes(
    values: Mapping[str, object], families: Sequence[str]
) -> tuple[Recipe, dict[str, Recipe]]:
    """The recipe with the highest mean validation AUROC over left-out families.

    Returns:
        The choice by all families, and for each family the choice by the others: what is measured
        on a family must not have been chosen by it.
    """

    def best(among: Sequence[str]) -> Recipe:
        return max(
            ABLATED,
            key=lambda augment: float(
                np.mean([values[f"choice_{augment}_{family}"] for family in among])
            ),
        )

    without = {family: best([one for one in families if one != family]) for family in families}
    return best(families), without


def measure_families(run: ProtocolSettings, pools: Pools, recipes: Mapping[str, Recipe]) -> Values:
    """The honest headline: each family left out, the winner and the baselines on the same rows.

    The recipe for a family is the one that the other families chose.

    `left_families_<who>` is the mean over families, `beats_<baseline>` the paired difference of the
    winner's, both with intervals over components drawn for all families at once.
    """
    test = pools["test"]
    values: Values = {f"recipe_without_{family}": recipe for family, recipe in recipes.items()}
    ranked: dict[str, dict[str, Statistic]] = {}
    for family, recipe in recipes.items():
        runs = read_runs(run, pools, recipe, family, run.seeds)
        for name, value in measure_runs(runs, test, run.seed).items():
            values[f"left_{family}_{name}"] = value
        ranked[family] = {"winner": _rank_all(test, runs.rows, runs.margins)}
        labels, groups = test.labels[runs.rows], test.groups[runs.rows]
        for name in BASELINES:
            margins = _score_baseline(run, pools, name, family, runs.rows)
            ranked[family][name] = _rank_all(test, runs.rows, margins)
            statistic = {f"left_{family}_{name}_auroc": Ranking(labels, margins)}
            values |= measure_all(statistic, groups, run.seed)
    return values | _compare(ranked, test, run.seed)


def _compare(
    ranked: Mapping[str, Mapping[str, Statistic]], test: LoadedSplit, seed: int
) -> dict[str, Measured]:
    def mean(who: str, rows: Rows) -> float:
        return float(np.mean([by_name[who](rows) for by_name in ranked.values()]))

    def lead(baseline: str, rows: Rows) -> float:
        return mean("winner", rows) - mean(baseline, rows)

    means = {f"left_families_{who}": partial(mean, who) for who in ("winner", *BASELINES)}
    leads = {f"beats_{name}": partial(lead, name) for name in BASELINES}
    return measure_all(means, test.groups, seed) | measure_all(
        leads, test.groups, seed, limits=(-1.0, 1.0)
    )


def _rank_all(test: LoadedSplit, rows: Rows, margins: NDArray[np.float64]) -> Statistic:
    """AUROC by rows of the whole split, mean over runs; rows that were not scored do not count."""
    place = np.full(len(test.table), -1)
    place[rows] = np.arange(len(rows))
    labels = test.labels[rows]

    def rank(drawn: Rows) -> float:
        known = place[drawn]
        known = known[known >= 0]
        return float(np.mean([auroc(labels[known], one[known]) for one in np.atleast_2d(margins)]))

    return rank


def _score_baseline(
    run: ProtocolSettings, pools: Pools, name: str, left_out: str | None, rows: Rows
) -> NDArray[np.float64]:
    """Margins of test rows by a baseline that knew what the cell knew."""
    folder = run.work / "features"
    features = {
        split: read_baseline(name, pool, folder / f"{pool.fingerprint[:12]}-{split}-{name}.npy")
        for split, pool in pools.items()
    }

    known = {split: pool.rows_without(left_out) for split, pool in pools.items()}
    train, validation = (
        (features[split][known[split]], pools[split].labels[known[split]])
        for split in ("train", "validation")
    )
    return score_baseline(train, validation, features["test"][rows])


def measure_in_domain(run: ProtocolSettings, pools: Pools, winner: Recipe) -> Values:
    """The winner on methods it knows and people it does not: whole, by method, by subgroup."""
    test = pools["test"]
    runs = read_runs(run, pools, winner, None, run.seeds)
    values: Values = {
        f"{_IN_DOMAIN}_{name}": value for name, value in measure_runs(runs, test, run.seed).items()
    }
    for method in test.methods:
        chosen = test.rows_against(method)
        statistic = _mean_auroc(test, chosen, runs.margins[:, chosen])
        values |= measure_all(
            {f"{_IN_DOMAIN}_auroc_{method}": statistic}, test.groups[chosen], run.seed
        )
    for name in BASELINES:
        margins = _score_baseline(run, pools, name, None, runs.rows)
        values |= measure_all(
            {f"{_IN_DOMAIN}_{name}_auroc": Ranking(test.labels, margins)},
            test.groups, run.seed,
        )  # fmt: skip
    return values | _measure_subgroups(runs, test, run.seed) | _find_worst_method(values)


def _mean_auroc(pool: LoadedSplit, rows: Rows, margins: NDArray[np.float64]) -> Statistic:
    labels = pool.labels[rows]
    return lambda drawn: float(np.mean([auroc(labels[drawn], one[drawn]) for one in margins]))


def _find_worst_method(values: Mapping[str, Measured | Scalar]) -> Values:
    prefix = f"{_IN_DOMAIN}_auroc_"
    by_method = {
        name.removeprefix(prefix): value.value
        for name, value in values.items()
        if name.startswith(prefix) and isinstance(value, Measured)
    }
    return {"worst_method": min(by_method, key=lambda name: by_method[name])}


def _measure_subgroups(runs: Runs, test: LoadedSplit, seed: int) -> Values:
    """AUROC and false alarms of each subgroup that has reals enough, and which is worst."""
    values: Values = {}
    by_group: dict[str, float] = {}
    for column in _SUBGROUPS:
        for name, count in Counter(test.table[column][test.labels != FAKE]).items():
            if count < _SUBGROUP_REALS:
                continue
            chosen = np.flatnonzero(test.table[column] == name)
            part = Runs(chosen, runs.margins[:, chosen], runs.decisions)
            found = measure_runs(part, test, seed)
            for metric in ("auroc", "false_alarms"):
                if metric in found:
                    values[f"subgroup_{column}_{name}_{metric}"] = found[metric]
            if "auroc" in found:
                by_group[f"{column}_{name}"] = found["auroc"].value
    if by_group:
        values["worst_subgroup"] = min(by_group, key=lambda name: by_group[name])
    return values


def measure_methods(run: ProtocolSettings, pools: Pools, winner: Recipe) -> Values:
    """Each method left out, its family's other methods still known."""
    test = pools["test"]
    values: Values = {"method_seeds": run.method_seeds}
    by_method: dict[str, float] = {}
    for method in test.methods:
        runs = read_runs(run, pools, winner, method, run.method_seeds)
        statistic = _mean_auroc(test, runs.rows, runs.margins)
        found = measure_all({method: statistic}, test.groups[runs.rows], run.seed)
        values |= {f"left_method_{name}": value for name, value in found.items()}
        by_method |= {name: value.value for name, value in found.items()}
    if not by_method:
        raise MetricError("no method could be measured; the test split is too small")
    return values | {
        "left_method_mean": float(np.mean(list(by_method.values()))),
        "left_method_worst": min(by_method, key=lambda name: by_method[name]),
    }
