import csv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from faceproof.app import answers
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.detector.predict import Detector


@pytest.fixture(scope="module")
def detector(model: Path) -> Detector:
    return Detector(str(model))


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_photo_gets_a_verdict_and_a_picture(
    detector: Detector, tmp_path: Path, face: Pixels
) -> None:
    Image.fromarray(face).save(tmp_path / "face.png")
    said = answers.judge_photo(detector, tmp_path / "face.png")
    assert any(f"<strong>{word}</strong>" in said.said for word in ("real", "fake", "unsure"))
    assert said.drawn is not None
    assert said.drawn.shape == (92, 184, 3)


def test_what_is_no_photo_is_refused_in_words(detector: Detector, tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("<svg onload=alert(1)>")
    said = answers.judge_photo(detector, tmp_path / "x.svg")
    assert "cannot be judged" in said.said
    assert said.drawn is None


def test_words_of_a_file_cannot_act_on_the_page() -> None:
    assert "<script>" not in answers.tell_refusal("<script>alert(1)</script>")


def test_a_zip_becomes_a_csv_with_a_row_for_each_image(
    detector: Detector, tmp_path: Path, face: Pixels
) -> None:
    jpeg = encode_jpeg(face, 90, 0)
    upload = make_zip(tmp_path / "a.zip", {"1.jpg": jpeg, "2.jpg": b"\xff\xd8\xff", "n.txt": b"x"})
    said = answers.judge_zip(detector, upload, tmp_path)
    assert said.said.startswith("2 images, 1 unreadable")
    assert [row[0] for row in said.rows] == ["1.jpg", "2.jpg"]
    assert said.table is not None
    with said.table.open() as source:
        assert [row["image"] for row in csv.DictReader(source)] == ["1.jpg", "2.jpg"]


def test_more_rows_are_written_than_shown(detector: Detector, tmp_path: Path) -> None:
    upload = make_zip(tmp_path / "a.zip", {f"{n}.jpg": b"\xff\xd8\xff" for n in range(101)})
    said = answers.judge_zip(detector, upload, tmp_path)
    assert said.table is not None
    assert (len(said.rows), len(said.table.read_text().splitlines())) == (100, 102)


def test_a_zip_that_unpacks_to_too_much_is_refused(detector: Detector, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{number}.jpg", bytes(180 << 20), compresslevel=1)
    said = answers.judge_zip(detector, tmp_path / "a.zip", tmp_path)
    assert "1080 MB unpacked" in said.said
    assert said.table is None


@pytest.mark.parametrize("kind", ["no zip", "empty", "too many"])
def test_a_bad_zip_is_refused_without_naming_our_folders(
    detector: Detector, tmp_path: Path, kind: str
) -> None:
    upload = tmp_path / "up.zip"
    if kind == "no zip":
        upload.write_bytes(b"nothing of the sort")
    else:
        count = 0 if kind == "empty" else answers.MOST_IMAGES + 1
        make_zip(upload, {f"{n}.jpg": b"\xff\xd8\xff" for n in range(count)})
    said = answers.judge_zip(detector, upload, tmp_path)
    assert said.table is None
    assert said.said.startswith("This file cannot be used: ")
    assert str(tmp_path) not in said.said
