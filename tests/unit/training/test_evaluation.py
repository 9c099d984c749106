import numpy as np
import pandas as pd
import pytest
from tests.conftest import DECISION, TINY

from faceproof.data.images import Pixels
from faceproof.detector.calibration import Decision
from faceproof.detector.evaluation import measure_decision
from faceproof.detector.models import make_model
from faceproof.training.evaluation import ScoredSplit, measure_split, score_pictures, score_split
from faceproof.training.splits import LoadedSplit


def make_split() -> ScoredSplit:
    """Six people: a real, a fake that is seen, a fake that is missed."""
    table = pd.DataFrame(
        {
            "label": np.tile([0, 1, 1], 6),
            "component_id": np.repeat([f"p{person}" for person in range(6)], 3),
            "family": np.tile(["none", "loud", "quiet"], 6),
            "method": np.tile(["none", "seen", "missed"], 6),
            "source": "here",
        }
    )
    pool = LoadedSplit(table, None, None, "")  # type: ignore[arg-type]  # nothing looks at images here
    return ScoredSplit(pool, np.arange(18), margins=np.tile([0.0, 4.0, -4.0], 6))


def test_rows_and_a_change_of_their_images_are_scored_alone(pool: LoadedSplit) -> None:
    model, processor = make_model("config", TINY)
    model.eval()

    def negative(pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return np.asarray(255 - pixels, np.uint8)

    every = score_split(model, processor, pool)
    assert every.rows.tolist() == list(range(len(pool.table)))
    some = score_split(model, processor, pool, np.array([5, 4]), negative)
    assert some.rows.tolist() == [5, 4]
    pictures = [255 - pool.images.image(row) for row in (5, 4)]
    expected = score_pictures(model, processor, pictures)
    assert some.margins == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(some.margins, every.margins[[5, 4]], atol=1e-3)


def test_each_method_is_measured_against_all_reals() -> None:
    values = measure_split("test", make_split(), DECISION, seed=0)
    assert values["test_auroc_seen"].value == 1.0
    assert values["test_auroc_missed"].value == 0.0
    assert values["test_auroc"].value == 0.5
    assert values["test_auroc"].n == 18
    assert values["test_accuracy"].value == pytest.approx(1 / 3)  # a score of 0.5 counts as fake


def test_the_verdict_that_abstains_is_measured_where_it_decides() -> None:
    values = measure_split("test", make_split(), DECISION, seed=0)
    assert values["test_coverage"].value == pytest.approx(2 / 3)  # the reals are unsure
    assert values["test_accuracy_decided"].value == 0.5
    assert values["test_false_alarms"].value == 0.0


def test_numbers_that_few_images_cannot_give_are_left_out() -> None:
    assert "test_found_at_5" not in measure_split("test", make_split(), DECISION, seed=0)


def test_rows_can_be_kept_apart() -> None:
    split = make_split()
    known = split.keep(split.pool.rows_without("quiet"))
    assert known.rows.tolist() == [row for row in range(18) if row % 3 != 2]
    assert known.margins.tolist() == [0.0, 4.0] * 6
    assert len(known.labels) == len(known.groups) == 12


def test_a_share_of_some_images_states_their_number() -> None:
    labels = np.array([0, 0, 0, 1])
    scores = np.array([0.1, 0.5, 0.9, 0.9])
    groups = np.array(["a", "b", "c", "d"])
    decision = Decision(1.0, 0.5, real_below=0.3, fake_from=0.7, error_rate=0.05)
    values = measure_decision(labels, scores, decision, groups, seed=0)
    assert values["false_alarms"].value == pytest.approx(1 / 3)
    assert values["false_alarms"].n == 3
    assert values["accuracy_decided"].value == pytest.approx(2 / 3)
    assert values["accuracy_decided"].n == 3
    assert values["coverage"].n == 4
