import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from faceproof.errors import MetricError
from faceproof.metrics import accuracy, auroc, bootstrap_interval, measure


def test_auroc_counts_pairs_won_and_ties_half() -> None:
    labels = np.array([0, 0, 1, 1])
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    # pairs (real, fake): .1<.5, .1<.9, .5=.5, .5<.9 -> 3.5 of 4
    assert auroc(labels, scores) == 3.5 / 4


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40))
def test_auroc_agrees_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([float(score) for _, score in rows])
    if len(set(labels)) < 2:
        with pytest.raises(MetricError):
            auroc(labels, scores)
    else:
        assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))


def test_accuracy_counts_the_threshold_itself_as_fake() -> None:
    labels = np.array([0, 1, 1, 0])
    scores = np.array([0.2, 0.5, 0.4, 0.9])
    assert accuracy(labels, scores, 0.5) == 0.5


def test_a_measured_statistic_has_count_and_interval() -> None:
    values = np.arange(40.0)
    groups = np.array([f"g{row}" for row in range(40)])
    measured = measure(lambda rows: float(values[rows].mean()), groups, seed=0)
    assert (measured.value, measured.n) == (19.5, 40)
    # standard error of the mean: 11.5 / sqrt(40) = 1.83
    assert measured.low == pytest.approx(19.5 - 1.96 * 1.83, abs=0.4)
    assert measured.high == pytest.approx(19.5 + 1.96 * 1.83, abs=0.4)


def test_interval_widens_when_images_of_a_person_agree(rng: np.random.Generator) -> None:
    values = np.repeat(rng.normal(size=20), 10)
    people = np.repeat([f"p{person}" for person in range(20)], 10)
    images = np.array([f"i{image}" for image in range(200)])

    def mean(rows: np.ndarray) -> float:
        return float(values[rows].mean())

    by_person = bootstrap_interval(mean, people, rng)
    by_image = bootstrap_interval(mean, images, rng)
    # ten equal images a person: the honest interval is sqrt(10) = 3.2 times as wide
    assert 2.2 < np.ptp(by_person) / np.ptp(by_image) < 4.5


def test_interval_needs_two_groups(rng: np.random.Generator) -> None:
    with pytest.raises(MetricError, match="two groups"):
        bootstrap_interval(lambda rows: 0.0, np.array(["a", "a"]), rng)


def test_interval_gives_up_when_the_statistic_hardly_exists(rng: np.random.Generator) -> None:
    def never(rows: np.ndarray) -> float:
        raise MetricError("single class")

    with pytest.raises(MetricError, match="too few"):
        bootstrap_interval(never, np.array(["a", "b"]), rng)
