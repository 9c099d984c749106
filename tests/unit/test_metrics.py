import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from faceproof.errors import MetricError
from faceproof.metrics import (
    accuracy,
    auroc,
    average_precision,
    brier_score,
    calibration_error,
    equal_error_rate,
    found_at_false_alarms,
    place,
    precision_recall_curve,
    reliability_bins,
    roc_curve,
)

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40)


def test_auroc_counts_pairs_won_and_ties_half() -> None:
    labels = np.array([0, 0, 1, 1])
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    # pairs (real, fake): .1<.5, .1<.9, .5=.5, .5<.9 -> 3.5 of 4
    assert auroc(labels, scores) == 3.5 / 4


@given(ROWS)
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


@given(ROWS)
def test_average_precision_agrees_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([float(score) for _, score in rows])
    if not labels.any():
        with pytest.raises(MetricError):
            average_precision(labels, scores)
    else:
        expected = average_precision_score(labels, scores)
        assert average_precision(labels, scores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("real", "fake", "rate"),
    [
        ([0.1, 0.2], [0.8, 0.9], 0.0),
        ([0.8, 0.9], [0.1, 0.2], 1.0),
        ([0.5, 0.5], [0.5, 0.5], 0.5),
        ([0.1, 0.2, 0.3, 0.7], [0.4, 0.8, 0.9, 0.95], 0.25),  # at 0.7: one of four each way
        ([0.1, 0.2, 0.6], [0.5, 0.7, 0.8, 0.9], 0.25),  # a quarter missed from 0.7 to 0.6
    ],
    ids=["apart", "upside down", "all alike", "crossing once", "between steps"],
)
def test_errors_are_equal_where_the_curves_cross(
    real: list[float], fake: list[float], rate: float
) -> None:
    labels = np.array([0] * len(real) + [1] * len(fake))
    assert equal_error_rate(labels, np.array(real + fake)) == pytest.approx(rate)


def test_fakes_found_at_few_false_alarms() -> None:
    labels = np.array([0] * 20 + [1] * 10)
    scores = np.concatenate([np.linspace(0, 0.95, 20), np.linspace(0.05, 0.995, 10)])
    # one alarm of 20 at most: the threshold may fall to 0.95, above it lies 0.995 alone
    assert found_at_false_alarms(labels, scores, 0.05) == 0.1
    assert found_at_false_alarms(labels, scores, 1.0) == 1.0
    with pytest.raises(MetricError, match="20 real images cannot show"):
        found_at_false_alarms(labels, scores, 0.01)


def test_brier_is_the_mean_squared_distance(rng: np.random.Generator) -> None:
    labels, scores = rng.integers(0, 2, 50), rng.random(50)
    assert brier_score(labels, scores) == pytest.approx(brier_score_loss(labels, scores))


def test_calibration_is_perfect_where_frequencies_are_as_stated(rng: np.random.Generator) -> None:
    scores = rng.random(50_000)
    labels = (rng.random(50_000) < scores).astype(int)
    assert calibration_error(labels, scores) < 0.01
    # everything said at 0.9, half of it true
    assert calibration_error(np.array([0, 1] * 50), np.full(100, 0.9), bins=1) == pytest.approx(0.4)
    with pytest.raises(MetricError, match="needs images"):
        calibration_error(np.array([], int), np.array([]))


@given(ROWS)
def test_placements_of_either_class_average_to_the_auroc(rows: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([float(score) for _, score in rows])
    if len(set(labels)) == 2:
        placed, expected = place(labels, scores), roc_auc_score(labels, scores)
        for label in (0, 1):
            assert placed[labels == label].mean() == pytest.approx(expected)


def test_curves_go_from_nothing_called_fake_to_everything() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9])
    false_alarms, found = roc_curve(labels, scores)
    assert false_alarms.tolist() == [0, 0, 0.5, 0.5, 1]
    assert found.tolist() == [0, 0.5, 0.5, 1, 1]
    recall, precision = precision_recall_curve(labels, scores)
    assert recall.tolist() == [0.5, 0.5, 1, 1]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    with pytest.raises(MetricError, match="none is present"):
        precision_recall_curve(np.array([0]), np.array([0.5]))


def test_reliability_bins_hold_equally_many() -> None:
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.6, 0.8])
    stated, observed, counts = reliability_bins(labels, scores, bins=2)
    assert stated.tolist() == pytest.approx([0.2, 0.7])
    assert observed.tolist() == [0, 1]
    assert counts.tolist() == [2, 2]
    tied = np.full(100, 0.5)
    for order in (np.arange(100), np.arange(100)[::-1]):
        assert calibration_error(np.repeat([0, 1], 50)[order], tied) == 0.0
    with pytest.raises(MetricError, match="needs images"):
        reliability_bins(np.array([], np.int64), np.array([]))
