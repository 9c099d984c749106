"""95 % intervals of numbers whose images come in groups: people, source clips, components.

Images of one group rise and fall together, so groups are what is counted. Shares and AUROC have
closed forms; sums and differences of them are put together from theirs; everything else is
bootstrapped (`bootstrap`). No interval has a width of zero or leaves out its own value;
`benchmarks/coverage` measures how often each holds the truth.

What all closed forms share: a variance over groups; its pull towards that of groups whose images
are all alike, the stronger the fewer groups hold what is rare (an error that one person makes says
little of other people); and Student's t with as many degrees of freedom as the groups are worth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, logit, stdtrit

from faceproof.errors import MetricError
from faceproof.metrics import (
    Labels,
    Measured,
    Rows,
    Scores,
    assign_bins,
    auroc,
    brier_score,
    place,
)

Groups = NDArray[np.str_]
Mask = NDArray[np.bool_]

FEWEST_GROUPS = 5  # below it, no interval: draws of so few hardly differ
TAIL = 0.025
_FEWEST_FREEDOM = 1.5  # degrees; with fewer, t has no meaning for a reader
_NO_ERROR = 1e-9  # a standard error that is rounding
_GROUPS_A_BIN = 4  # of a calibration error, at least
_ALIKE = 4.0  # weight of the assumption that a group's images are all alike, in squared groups


class TooFewGroupsError(MetricError):
    """There is a number and no interval; the message says why. Carries `value` and `n`."""

    def __init__(self, value: float, n: int, reason: str) -> None:
        """Keep the number beside the reason."""
        super().__init__(reason)
        self.value, self.n = value, n


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, and how far each group moves it, shape (groups,)."""

    measured: Measured
    influence: NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share as a statistic: of the rows `among`, those that are `hits`; both shape (N,)."""

    hits: Mask
    among: Mask

    def __call__(self, rows: Rows) -> float:
        """The share in some rows.

        Raises:
            MetricError: there are none.
        """
        among = self.among[rows]
        if not among.any():
            raise MetricError("a share of no images")
        return float(self.hits[rows][among].mean())

    def keep(self, rows: Rows) -> "Share":
        """The same statistic of some rows alone."""
        return Share(self.hits[rows], self.among[rows])

    def estimate(self, groups: Groups) -> Estimate:
        """Clopper-Pearson, with the number of images that the groups are worth.

        It is exact where every group is one image. Where there is no hit, or nothing else, every
        group counts as one image, for then nothing shows how alike the images of a group are.

        Raises:
            TooFewGroupsError: fewer than five groups, some of several images.
            MetricError: no images.

        Source: Clopper and Pearson 1934; Korn and Graubard 1998, section 3.
        """
        value = self(np.arange(len(groups)))
        names, codes = np.unique(groups, return_inverse=True)
        sizes = _sum_by(codes, self.among, len(names))
        hits = _sum_by(codes, self.among & self.hits, len(names))
        count = int(sizes.sum())
        influence = (hits - value * sizes) / count
        worth = float(count)
        if sizes.max() > 1:
            present = sizes > 0
            require_groups(value, count, int(present.sum()))
            rare = hits if value <= 0.5 else sizes - hits
            spread = _find_spread(influence[present], rare[present], sizes[present])
            worth = spread.worth
            if 0 < value < 1:
                worth = _find_worth(value, count, spread)
        low, high = _clopper_pearson(value, worth)
        return Estimate(Measured(value, count, low, high), influence)


@dataclass(frozen=True)
class Ranking:
    """AUROC as a statistic: labels, 0 real, 1 fake, and scores; both shape (N,)."""

    labels: Labels
    scores: Scores

    def __call__(self, rows: Rows) -> float:
        """The AUROC of some rows.

        Raises:
            MetricError: they are of one class.
        """
        return auroc(self.labels[rows], self.scores[rows])

    def keep(self, rows: Rows) -> "Ranking":
        """The same statistic of some rows alone."""
        return Ranking(self.labels[rows], self.scores[rows])

    def estimate(self, groups: Groups) -> Estimate:
        """Clustered variance on the logit scale; a bound where the classes stand apart.

        Raises:
            TooFewGroupsError: fewer than five groups, or fewer than two of a label.
            MetricError: one class.

        Source: Obuchowski 1997, section 2; the logit scale: Pepe 2003, section 5.2.
        """
        value = self(np.arange(len(groups)))
        names, codes = np.unique(groups, return_inverse=True)
        placed = place(self.labels, self.scores)
        parts, weights = [], []
        for own in (self.labels == 1, self.labels != 1):
            weights.append(_sum_by(codes, own, len(names)) / own.sum())
            won = _sum_by(codes, np.where(own, placed, 0.0), len(names)) / own.sum()
            parts.append(won - value * weights[-1])
        influence, weight = parts[0] + parts[1], weights[0] + weights[1]
        counts = [int((one > 0).sum()) for one in weights]
        require_groups(value, len(groups), len(names), min(counts))
        won = influence + value * weight
        rare = won if value < 0.5 else weight - won
        spread = _find_spread(influence, rare, np.bincount(codes), min(counts))
        low, high = _clopper_pearson(value, spread.worth)  # the widest: a group is one image
        if 0 < value < 1:
            reach = _reach(value, _vary(parts, counts), spread)
            low = max(low, float(expit(logit(value) - reach)))
            high = min(high, float(expit(logit(value) + reach)))
        return Estimate(Measured(value, len(groups), low, high), influence)


@dataclass(frozen=True)
class Combination:
    """A weighted sum of shares and rankings of the same rows: a difference, a mean of two rates."""

    parts: tuple[tuple[float, Share | Ranking], ...]

    def __call__(self, rows: Rows) -> float:
        """The sum over some rows.

        Raises:
            MetricError: a part does not exist there.
        """
        return sum(weight * part(rows) for weight, part in self.parts)

    def keep(self, rows: Rows) -> "Combination":
        """The same statistic of some rows alone."""
        return Combination(tuple((weight, part.keep(rows)) for weight, part in self.parts))

    def estimate(self, groups: Groups) -> Estimate:
        """From the parts' intervals, and how they rise and fall together over groups.

        Parts that never differ leave a bound too: of so many groups none was seen in which they do.

        Raises:
            MetricError: as the parts.

        Source: method of variance estimates recovery (Zou and Donner 2008), with correlations.
        """
        estimates = [part.estimate(groups) for _, part in self.parts]
        weights = np.array([weight for weight, _ in self.parts])
        measured = [one.measured for one in estimates]
        value, low, high = (
            np.array([getattr(one, name) for one in measured]) for name in ("value", "low", "high")
        )
        moves = np.stack([one.influence for one in estimates]) * weights[:, None]
        together = _correlate(moves)
        down, up = (value - low) * np.abs(weights), (high - value) * np.abs(weights)
        falls, rises = np.where(weights > 0, down, up), np.where(weights > 0, up, down)
        # Parts that go together are skewed together: what is longer on one side cancels.
        apart = 1 - float(np.abs(together - np.eye(len(weights))).max())
        sides = [(down + up) / 2 + apart * (one - (down + up) / 2) for one in (falls, rises)]
        never = miss(moves.shape[1]) if np.ptp(moves.sum(axis=0)) == 0 else 0.0
        middle = float(weights @ value)
        fall, rise = (max(float(one @ together @ one), never**2) ** 0.5 for one in sides)
        least, most = weights[weights < 0].sum(), weights[weights > 0].sum()
        bounds = max(middle - fall, float(least)), min(middle + rise, float(most))
        count = len(groups) if len(self.parts) == 2 else sum(one.n for one in measured)
        return Estimate(Measured(middle, count, *bounds), moves.sum(axis=0))


def _correlate(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations over groups; a part that does not vary goes with no other."""
    lengths = np.linalg.norm(moves, axis=1, keepdims=True)
    directions = moves / np.where(lengths > 0, lengths, 1.0)
    together = directions @ directions.T
    np.fill_diagonal(together, 1.0)
    return together


@dataclass(frozen=True)
class _Spread:
    """How far a number varies over groups.

    `variance` of the number; `informative` groups, that hold what is rare; `worth`: so many groups
    of equal size; `freedom`: degrees of Student's t, fewer where few groups make the variance.
    """

    variance: float
    informative: float
    worth: float
    freedom: float

    def pull(self, variance: float, alike: float) -> float:
        """The variance between its own value and that of groups whose images are all alike."""
        alike = max(alike, variance)
        if not variance:
            return alike
        share = self.informative**2 / (self.informative**2 + _ALIKE)
        return float(variance**share * alike ** (1 - share))


def _find_spread(
    influence: NDArray[np.float64],
    rare: NDArray[np.float64],
    sizes: NDArray[np.number],
    most: float = np.inf,
) -> _Spread:
    """Of one number. `most` bounds the worth: the groups of the rarer label."""
    count = len(influence)
    equal = float(sizes.sum() ** 2 / (sizes**2).sum())
    squares = influence**2
    total, fourth = float(squares.sum()), float((squares**2).sum())
    # The kurtosis of a variance's parts tells how many of them make it; few groups show too little.
    tails = count * fourth / total**2 * (count + 1) / (count - 1) if total else 3.0
    freedom = 2 * equal / max(min(tails, count) - 1, 1e-9)
    held = float((rare**2).sum())
    return _Spread(
        variance=total * count / (count - 1),
        informative=float(rare.sum()) ** 2 / held if held else 0.0,
        worth=min(equal, most),
        freedom=float(np.clip(freedom, _FEWEST_FREEDOM, max(equal - 1, _FEWEST_FREEDOM))),
    )


def _find_worth(value: float, count: int, spread: _Spread) -> float:
    """Independent images that would vary as much, fewer because the variance is estimated."""
    inside = value * (1 - value)
    own = max(spread.variance, inside / count)
    variance = spread.pull(own, inside / spread.worth)
    surer = stdtrit(count - 1, 1 - TAIL) / stdtrit(spread.freedom, 1 - TAIL)
    return float(np.clip(inside / variance * surer**2, spread.worth, count))


def _vary(parts: list[NDArray[np.float64]], counts: list[int]) -> float:
    """Obuchowski's variance from what fakes and reals of each group add."""
    fakes, reals = (
        count / (count - 1) * float(one @ one) for count, one in zip(counts, parts, strict=True)
    )
    groups = len(parts[0])
    return max(fakes + reals + 2 * groups / (groups - 1) * float(parts[0] @ parts[1]), 0.0)


def _reach(value: float, variance: float, spread: _Spread) -> float:
    """Half the interval's width on the logit scale."""
    inside = value * (1 - value)
    pulled = spread.pull(variance, inside / spread.worth)
    return float(stdtrit(spread.freedom, 1 - TAIL) * np.sqrt(pulled) / inside)


def _clopper_pearson(value: float, count: float) -> tuple[float, float]:
    """Exact limits of a share of so many images, which need not be a whole number."""
    hits = value * count
    low = 0.0 if value <= 0 else float(betaincinv(hits, count - hits + 1, TAIL))
    high = 1.0 if value >= 1 else float(betaincinv(hits + 1, count - hits, 1 - TAIL))
    return min(low, value), max(high, value)


def miss(groups: int) -> float:
    """The largest share of groups that may be otherwise when of so many none was (exact bound)."""
    return float(1 - TAIL ** (1 / groups))


def _sum_by(codes: Rows, values: NDArray[np.generic], groups: int) -> NDArray[np.float64]:
    return np.bincount(codes, values, groups).astype(np.float64)


def require_groups(value: float, n: int, groups: int, of_label: int = 2) -> None:
    """Refuse an interval over too few groups.

    Raises:
        TooFewGroupsError: fewer than five, or fewer than two of a label.
    """
    if groups < FEWEST_GROUPS or of_label < 2:
        kind = "" if groups < FEWEST_GROUPS else " of a label"
        count = groups if groups < FEWEST_GROUPS else of_label
        raise TooFewGroupsError(value, n, f"{count} groups{kind} are too few for an interval")


def measure_calibration(labels: Labels, scores: Scores, groups: Groups) -> Measured:
    """Root mean square distance of stated from observed frequency of fakes, free of chance.

    Few images in a bin differ from what was stated by chance, and a plain error counts that. Here
    only products of different groups enter, whose chance parts cancel.

    Args:
        labels: shape (N,), 0 real, 1 fake.
        scores: shape (N,), probability of fake, 0 to 1.
        groups: group name of each image, shape (N,).

    Raises:
        TooFewGroupsError: fewer than five groups.
        MetricError: no images.

    Source: debiased squared error (Kumar et al. 2019, section 4), groups in place of images, bins
    of equal count; its variance is that of a quadratic form of the bins' gaps.
    """
    names, codes = np.unique(groups, return_inverse=True)
    count = len(names)
    bins = assign_bins(scores, int(np.clip(count // _GROUPS_A_BIN, 2, 10)))
    width = int(bins.max()) + 1
    cells = codes * width + bins
    sizes, gaps = (
        _sum_by(cells, values, count * width).reshape(count, width)
        for values in (np.ones(len(labels)), labels - scores)
    )
    require_groups(brier_score(labels, scores), len(groups), count)
    value, error = _square_gaps(gaps, sizes)
    reach = float(stdtrit(count - 1, 1 - TAIL)) * error
    is_right = (scores >= 0.5) == (labels == 1)
    if is_right.all() or error < _NO_ERROR:  # nothing was seen that tells how rare errors are
        reach = max(reach, miss(count) ** 2)
    squares = (max(value - reach, 0.0), max(value, 0.0), min(max(value, 0.0) + reach, 1.0))
    low, middle, high = (one**0.5 for one in squares)
    return Measured(middle, len(groups), low, high)


def _square_gaps(gaps: NDArray[np.float64], sizes: NDArray[np.float64]) -> tuple[float, float]:
    """The mean squared gap over bins and its standard error, both arrays (groups, bins)."""
    count = len(gaps)
    total = sizes.sum(axis=0)
    means, shares = gaps.sum(axis=0) / total, total / total.sum()
    pairs = total**2 - (sizes**2).sum(axis=0)  # of images of different groups; none in some bins
    products = gaps.sum(axis=0) ** 2 - (gaps**2).sum(axis=0)
    value = float((shares * np.where(pairs > 0.5, products / np.maximum(pairs, 1.0), 0.0)).sum())
    moves = np.sqrt(shares) * (gaps - means * sizes) / total
    spread = moves.T @ moves * count / (count - 1)
    chance = 2 * float((spread**2).sum())
    slope = np.sqrt(shares) * means
    return value, max(4 * float(slope @ spread @ slope), chance) ** 0.5
