"""Comparisons: with the forgery itself, trivial baselines, shuffled labels, other seeds."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from faceproof.audit.cases import Case
from faceproof.audit.checks.check import Check, find_worst
from faceproof.audit.interventions import fit_mask
from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.gates import score_across_folds
from faceproof.intervals import Combination, Ranking, Share
from faceproof.metrics import Labels, Measured, auroc
from faceproof.records import FAKE

_HEAT_IMAGES = 40
_FEWEST = 10
_SHUFFLES = 200
_WEAK = 0.65  # an AUROC that would have been seen, were it there
_FACTS = ("width", "height", "quantisation", "subsampling")


class Localisation(Check):
    """Share of the heat inside the mask over the mask's share of the image, mean over fakes."""

    code, title = "localisation", "Where the classifier looks"
    measure = "heat inside the forged region over what an even heat map would have"
    limit = 1.0
    is_upper = False
    counts = "fakes with a mask"
    needs = "model"
    passed = "It looks at the forgery more than elsewhere."
    failed = "It does not look at the forgery."
    advice = "Write both labels by one path (size, encoder, crop), train again, measure again."

    def find(self, case: Case) -> Finding:
        ratios, shares = _find_heat(case)
        places = np.flatnonzero(np.isfinite(ratios))
        if len(places) < _FEWEST:
            return self.skip(f"Fewer than {_FEWEST} fakes have a mask of a local forgery.")
        most = 1 / float(np.nanmin(shares))  # all heat inside the smallest mask
        return self.judge(case.measure(lambda one: float(ratios[one].mean()), places, (0.0, most)))


def _find_heat(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heat ratio and the mask's share of the image for some fakes, else not a number."""
    assert case.classifier is not None
    ratios, shares = np.full((2, len(case.labels)), np.nan)
    fakes = np.random.default_rng(case.seed).permutation(np.flatnonzero(case.labels == FAKE))
    for place in progress(fakes.tolist(), "heat maps", "fakes", len(fakes)):
        row = int(case.scored.rows[place])
        mask = case.regions.own(row)
        if mask is None:
            continue
        picture = case.evidence.picture(row)
        heat = case.classifier.find_heat(picture)
        share = fit_mask(mask, picture).astype(np.float64) / 255
        if not share.any() or not heat.any():  # it looks nowhere
            continue
        shares[place] = share.mean()
        ratios[place] = float((heat * share).sum() / heat.sum() / share.mean())
        if np.isfinite(ratios).sum() == _HEAT_IMAGES:
            break
    return ratios, shares


class Baselines(Check):
    """Against regressions on a thumbnail, the spectrum and file facts; the best is judged."""

    code, title = "baselines", "Lead over simple regressions"
    measure = "AUROC above the best trivial baseline"
    limit = 0.0
    is_upper = False
    passed = "Trivial baselines do worse."
    failed = "A regression on a thumbnail, a spectrum or the file does better."
    advice = "Do not use a network where a regression does as well; look at what it found."

    def find(self, case: Case) -> Finding:
        rows = {row: place for place, row in enumerate(case.seen.rows.tolist())}
        chosen = [rows[row] for row in case.scored.rows.tolist()]
        facts = pd.DataFrame(case.seen.facts).reindex(columns=list(_FACTS)).fillna(-1)
        features = {**case.seen.baselines, "file": facts.to_numpy(np.float64)}
        places = np.arange(len(case.labels))
        baselines = {
            name: Ranking(
                case.labels, score_across_folds(one[chosen], case.labels, case.groups, case.seed)
            )
            for name, one in features.items()
        }
        leads = {
            name: case.measure(Combination(((1.0, case.ranking), (-1.0, one))), places)
            for name, one in baselines.items()
        }
        _, measured = find_worst(leads, is_upper=False)
        said = ", ".join(f"{name} {one(places):.2f}" for name, one in baselines.items())
        return self.judge(measured, f"The classifier {case.rank(places):.2f}, {said}.")


class Permutation(Check):
    """The p-value counts the true order as one more."""

    code, title = "permutation", "Skill against shuffled labels"
    measure = "p-value of the AUROC against shuffled labels"
    limit = 0.05
    passed = "Shuffled labels do not do as well."
    failed = "Shuffled labels do as well: nothing is shown."
    advice = "Do not use it; measure on more people if an effect is expected."

    def find(self, case: Case) -> Finding:
        labels, margins, places = case.labels, case.scored.margins, np.arange(len(case.labels))
        rng = np.random.default_rng(case.seed)
        own = auroc(labels, margins)
        shuffled = np.array(
            [auroc(shuffle_labels(labels, case.groups, rng), margins) for _ in range(_SHUFFLES)]
        )
        # The p-value is a share of shuffles, and has their interval.
        reached = np.append(shuffled >= own, True)
        found = Share(reached, np.ones(len(reached), bool))
        p_value = found.estimate(np.arange(len(reached)).astype(str)).measured
        is_sharp = case.measure(case.ranking, places).high < _WEAK
        low = p_value.low if is_sharp else 0.0
        note = f"AUROC {own:.2f}; shuffled {shuffled.mean():.2f}, at most {shuffled.max():.2f}."
        return self.judge(Measured(p_value.value, len(labels), low, p_value.high), note)


def shuffle_labels(labels: Labels, groups: NDArray[np.str_], rng: np.random.Generator) -> Labels:
    """Within groups that hold both labels; between groups where each holds one."""
    _, codes = np.unique(groups, return_inverse=True)
    fakes, counts = np.bincount(codes, labels), np.bincount(codes)
    is_mixed = (fakes > 0) & (fakes < counts)
    shuffled = np.empty_like(labels)
    by_group = np.argsort(codes, kind="stable")
    shuffled[by_group] = labels[np.lexsort((rng.random(len(labels)), codes))]
    single = np.flatnonzero(~is_mixed)
    exchanged = (fakes > 0).astype(np.int64)
    exchanged[single] = rng.permutation(exchanged[single])
    return np.where(is_mixed[codes], shuffled, exchanged[codes])


class SeedSpread(Check):
    """The same classifier trained with other seeds."""

    code, title = "seed_spread", "Spread over training seeds"
    measure = "standard deviation of the AUROC over training seeds"
    limit = 0.10
    counts = "training runs"
    passed = "Training again gives the same."
    failed = "Training again gives something else: the number is a lucky draw."
    advice = "Report the mean and spread over at least five seeds."

    def find(self, case: Case) -> Finding:
        ranked = np.array([auroc(case.labels, case.scored.margins), *case.others])
        if len(ranked) < 3:
            return self.skip("Give --others, the same classifier of two more seeds.")
        spread, freedom = float(ranked.std(ddof=1)), len(ranked) - 1
        if not spread:
            return self.skip("All training runs have the same AUROC, so that it does not vary.")
        edges = np.sqrt(freedom / chi2.ppf((0.975, 0.025), freedom))
        low, high = (spread * float(edge) for edge in edges)
        said = ", ".join(f"{one:.3f}" for one in ranked)
        return self.judge(Measured(spread, len(ranked), low, high), f"AUROC {said}.")


CHECKS: tuple[Check, ...] = (Localisation(), Baselines(), Permutation(), SeedSpread())
