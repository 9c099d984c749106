"""Intervals against other ways to them: scipy's exact ones, DeLong by loops, hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import binomtest

from faceproof.errors import MetricError
from faceproof.intervals import (
    Combination,
    Ranking,
    Share,
    TooFewGroupsError,
    measure_calibration,
)
from faceproof.metrics import Measured

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=60
)


def measure_share(hits: list[int], groups: np.ndarray) -> Measured:
    known = np.array(hits, bool)
    return Share(known, np.ones(len(known), bool)).estimate(groups).measured


def singles(count: int) -> np.ndarray:
    return np.arange(count).astype(str)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (3, 10), (1, 2), (160, 160)])
def test_single_images_have_the_exact_interval(hits: int, n: int) -> None:
    found = measure_share([1] * hits + [0] * (n - hits), singles(n))
    exact = binomtest(hits, n).proportion_ci(method="exact")
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(("hit", "low", "high"), [(0, 0.0, 0.3694), (1, 0.6306, 1.0)])
def test_where_nothing_was_seen_a_group_counts_as_one_image(
    hit: int, low: float, high: float
) -> None:
    """Eight people, twenty photos each: 1 - 0.025 ** (1 / 8) = 0.3694, whatever the photos."""
    found = measure_share([hit] * 160, np.repeat(singles(8), 20))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert found.n == 160


def test_many_groups_agree_with_the_clustered_standard_error(rng: np.random.Generator) -> None:
    groups = np.repeat(singles(400), 3)
    hits = rng.random(1200) < np.repeat(rng.uniform(0.2, 0.8, 400), 3)
    found = measure_share(hits.astype(int).tolist(), groups)
    sums = hits.reshape(400, 3).sum(axis=1)
    error = np.std(sums - 3 * hits.mean(), ddof=1) * np.sqrt(400) / 1200
    assert found.high - found.low == pytest.approx(2 * 1.966 * error, rel=0.03)


def test_groups_alike_within_are_worth_no_more_than_their_number() -> None:
    """Three of ten people, in all photos: no narrower than three of ten."""
    found = measure_share(np.repeat([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], 20).tolist(),
                          np.repeat(singles(10), 20))  # fmt: skip
    exact = binomtest(3, 10).proportion_ci(method="exact")
    assert found.low <= exact.low + 0.01
    assert found.high >= exact.high - 0.01


def test_a_share_among_some_counts_those() -> None:
    hits, among = np.array([1, 1, 0, 1], bool), np.array([1, 0, 1, 1], bool)
    found = Share(hits, among).estimate(singles(4)).measured
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 3
    with pytest.raises(MetricError, match="no images"):
        Share(hits, np.zeros(4, bool)).estimate(singles(4))
    assert Share(hits, among).keep(np.array([0, 1])).among.tolist() == [True, False]


def test_few_groups_have_a_value_and_a_sentence() -> None:
    with pytest.raises(TooFewGroupsError, match="1 groups are too few") as caught:
        measure_share([1, 0, 0, 0], np.array(["a"] * 4))
    assert (caught.value.value, caught.value.n) == (0.25, 4)
    with pytest.raises(TooFewGroupsError, match="1 groups of a label"):
        Ranking(np.array([0] + [1] * 9), np.arange(10.0)).estimate(singles(10))
    with pytest.raises(MetricError, match="one class"):
        Ranking(np.ones(9, int), np.arange(9.0)).estimate(singles(9))


def test_single_images_have_delongs_interval(rng: np.random.Generator) -> None:
    """DeLong et al. 1988, by two loops over all pairs."""
    fakes, reals = rng.normal(1, 1, 150), rng.normal(0, 1, 150)
    won = (fakes[:, None] > reals[None]).astype(float)
    variance = np.var(won.mean(axis=1), ddof=1) / 150 + np.var(won.mean(axis=0), ddof=1) / 150
    auroc = won.mean()
    labels = np.repeat([1, 0], 150)
    found = Ranking(labels, np.append(fakes, reals)).estimate(singles(300)).measured
    assert found.value == pytest.approx(auroc)
    reach = 1.97 * np.sqrt(variance) / (auroc * (1 - auroc))
    assert logit(found.high) - logit(found.low) == pytest.approx(2 * reach, rel=0.03)


def test_a_photo_shown_five_times_is_one_photo(rng: np.random.Generator) -> None:
    labels = np.tile([0, 1], 60)
    scores = rng.normal(size=120) + labels
    groups = np.repeat(singles(60), 2)
    once = Ranking(labels, scores).estimate(groups).measured
    five = Ranking(np.repeat(labels, 5), np.repeat(scores, 5)).estimate(np.repeat(groups, 5))
    assert (five.measured.low, five.measured.high) == pytest.approx((once.low, once.high))


def test_classes_apart_leave_a_bound() -> None:
    """Ten people: a share of 1 - 0.025 ** (1 / 10) = 0.3085 may be otherwise."""
    labels = np.tile([0, 1], 10)
    groups = np.repeat(singles(10), 2)
    found = Ranking(labels, labels + 0.0).estimate(groups).measured
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(1 - 0.3085, abs=1e-4)
    upside_down = Ranking(labels, -labels + 0.0).estimate(groups).measured
    assert (upside_down.low, upside_down.value) == (0.0, 0.0)


def test_scores_that_are_all_tied_show_nothing() -> None:
    found = Ranking(np.tile([0, 1], 10), np.zeros(20)).estimate(np.repeat(singles(10), 2)).measured
    assert found.value == 0.5
    assert found.low < 0.3
    assert found.high > 0.7


def test_shares_of_different_people_differ_as_newcombe_says() -> None:
    """Newcombe 1998, method 10, with exact intervals: 12 of 40 against 4 of 40."""
    hits = np.array([1] * 12 + [0] * 28 + [1] * 4 + [0] * 36, bool)
    first = np.arange(80) < 40
    gap = Combination(((1.0, Share(hits, first)), (-1.0, Share(hits, ~first))))
    found = gap.estimate(singles(80)).measured
    one, other = (binomtest(count, 40).proportion_ci(method="exact") for count in (12, 4))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - np.hypot(0.3 - one.low, other.high - 0.1))
    assert found.high == pytest.approx(0.2 + np.hypot(one.high - 0.3, 0.1 - other.low))


def test_what_two_scores_share_cancels_in_their_difference(rng: np.random.Generator) -> None:
    labels, groups = np.tile([0, 1], 50), np.repeat(singles(50), 2)
    one = rng.normal(size=100) + labels
    rankings = Ranking(labels, one), Ranking(labels, one + rng.normal(size=100) * 0.1)
    gap = Combination(((1.0, rankings[0]), (-1.0, rankings[1]))).estimate(groups).measured
    alone = rankings[0].estimate(groups).measured
    assert gap.high - gap.low < 0.5 * (alone.high - alone.low)
    rows = np.arange(40)
    kept = Combination(((1.0, rankings[0]), (-1.0, rankings[1]))).keep(rows)
    assert kept(rows) == pytest.approx(rankings[0](rows) - rankings[1](rows))


def test_scores_that_never_differ_leave_a_bound() -> None:
    labels, groups = np.tile([0, 1, 1, 0], 5), np.repeat(singles(10), 2)
    ranking = Ranking(labels, np.arange(20.0))
    found = Combination(((1.0, ranking), (-1.0, ranking))).estimate(groups).measured
    assert found.value == 0
    assert (found.low, found.high) == pytest.approx((-0.3085, 0.3085), abs=1e-4)


@given(ROWS)
def test_every_interval_holds_its_value_and_has_a_width(rows: list[tuple[int, int, int]]) -> None:
    groups = np.array([str(group) for group, _, _ in rows])
    labels = np.array([label for _, label, _ in rows])
    scores = np.array([float(score) for _, _, score in rows])
    ranking = Ranking(labels, scores)
    share = Share(scores > 0, labels == 0)
    lead = Combination(((1.0, ranking), (-1.0, Ranking(labels, -scores))))
    for found, least in (
        (attempt(ranking, groups), 0.0),
        (attempt(share, groups), 0.0),
        (attempt(lead, groups), -1.0),
    ):
        if found is not None:
            assert least <= found.low <= found.value <= found.high <= 1
            assert found.high - found.low > 1e-3


def attempt(statistic: Share | Ranking | Combination, groups: np.ndarray) -> Measured | None:
    """None where it says in a sentence why there is no interval."""
    try:
        return statistic.estimate(groups).measured
    except MetricError:
        return None


@given(ROWS)
def test_a_calibration_error_lies_in_its_interval(rows: list[tuple[int, int, int]]) -> None:
    groups = np.array([str(group) for group, _, _ in rows])
    labels = np.array([label for _, label, _ in rows])
    scores = (np.array([float(score) for _, _, score in rows]) + 3) / 6
    if len(set(groups)) < 5:
        with pytest.raises(TooFewGroupsError):
            measure_calibration(labels, scores, groups)
    else:
        found = measure_calibration(labels, scores, groups)
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high > found.low


def test_chance_is_no_calibration_error(rng: np.random.Generator) -> None:
    """Labels drawn from the scores: a plain error over bins would be 0.1, the debiased is none."""
    squares, lows = [], []
    for _ in range(100):
        scores = rng.random(80)
        labels = (rng.random(80) < scores).astype(int)
        found = measure_calibration(labels, scores, np.repeat(singles(20), 4))
        squares.append(found.value)
        lows.append(found.low)
    assert np.mean(np.array(squares) == 0) > 0.3
    assert np.mean(np.array(lows) == 0) > 0.95


def test_a_calibration_error_is_found_and_held(rng: np.random.Generator) -> None:
    """Everything said at 0.9, half of it true: 0.4 away."""
    labels = rng.integers(0, 2, 400)
    found = measure_calibration(labels, np.full(400, 0.9), np.repeat(singles(100), 4))
    assert found.low < 0.4 < found.high
    assert found.high - found.low < 0.15
    perfect = measure_calibration(labels, labels.astype(float), np.repeat(singles(100), 4))
    assert (perfect.value, perfect.low) == (0.0, 0.0)
    assert perfect.high == pytest.approx(1 - 0.025 ** (1 / 100))
    undecided = measure_calibration(
        np.tile([0, 1], 40), np.full(80, 0.5), np.repeat(singles(20), 4)
    )
    assert (undecided.value, undecided.low) == (0.0, 0.0)
    assert undecided.high == pytest.approx(1 - 0.025 ** (1 / 20))  # no group errs: none was seen to
