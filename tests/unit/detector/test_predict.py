import csv
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.conftest import DECISION

from faceproof.data.faces import find_faces, find_largest
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs.archives import Truth
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.predict import (
    Detector,
    Prediction,
    Tally,
    format_metric,
    measure_known,
    write,
)
from faceproof.detector.settings import PredictSettings
from faceproof.errors import SettingsError
from faceproof.metrics import Measured


@pytest.fixture(scope="module")
def files(face: Pixels) -> list[ImageFile]:
    """Seven faces of growing brightness, with two bad files between."""
    images = {f"{number}.jpg": encode_jpeg(face // 8 * number, 90, 0) for number in range(1, 8)}
    images |= {"2b.jpg": b"", "5b.jpg": b"text"}
    return [ImageFile(name, partial(bytes, data)) for name, data in sorted(images.items())]


def test_every_file_keeps_its_row_and_place(model: Path, files: list[ImageFile]) -> None:
    rows = list(Detector(str(model)).predict(files, batch=4))
    assert [row.image for row in rows] == [file.name for file in files]
    bad = {row.image: row.reason for row in rows if row.score is None}
    assert set(bad) == {"2b.jpg", "5b.jpg"}
    assert bad["2b.jpg"].startswith("empty")
    assert all(row.label in {"real", "fake", "unsure"} for row in rows if row.score is not None)


def test_scores_do_not_depend_on_batch_or_order(model: Path, files: list[ImageFile]) -> None:
    detector = Detector(str(model))
    one = {row.image: row.score for row in detector.predict(files, batch=1)}
    many = {row.image: row.score for row in detector.predict(files[::-1], batch=5)}
    for name, score in one.items():
        assert (score is None) == (many[name] is None)
        assert score is None or score == pytest.approx(many[name], abs=1e-5)


def predict_one(model: Path, pixels: Pixels, is_aligned: bool = True) -> Prediction:
    data = encode_jpeg(pixels, 95, 0)
    detector = Detector(str(model), is_aligned=is_aligned)
    (row,) = detector.predict([ImageFile("one.jpg", lambda: data)], batch=1)
    return row


def test_without_a_face_nothing_can_be_said(model: Path) -> None:
    wall = np.full((120, 120, 3), 90, np.uint8)
    row = predict_one(model, wall)
    assert row.score is not None
    assert (row.label, row.reason) == ("unsure", "no face found")
    assert "face" not in predict_one(model, wall, is_aligned=False).reason


def test_a_verdict_that_abstains_says_which_way_it_leans(model: Path, face: Pixels) -> None:
    row = predict_one(model, face)
    assert row.score is not None
    assert row.label == "unsure"
    leans = "fake" if row.score >= Detector(str(model)).decision.threshold else "real"
    assert row.reason == f"leans {leans}"


def test_of_several_faces_the_largest_is_judged_and_all_are_counted(
    model: Path, face: Pixels
) -> None:
    pair = np.full((240, 320, 3), 128, np.uint8)
    pair[:224, :184] = cv2.resize(face, (184, 224))
    pair[100:212, 200:292] = face
    assert "2 faces found, the largest was judged" in predict_one(model, pair).reason


def test_a_small_face_is_said(model: Path, face: Pixels) -> None:
    small = np.random.default_rng(0).integers(90, 110, (160, 160, 3), np.uint8)
    small[40:96, 50:96] = cv2.resize(face, (46, 56))
    assert "small face, " in predict_one(model, small).reason


def test_a_face_on_a_page_is_judged_like_the_photo_itself(model: Path, face: Pixels) -> None:
    photo = np.asarray(cv2.resize(face, (200, 243)), np.uint8)
    page = np.full((800, 1280, 3), 255, np.uint8)
    page[250:493, 500:700] = photo
    found = find_faces(page)
    assert found.is_on_page
    assert np.array_equal(found.crop.cut(page), find_largest(photo).cut(photo))
    assert "lies on a page" in predict_one(model, page).reason


def test_calibration_moves_scores_towards_a_half(model: Path, face: Pixels) -> None:
    raw = Detector(str(model), is_calibrated=False).score([face])[0]
    cool = Detector(str(model)).score([face])[0]  # stored temperature 2
    assert np.log(raw / (1 - raw)) == pytest.approx(2 * np.log(cool / (1 - cool)), rel=1e-4)


def test_a_model_is_named_by_its_weights(model: Path) -> None:
    assert len(Detector(str(model)).identify()["model"]) == 64


def test_the_csv_is_utf8_with_empty_cells(tmp_path: Path) -> None:
    rows = [Prediction('é, "1".jpg', 0.25, "real", ""), Prediction("b.jpg", None, None, "empty")]
    write(rows, tmp_path / "out" / "p.csv")
    with (tmp_path / "out" / "p.csv").open(encoding="utf-8", newline="") as source:
        read = list(csv.DictReader(source))
    assert read[0] == {"image": 'é, "1".jpg', "score": "0.25", "label": "real", "reason": ""}
    assert read[1] == {"image": "b.jpg", "score": "", "label": "", "reason": "empty"}


def count(rows: list[Prediction], truth: dict[str, Truth]) -> Tally:
    tally = Tally(truth)
    assert list(tally.watch(rows)) == rows
    return tally


def test_accuracy_is_over_readable_images_with_known_truth() -> None:
    rows = [
        Prediction("a", 0.9, "fake", ""), Prediction("b", 0.8, "fake", ""),
        Prediction("c", 0.1, "real", ""), Prediction("d", None, None, "empty"),
        Prediction("e", 0.6, "unsure", ""),
    ]  # fmt: skip
    truth = {name: Truth("fake" if name in "ad" else "real", name) for name in "abcd"}
    tally = count(rows, truth)
    values = measure_known(tally, DECISION, seed=0)
    assert values["accuracy"].value == pytest.approx(2 / 3)
    assert values["accuracy"].n == 3
    assert values["auroc"] == Measured(1.0, 3, 0.0, 1.0)  # three people: nothing of its error
    assert "n = 3 readable" in format_metric("accuracy", values["accuracy"])
    assert tally.counts() == {
        "images": 5, "unreadable": 1, "unsure": 1, "without_face": 0, "known": 3,
    }  # fmt: skip
    assert tally.describe().startswith("5 images, 1 unreadable, 1 unsure")


def test_coverage_is_the_share_that_is_decided() -> None:
    scores = {"a": 0.9, "b": 0.5, "c": 0.1, "d": 0.4}
    rows = [Prediction(name, score, DECISION.judge(score), "") for name, score in scores.items()]
    truth = {name: Truth("fake" if name in "ab" else "real", name) for name in scores}
    values = measure_known(count(rows, truth), DECISION, seed=0)
    assert values["coverage"].value == 0.5
    assert values["accuracy_decided"].value == 1.0


def test_one_class_has_an_accuracy_and_no_auroc() -> None:
    rows = [Prediction(name, 0.9, "fake", "") for name in "ab"]
    values = measure_known(count(rows, {name: Truth("fake", name) for name in "ab"}), DECISION, 0)
    assert "auroc" not in values
    assert values["accuracy"].value == 1.0


def test_one_group_says_nothing_of_the_error() -> None:
    rows = [Prediction(name, 0.9, "fake", "") for name in "ab"]
    values = measure_known(count(rows, {name: Truth("fake", "p") for name in "ab"}), DECISION, 0)
    assert values["accuracy"] == Measured(1.0, 2, 0.0, 1.0)
    said = format_metric("accuracy", values["accuracy"])
    assert "no interval: too few independent images" in said


def test_workers_and_order_do_not_change_the_rows(model: Path, files: list[ImageFile]) -> None:
    detector = Detector(str(model))
    one = list(detector.predict(files, batch=2, workers=1))
    assert list(detector.predict(files, batch=2, workers=3)) == one


def test_heat_maps_are_named_after_their_images(
    tmp_path: Path, model: Path, files: list[ImageFile]
) -> None:
    list(Detector(str(model), maps=tmp_path).predict(files, batch=4))
    named = sorted(path.name.partition("-")[0] for path in tmp_path.glob("*.png"))
    assert named == [f"{number}.jpg" for number in range(1, 8)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 0}, "batch is 0"),
        ({"workers": 0}, "workers is 0"),
        ({"precision": "bf16", "explain": Path("maps")}, "fp32"),
    ],
)
def test_settings_that_make_no_run_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        PredictSettings("in", Path("out"), **change)
