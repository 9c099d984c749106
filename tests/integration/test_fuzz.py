"""Random damage to images and archives: no crash, and a row for every file.

`make fuzz` runs ten thousand inputs; the suite runs some hundred.
"""

import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from faceproof.data.images import Pixels
from faceproof.data.inputs.archives import open_archive
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.predict import Detector, Prediction, write
from faceproof.errors import InputError

INPUTS = int(os.environ.get("FUZZ_INPUTS", "200"))
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MODES = ("RGB", "L", "P", "CMYK", "RGBA", "1", "I;16")
# zipfile itself cannot write a name that begins with NUL
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name[0] != "\0")
FUZZ = settings(
    max_examples=INPUTS, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@st.composite
def damaged_images(draw: st.DrawFn) -> bytes:
    """An image of any format, mode and size; some bytes changed, cut out, doubled or added."""
    width, height = draw(st.integers(1, 64)), draw(st.integers(1, 64))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    sink = io.BytesIO()
    try:
        picture.convert(draw(st.sampled_from(MODES))).save(sink, draw(st.sampled_from(FORMATS)))
    except (OSError, ValueError, KeyError):  # a mode that the format does not hold
        picture.save(sink, "PNG")
    data = bytearray(sink.getvalue())
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(("set", "cut", "double", "end", "head")))
        if kind == "set" and data:
            data[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[place : place + draw(st.integers(1, 40))]
        elif kind == "double":
            data[place:place] = data[place : place + draw(st.integers(1, 40))]
        elif kind == "end":
            del data[place:]
        else:
            data[:0] = draw(st.binary(max_size=8))
    return bytes(data)


@pytest.fixture(scope="module")
def detector(model: Path) -> Detector:
    return Detector(str(model))


def check(rows: list[Prediction], names: list[str]) -> None:
    assert [row.image for row in rows] == names
    for row in rows:
        if row.score is None:
            assert row.label is None
            assert row.reason
        else:
            assert 0 <= row.score <= 1
            assert row.label in {"real", "fake", "unsure"}


@FUZZ
@given(data=damaged_images())
def test_every_damaged_image_has_a_row(detector: Detector, data: bytes) -> None:
    names = ["a.jpg", "b"]
    check(list(detector.predict([ImageFile(name, lambda: data) for name in names], 2)), names)


@settings(parent=FUZZ, max_examples=max(50, INPUTS // 10))
@given(
    members=st.dictionaries(NAMES, damaged_images(), max_size=4),
    damage=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=4),
    manifest=st.none() | st.text(max_size=60),
)
def test_every_damaged_zip_is_read_or_refused(
    detector: Detector, members: dict[str, bytes], damage: list[tuple[int, int]],
    manifest: str | None,
) -> None:  # fmt: skip
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if manifest is not None:
            archive.writestr("labels.csv", manifest)
    zipped = bytearray(sink.getvalue())
    for place, value in damage:
        zipped[place % len(zipped)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.zip"
        path.write_bytes(zipped)
        try:
            images = open_archive(path).images
        except InputError:
            return
        rows = list(detector.predict(images, 3))
        check(rows, [image.name for image in images])
        write(rows, Path(folder) / "p.csv")
        assert sorted(one.name for one in Path(folder).iterdir()) == ["faces.zip", "p.csv"]


def test_the_generator_makes_readable_and_unreadable_images(detector: Detector) -> None:
    """A fuzz run that only ever made rubbish would prove nothing."""
    outcomes = set()

    @settings(parent=FUZZ, max_examples=100)
    @given(data=damaged_images())
    def look(data: bytes) -> None:
        (row,) = detector.predict([ImageFile("a.jpg", lambda: data)], 1)
        outcomes.add(row.reason.partition(":")[0] if row.score is None else "scored")

    look()
    assert {"scored", "damaged", "not_an_image"} <= outcomes


def test_pixels_reach_the_model_as_pixels(detector: Detector, face: Pixels) -> None:
    sink = io.BytesIO()
    Image.fromarray(face).save(sink, "PNG")
    (row,) = detector.predict([ImageFile("face.png", sink.getvalue)], 1)
    assert row.score is not None
