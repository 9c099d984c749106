"""Against what: the forgery itself, trivial baselines, shuffled labels, other seeds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from faceproof.audit import rules
from faceproof.audit.cases import Case
from faceproof.audit.checks.finders import Finder
from faceproof.audit.interventions import fit_mask
from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.gates import score_across_folds
from faceproof.metrics import Labels, Measured, auroc
from faceproof.records import FAKE

_HEAT_IMAGES = 40
_FEWEST = 10
_SHUFFLES = 200
_WEAK = 0.65  # an AUROC that would have been seen, were it there
_FACTS = ("width", "height", "quantisation", "subsampling")


def _locate(case: Case) -> Finding:
    """Share of the heat inside the mask over the mask's share of the image, mean over fakes."""
    code = "localisation"
    assert case.classifier is not None
    regions = case.regions
    fakes = np.random.default_rng(case.seed).permutation(np.flatnonzero(case.labels == FAKE))
    ratios = np.full(len(case.labels), np.nan)
    shown = 0
    for place in progress(fakes.tolist(), "heat maps", "fakes", len(fakes)):
        mask = regions.own(int(case.scored.rows[place]))
        if mask is None:
            continue
        picture = case.evidence.picture(int(case.scored.rows[place]))
        heat = case.classifier.find_heat(picture)
        share = fit_mask(mask, picture).astype(np.float64) / 255
        if not share.any():
            continue
        if not heat.any():  # it looks nowhere
            continue
        ratios[place] = float((heat * share).sum() / heat.sum() / share.mean())
        shown += 1
        if shown == _HEAT_IMAGES:
            break
    places = np.flatnonzero(np.isfinite(ratios))
    if len(places) < _FEWEST:
        return rules.skip(code, f"Fewer than {_FEWEST} fakes have a mask of a local forgery.")
    measured = case.measure(lambda one: float(ratios[one].mean()), places)
    return rules.judge(code, measured)


def _outdo(case: Case) -> Finding:
    """Against the best of regressions on a thumbnail, the spectrum and file facts."""
    rows = {row: place for place, row in enumerate(case.seen.rows.tolist())}
    chosen = [rows[row] for row in case.scored.rows.tolist()]
    facts = pd.DataFrame(case.seen.facts).reindex(columns=list(_FACTS)).fillna(-1)
    features = {**case.seen.baselines, "file": facts.to_numpy(np.float64)}
    places = np.arange(len(case.labels))
    baselines = {
        name: score_across_folds(one[chosen], case.labels, case.groups, case.seed)
        for name, one in features.items()
    }
    ranked = {name: auroc(case.labels, one) for name, one in baselines.items()}
    best = max(ranked, key=lambda name: ranked[name])
    measured = case.measure(
        lambda one: case.rank(one) - auroc(case.labels[one], baselines[best][one]), places
    )
    said = ", ".join(f"{name} {value:.2f}" for name, value in ranked.items())
    return rules.judge("baselines", measured, f"The classifier {case.rank(places):.2f}, {said}.")


def _shuffle(case: Case) -> Finding:
    """The p-value counts the true order as one more."""
    labels, margins, groups = case.labels, case.scored.margins, case.groups
    rng = np.random.default_rng(case.seed)
    own = auroc(labels, margins)
    shuffled = np.array(
        [auroc(_shuffle_labels(labels, groups, rng), margins) for _ in range(_SHUFFLES)]
    )
    ranked = case.measure(case.rank, np.arange(len(labels)))
    reached = int((shuffled >= own).sum())
    p_value = (reached + 1) / (_SHUFFLES + 1)
    # Not shown to be better than chance is a failure only where a skill would have been seen.
    is_sharp = ranked.high < _WEAK
    low = p_value if p_value <= rules.RULES["permutation"].limit or is_sharp else 0.0
    note = f"AUROC {own:.2f}; shuffled {shuffled.mean():.2f}, at most {shuffled.max():.2f}."
    return rules.judge("permutation", Measured(p_value, len(labels), low, p_value), note)


def _shuffle_labels(labels: Labels, groups: NDArray[np.str_], rng: np.random.Generator) -> Labels:
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


def _repeat(case: Case) -> Finding:
    """The interval is that of a normal variable's deviation (chi-square)."""
    ranked = np.array([auroc(case.labels, case.scored.margins), *case.others])
    if len(ranked) < 3:
        return rules.skip("seed_spread", "Give --others, the same classifier of two more seeds.")
    spread, freedom = float(ranked.std(ddof=1)), len(ranked) - 1
    low, high = (spread * float(np.sqrt(freedom / chi2.ppf(q, freedom))) for q in (0.975, 0.025))
    said = ", ".join(f"{one:.3f}" for one in ranked)
    return rules.judge("seed_spread", Measured(spread, len(ranked), low, high), f"AUROC {said}.")


FINDERS: Mapping[str, Finder] = {
    "localisation": Finder("model", _locate),
    "baselines": Finder("scores", _outdo),
    "permutation": Finder("scores", _shuffle),
    "seed_spread": Finder("scores", _repeat),
}
