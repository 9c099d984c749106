import numpy as np
import pytest

from faceproof.bootstrap import bootstrap_interval, measure
from faceproof.errors import MetricError
from faceproof.intervals import Ranking, TooFewGroupsError


def test_a_measured_statistic_has_count_and_interval() -> None:
    values = np.arange(40.0)
    groups = np.array([f"g{row}" for row in range(40)])
    measured = measure(lambda rows: float(values[rows].mean()), groups, 0, limits=(0.0, 39.0))
    assert (measured.value, measured.n) == (19.5, 40)
    # standard error of the mean: 11.7 / sqrt(40) = 1.85; t with 39 degrees: 2.02
    assert measured.low == pytest.approx(19.5 - 2.02 * 1.85, abs=0.5)
    assert measured.high == pytest.approx(19.5 + 2.02 * 1.85, abs=0.5)


def test_a_statistic_with_an_interval_of_its_own_is_not_bootstrapped() -> None:
    labels, scores = np.tile([0, 1], 20), np.arange(40.0)
    groups = np.repeat(np.arange(20).astype(str), 2)
    ranking = Ranking(labels, scores)
    assert measure(ranking, groups, seed=0) == ranking.estimate(groups).measured


def test_interval_widens_when_images_of_a_person_agree(rng: np.random.Generator) -> None:
    values = np.repeat(rng.random(20), 10)
    people = np.repeat([f"p{person}" for person in range(20)], 10)
    images = np.array([f"i{image}" for image in range(200)])

    def mean(rows: np.ndarray) -> float:
        return float(values[rows].mean())

    by_person = bootstrap_interval(mean, people, rng)
    by_image = bootstrap_interval(mean, images, rng)
    # ten equal images a person: the honest interval is sqrt(10) = 3.2 times as wide, and t adds
    assert 2.4 < np.ptp(by_person) / np.ptp(by_image) < 4.8


@pytest.mark.parametrize("value", [0.0, 0.6, 1.0])
def test_draws_that_agree_leave_a_bound(rng: np.random.Generator, value: float) -> None:
    """A share of groups below 1 - 0.025 ** (1 / 10) = 0.308 may never have been drawn."""
    groups = np.arange(10).astype(str)
    low, high = bootstrap_interval(lambda rows: value, groups, rng)
    assert low == pytest.approx(value * (1 - 0.308), abs=1e-3)
    assert high == pytest.approx(value + 0.308 * (1 - value), abs=1e-3)


def test_bounds_stay_between_the_limits(rng: np.random.Generator) -> None:
    values = np.array([1.0] * 9 + [0.8])
    low, high = bootstrap_interval(
        lambda rows: float(values[rows].mean()), np.arange(10).astype(str), rng, (-1.0, 1.0)
    )
    assert -1 < low < 0.98 < high <= 1


def test_few_groups_have_a_value_and_no_interval() -> None:
    with pytest.raises(TooFewGroupsError, match="4 groups are too few") as caught:
        measure(lambda rows: 0.25, np.repeat(list("abcd"), 3), seed=0)
    assert (caught.value.value, caught.value.n) == (0.25, 12)


def test_interval_gives_up_when_the_statistic_hardly_exists(rng: np.random.Generator) -> None:
    def never_of_a_draw(rows: np.ndarray) -> float:
        if rows.tolist() == list(range(5)):
            return 0.0
        raise MetricError("single class")

    with pytest.raises(MetricError, match="most draws"):
        bootstrap_interval(never_of_a_draw, np.array(list("abcde")), rng)
