"""From a logit to a verdict: temperature and limits, all chosen on validation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, logsumexp

from faceproof.metrics import Labels, Scores, auroc
from faceproof.records import FAKE

Verdict = Literal["real", "fake", "unsure"]
Margins = NDArray[np.float64]  # log odds of fake, shape (N,)

UNSURE: Verdict = "unsure"

_NEVER_FAKE, _NEVER_REAL = 2.0, -1.0  # limits that no score, 0 to 1, reaches
_LOG_TEMPERATURE_LIMITS = (-4.0, 4.0)
_EXPECTED_ERRORS = 5  # of a source that sets a limit; fewer would be its luck
_ROUNDING = 1e-12  # of sums of shares
_CLAIMED_AUROC = 0.85  # on validation, from which a kind of fake is claimed to be found


@dataclass(frozen=True)
class Decision:
    """How a logit becomes a calibrated score and a verdict; stored in the model's config.json.

    score = sigmoid((fake logit - real logit) / temperature). A forced verdict is fake from
    `threshold` on. One that may abstain is fake from `fake_from` on, real below `real_below` and
    unsure between; on validation it calls `error_rate` of the reals fake, and as many fakes real.
    """

    temperature: float
    threshold: float
    real_below: float
    fake_from: float
    error_rate: float

    def to_scores(self, margins: Margins) -> Scores:
        """Calibrated probability of fake, 0 to 1, from fake logit minus real logit, shape (N,)."""
        return to_scores(margins, self.temperature)

    def force(self, scores: Scores) -> NDArray[np.bool_]:
        """True where the forced verdict is fake."""
        return scores >= self.threshold

    def on_raw_scale(self) -> "Decision":
        """The same verdicts for scores that were not calibrated: those of stock `pipeline`."""

        def move(limit: float) -> float:
            is_reached = 0 <= limit <= 1
            return float(expit(self.temperature * logit(limit))) if is_reached else limit

        return Decision(
            temperature=1.0,
            threshold=move(self.threshold),
            real_below=move(self.real_below),
            fake_from=move(self.fake_from),
            error_rate=self.error_rate,
        )

    def judge(self, score: float) -> Verdict:
        """The verdict that may abstain."""
        if score >= self.fake_from:
            return "fake"
        return "real" if score < self.real_below else UNSURE


def calibrate(
    labels: Labels, margins: Margins, error_rate: float, cells: NDArray[np.str_] | None = None
) -> Decision:
    """Fit the decision on validation images.

    Args:
        labels: shape (N,), 0 real, 1 fake, both present.
        margins: fake logit minus real logit, shape (N,).
        error_rate: share of the reals that a verdict may call fake, and of the fakes real; the
            rest of what cannot be told is `unsure`.
        cells: source of each real and kind of each fake, shape (N,). Where they are given, each
            source of reals keeps to the error rate by itself if it has enough images for five
            errors, and the kinds that the detector finds keep to it together, each counted alike.
            Kinds with an AUROC below 0.85 set no limit: the detector does not claim to find them.

    Source: temperature scaling (Guo et al. 2017, section 4.2); the forced threshold is the one with
    the best balanced accuracy (Youden 1950), the middle of the widest stretch of equally good ones;
    the limits of `unsure` are split-conformal quantiles of each class (Vovk et al. 2005).
    """
    signs = np.where(labels == 1, 1.0, -1.0)

    def negative_log_likelihood(log_temperature: float) -> float:
        return float(np.mean(np.logaddexp(0, -signs * margins / np.exp(log_temperature))))

    best = minimize_scalar(
        negative_log_likelihood, bounds=_LOG_TEMPERATURE_LIMITS, method="bounded"
    )
    temperature = float(np.exp(best.x))
    scores = to_scores(margins, temperature)
    if cells is None:
        cells = np.zeros(len(labels), np.str_)
    real_below, fake_from = _choose_limits(labels, scores, error_rate, cells)
    return Decision(
        temperature, _choose_threshold(labels, scores), real_below, fake_from, error_rate
    )


def to_margins(logits: NDArray[np.floating]) -> Margins:
    """Log odds of fake, shape (N,), from logits, shape (N, 2) or more: the first label is real.

    Of two labels they are fake logit minus real logit; of more, any kind of fake against real.
    """
    fakes = logsumexp(np.asarray(logits[:, FAKE:], np.float64), axis=1)
    return np.asarray(fakes - logits[:, 0], np.float64)


def to_scores(margins: Margins, temperature: float) -> Scores:
    """Probability of fake, 0 to 1, from logit differences; temperature 1 is the model's own."""
    return np.asarray(expit(margins / temperature), np.float64)


def _choose_threshold(labels: Labels, scores: Scores) -> float:
    edges = np.unique(np.concatenate([[0.0], scores, [1.0]]))
    candidates = (edges[1:] + edges[:-1]) / 2
    fakes, reals = np.sort(scores[labels == FAKE]), np.sort(scores[labels != FAKE])
    caught = 1 - np.searchsorted(fakes, candidates) / len(fakes)
    spared = np.searchsorted(reals, candidates) / len(reals)
    balanced = (caught + spared) / 2
    best = np.flatnonzero(balanced == balanced.max())
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    begin, end = max(
        ((edges[run[0]], edges[run[-1] + 1]) for run in runs), key=lambda gap: gap[1] - gap[0]
    )
    return float((begin + end) / 2)


def _choose_limits(
    labels: Labels, scores: Scores, error_rate: float, cells: NDArray[np.str_]
) -> tuple[float, float]:
    """Below the first a fake is rare, from the second on a real; equal where nothing is unsure."""
    reals, fakes = scores[labels != FAKE], scores[labels == FAKE]
    sources = _split(reals, cells[labels != FAKE])
    kinds = _split(fakes, cells[labels == FAKE])
    enough = math.ceil(_EXPECTED_ERRORS / error_rate)
    known = [reals, *(one for one in sources if len(one) >= enough)]
    claimed = [one for one in kinds if _tell_apart(reals, one) >= _CLAIMED_AUROC] or [fakes]
    fake_from = min(max(_bound_above(one, error_rate) for one in known), _NEVER_FAKE)
    real_below = max(_bound_below(claimed, error_rate), _NEVER_REAL)
    if real_below <= fake_from:
        return real_below, fake_from
    middle = (real_below + fake_from) / 2  # the classes stand apart: any limit between them does
    return middle, middle


def _split(scores: Scores, cells: NDArray[np.str_]) -> list[Scores]:
    return [scores[cells == name] for name in np.unique(cells)]


def _tell_apart(reals: Scores, fakes: Scores) -> float:
    labels = np.repeat([1 - FAKE, FAKE], [len(reals), len(fakes)])
    return auroc(labels, np.concatenate([reals, fakes]))


def _bound_below(kinds: Sequence[Scores], error_rate: float) -> float:
    """A limit below which a new score falls with at most this chance, each kind counted alike.

    Minus infinity where the scores are too few to promise it.
    """
    scores = np.concatenate(kinds)
    shares = np.concatenate([np.full(len(one), 1 / len(one) / len(kinds)) for one in kinds])
    order = np.argsort(scores)
    reached = np.cumsum(shares[order]) * len(scores) / (len(scores) + 1)
    rank = int(np.searchsorted(reached, error_rate + _ROUNDING, side="right"))
    return float(np.nextafter(scores[order][rank - 1], -np.inf)) if rank else -math.inf


def _bound_above(scores: Scores, error_rate: float) -> float:
    """A limit that a new score of this class reaches with at most this chance.

    Infinite where the scores are too few to promise it.
    """
    rank = math.ceil((len(scores) + 1) * (1 - error_rate))
    if rank > len(scores):
        return math.inf
    return float(np.nextafter(np.sort(scores)[rank - 1], np.inf))
