import numpy as np
import pytest

from faceproof.detector.calibration import calibrate, to_margins, to_scores
from faceproof.metrics import accuracy


def test_temperature_undoes_overconfidence(rng: np.random.Generator) -> None:
    margins = rng.normal(0, 2, 20_000)
    labels = (rng.random(20_000) < to_scores(margins, 1.0)).astype(np.int64)
    assert calibrate(labels, margins * 3, 0.05).temperature == pytest.approx(3.0, rel=0.06)


def test_the_threshold_parts_what_can_be_parted() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    margins = np.array([-2.0, -1.0, 0.5, 1.0, 4.0])
    decision = calibrate(labels, margins, 0.05)
    scores = to_scores(margins, decision.temperature)
    assert scores[2] < decision.threshold < scores[3]
    assert accuracy(labels, scores, decision.threshold) == 1.0


def test_between_equally_good_thresholds_the_widest_stretch_wins() -> None:
    labels = np.array([0, 1, 0, 1])
    margins = np.array([-3.0, -1.0, 0.5, 3.0])  # cutting in either gap is right three times in four
    decision = calibrate(labels, margins, 0.05)
    scores = to_scores(margins, decision.temperature)
    assert scores[2] < decision.threshold < scores[3]
    assert accuracy(labels, scores, decision.threshold) == 0.75


def test_margins_are_fake_minus_real() -> None:
    assert to_margins(np.array([[1.0, 4.0], [2.0, -1.0]])).tolist() == [3.0, -3.0]


def test_scores_are_probabilities_of_fake() -> None:
    assert to_scores(np.array([0.0, np.log(3)]), 1.0).tolist() == pytest.approx([0.5, 0.75])


def test_at_most_the_stated_share_of_new_images_is_called_wrongly(rng: np.random.Generator) -> None:
    """Two overlapping classes: one half of the draws sets the limits, the other tests them."""
    labels = np.tile([0, 1], 20_000)
    margins = rng.normal(np.where(labels == 1, 1.0, -1.0), 1.5)
    decision = calibrate(labels[:20_000], margins[:20_000], error_rate=0.1)
    scores, truth = to_scores(margins[20_000:], decision.temperature), labels[20_000:]
    assert np.mean(scores[truth == 0] >= decision.fake_from) == pytest.approx(0.1, abs=0.012)
    assert np.mean(scores[truth == 1] < decision.real_below) == pytest.approx(0.1, abs=0.012)
    assert decision.real_below < decision.fake_from


def test_too_few_images_promise_nothing() -> None:
    """Of 8 reals the next one is above all with a chance of 1 in 9: more than 5 %."""
    labels = np.repeat([0, 1], 8)
    decision = calibrate(labels, np.where(labels == 1, 3.0, -3.0), error_rate=0.05)
    assert {decision.judge(score) for score in (0.0, 0.5, 1.0)} == {"unsure"}
    assert {decision.on_raw_scale().judge(score) for score in (0.0, 0.5, 1.0)} == {"unsure"}


def test_nothing_is_unsure_where_the_classes_stand_apart() -> None:
    labels = np.repeat([0, 1], 50)
    decision = calibrate(labels, np.where(labels == 1, 3.0, -3.0), error_rate=0.05)
    assert decision.real_below == decision.fake_from


def test_of_three_labels_all_kinds_of_fake_speak_against_real() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1]]))
    assert to_margins(logits) == pytest.approx([0.0, np.log(4)])


def test_every_source_of_reals_keeps_to_the_error_rate_by_itself(rng: np.random.Generator) -> None:
    """One source scores higher than the other: the limit is the stricter one."""
    low, high, fakes = rng.normal(-4, 1, 900), rng.normal(-1, 1, 100), rng.normal(4, 1, 500)
    labels = np.repeat([0, 0, 1], [900, 100, 500])
    margins = np.concatenate([low, high, fakes])
    cells = np.repeat(["low", "high", "fakes"], [900, 100, 500])
    pooled = calibrate(labels, margins, 0.05)
    decision = calibrate(labels, margins, 0.05, cells)
    scores = decision.to_scores(margins)
    assert np.mean(scores[900:1000] >= decision.fake_from) <= 0.05
    assert np.mean(pooled.to_scores(margins)[900:1000] >= pooled.fake_from) > 0.05


def test_kinds_that_are_not_found_set_no_limit(rng: np.random.Generator) -> None:
    """A tenth of the fakes looks like reals; their low scores do not forbid the verdict real."""
    reals, found, hidden = rng.normal(-3, 1, 900), rng.normal(3, 1, 900), rng.normal(-3, 1, 100)
    labels = np.repeat([0, 1, 1], [900, 900, 100])
    margins = np.concatenate([reals, found, hidden])
    cells = np.repeat(["web", "found", "hidden"], [900, 900, 100])
    pooled, decision = calibrate(labels, margins, 0.05), calibrate(labels, margins, 0.05, cells)
    scores = decision.to_scores(margins)
    assert np.mean(scores[900:1800] < decision.real_below) <= 0.05
    assert np.mean(scores[:900] < decision.real_below) > 0.9
    assert np.mean(pooled.to_scores(margins)[:900] < pooled.real_below) < 0.9


def test_each_claimed_kind_counts_alike_however_many_images_it_has(
    rng: np.random.Generator,
) -> None:
    reals, many, few = rng.normal(-4, 1, 500), rng.normal(4, 1, 5000), rng.normal(1, 1, 50)
    labels = np.repeat([0, 1, 1], [500, 5000, 50])
    margins = np.concatenate([reals, many, few])
    cells = np.repeat(["web", "many", "few"], [500, 5000, 50])
    decision = calibrate(labels, margins, 0.05, cells)
    missed = decision.to_scores(margins) < decision.real_below
    assert np.mean([missed[500:5500].mean(), missed[5500:].mean()]) <= 0.05
