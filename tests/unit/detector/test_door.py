from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import faceproof
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.predict import Answer, Detector
from faceproof.errors import InputError


@pytest.fixture(scope="module")
def detector(model: Path) -> Detector:
    return faceproof.load_detector(model)


def encode_png(picture: Image.Image, **options: Any) -> bytes:
    sink = BytesIO()
    picture.save(sink, "PNG", **options)
    return sink.getvalue()


def test_a_photo_is_judged_as_the_command_judges_it(
    detector: Detector, tmp_path: Path, face: Pixels
) -> None:
    data = encode_jpeg(face, 95, 0)
    (row,) = detector.predict([ImageFile("one.jpg", lambda: data)], batch=1)
    path = tmp_path / "one.jpg"
    path.write_bytes(data)
    answers = [detector(path), *detector([str(path), data])]
    assert len(answers) == 3
    for answer in answers:
        assert (answer.label, answer.reason) == (row.label, row.reason)
        assert answer.score == pytest.approx(row.score, abs=1e-6)
        assert answer.box is not None
        left, top, right, bottom = answer.box
        assert left < right
        assert top < bottom


def test_one_picture_in_any_hands_is_one_answer(detector: Detector, face: Pixels) -> None:
    image = Image.fromarray(face)
    turned = Image.open(BytesIO(encode_png(image.rotate(90, expand=True), exif=turn(6))))
    transparent = np.dstack([face, np.full(face.shape[:2], 255, np.uint8)])
    answers = detector([encode_png(image), image, face, turned, transparent])
    assert len(set(answers)) == 1


def turn(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "F", "I;16", "1", "LA", "HSV", "YCbCr"])
def test_every_kind_of_image_is_taken(detector: Detector, face: Pixels, mode: str) -> None:
    is_colour = mode in ("HSV", "YCbCr")
    grey = Image.fromarray(face).convert("RGB" if is_colour else "L")
    picture = grey.convert("I").convert(mode) if mode == "I;16" else grey.convert(mode)
    assert detector(picture).score is not None


def test_what_cannot_be_decoded_is_an_answer_with_a_reason(detector: Detector) -> None:
    assert detector([b"", b"text"]) == [
        Answer(None, None, "empty: the file has no bytes"),
        Answer(None, None, "not_an_image: no known image format"),
    ]


def test_without_a_face_there_is_no_box(detector: Detector) -> None:
    answer = detector(np.full((120, 120), 90, np.uint8))
    assert (answer.label, answer.reason, answer.box) == ("unsure", "no face found", None)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((8, 8, 3)), "float64 of shape"),
        (np.zeros((3, 8, 8), np.uint8), r"\(3, 8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), r"\(0, 8, 3\)"),
        (None, "not NoneType"),
        (Image.new("RGB", (0, 4)), "cannot be used"),
    ],
)
def test_what_is_no_picture_is_refused(detector: Detector, picture: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        detector(picture)


def test_a_path_that_is_not_there_is_an_error(detector: Detector, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        detector(tmp_path / "none.jpg")


def test_the_door_holds_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        faceproof.nothing  # noqa: B018
