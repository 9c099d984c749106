import json
from pathlib import Path

import numpy as np
from tests.conftest import DECISION

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs.archives import Truth
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.predict import Prediction, Tally, measure_known
from faceproof.detector.report import count_verdicts, find_worst, list_curves, write_review

SCORES = {"a": 0.95, "b": 0.6, "c": 0.2, "d": 0.99, "e": 0.4}
FAKES = "abc"


def make_tally(fakes: str = FAKES) -> Tally:
    truth = {name: Truth("fake" if name in fakes else "real", name) for name in SCORES}
    tally = Tally(truth)
    rows = [Prediction(name, score, DECISION.judge(score), "") for name, score in SCORES.items()]
    assert len(list(tally.watch(rows))) == 5
    return tally


def test_verdicts_are_counted_by_truth() -> None:
    assert count_verdicts(make_tally(), DECISION) == {
        "real": {"real": 0, "unsure": 1, "fake": 1},
        "fake": {"real": 1, "unsure": 1, "fake": 1},
    }


def test_the_worst_errors_are_the_surest_ones() -> None:
    worst = find_worst(make_tally(), DECISION, most=2)
    assert worst == [("d", "real", 0.99), ("c", "fake", 0.2)]
    assert len(find_worst(make_tally(), DECISION, most=1)) == 1


def test_one_class_has_no_curves() -> None:
    assert list_curves(*make_tally(fakes="").known()[:2]) is None
    curves = list_curves(*make_tally().known()[:2])
    assert curves is not None
    assert curves["roc"][0][0] == curves["roc"][1][0] == 0
    assert curves["roc"][0][-1] == curves["roc"][1][-1] == 1


def test_a_review_holds_pictures_of_the_errors(tmp_path: Path, face: Pixels) -> None:
    tally, data = make_tally(), encode_jpeg(np.tile(face, (3, 3, 1)), 90, 0)
    images = [ImageFile(name, lambda: data) for name in "dcb"] + [ImageFile("c", lambda: b"")]
    values = measure_known(tally, DECISION, seed=0)
    write_review(tally, DECISION, values, images, tmp_path / "review.json")
    said = json.loads((tmp_path / "review.json").read_text())
    assert [one["image"] for one in said["worst"]] == ["d", "c"]
    assert all(0 < len(one["thumbnail"]) < len(data) for one in said["worst"])
    assert said["counts"]["known"] == 5
    assert said["metrics"]["accuracy, forced"]["value"] == 0.6
