"""Predict on what strangers send: hostile archives, missing inputs, and agreement with pipeline."""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import run_script
from tests.unit.data.test_images import png_claiming, save
from transformers import pipeline

from faceproof.data.images import Pixels, encode_jpeg


def predict(*words: str) -> tuple[int, str, str]:
    done = run_script("training/predict.py", *words)
    return done.returncode, done.stdout, done.stderr


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return {row["image"]: row for row in csv.DictReader(source)}


def hostile_members(face: Pixels) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Image files that can be scored, and those that cannot."""
    picture = Image.fromarray(face)
    exif = Image.Exif()
    exif[0x0112] = 6
    grey16 = Image.fromarray(face[..., 0].astype(np.uint16) * 257)
    fine = {
        "fine.jpg": encode_jpeg(face, 90, 0),
        "cmyk.jpg": save(picture.convert("CMYK"), "JPEG"),
        "sixteen.png": save(grey16, "PNG"),
        "palette.png": save(picture.convert("P"), "PNG", transparency=0),
        "alpha.png": save(picture.convert("RGBA"), "PNG"),
        "rotated.jpg": save(picture, "JPEG", exif=exif),
        "animated.gif": save(picture, "GIF", save_all=True, append_images=[picture]),
        "grüße/顔 1.jpg": encode_jpeg(face, 90, 0),
    }
    broken = {
        "truncated.jpg": encode_jpeg(face, 90, 0)[:900],
        "nothing.jpg": b"",
        "bomb.png": png_claiming(20_000, 20_000),
        "text.jpg": b"I am text",
        "../evil.png": save(picture, "PNG"),
    }
    return fine, broken


def test_hostile_files_each_keep_a_row(tmp_path: Path, model: Path, face: Pixels) -> None:
    fine, broken = hostile_members(face)
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        for name, data in {**fine, **broken, "__MACOSX/._fine.jpg": b"", "notes.txt": b"x"}.items():
            archive.writestr(name, data)
    code, said, _ = predict(
        "--model", str(model), "--input", str(tmp_path / "hostile.zip"),
        "--output", str(tmp_path / "p.csv"),
    )  # fmt: skip
    assert code == 0
    assert f"{len(fine) + len(broken)} images, {len(broken)} unreadable" in said
    rows = read_rows(tmp_path / "p.csv")
    assert set(rows) == set(fine) | set(broken)
    for name in fine:
        assert 0 <= float(rows[name]["score"]) <= 1, name
        assert rows[name]["label"] in {"real", "fake", "unsure"}
    for name in broken:
        assert rows[name]["score"] == rows[name]["label"] == ""
        assert rows[name]["reason"], name
    assert not (tmp_path.parent / "evil.png").exists()


def test_scores_are_those_of_the_stock_pipeline(tmp_path: Path, model: Path, face: Pixels) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(5):
        square = np.roll(face[10:102], number * 7, axis=1)
        (folder / f"{number}.png").write_bytes(save(Image.fromarray(square), "PNG"))
    code, _, errors = predict(
        "--model", str(model), "--input", str(folder), "--output", str(tmp_path / "p.csv"),
        "--no-align", "--no-calibrate",
    )  # fmt: skip
    assert code == 0, errors
    stock = pipeline("image-classification", model=str(model), device="cpu")
    for name, row in read_rows(tmp_path / "p.csv").items():
        expected = {one["label"]: one["score"] for one in stock(str(folder / name))}
        assert set(expected) == {"real", "fake"}
        assert float(row["score"]) == pytest.approx(expected["fake"], abs=1e-5)


def test_truth_in_the_archive_is_measured_and_recorded(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    blind = dataset.parent / "exports" / "test_faces.zip"
    code, said, errors = predict(
        "--model", str(model), "--input", str(blind), "--output", str(tmp_path / "p.csv"),
        "--results", str(tmp_path / "r.json"),
    )  # fmt: skip
    assert code == 0, errors
    assert "accuracy" in said
    assert "95 % interval" in said
    values = json.loads((tmp_path / "r.json").read_text())["values"]
    assert values["images"] == values["accuracy_n"] == 320
    assert values["unreadable"] == 0


def make_empty_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        return folder / "empty.zip"


def make_text_zip(folder: Path) -> Path:
    (folder / "text.zip").write_text("no zip")
    return folder / "text.zip"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "missing", "does not exist"),
        (make_empty_zip, "holds no image files"),
        (make_text_zip, "not a folder or a readable zip"),
    ],
    ids=["missing", "empty zip", "no zip"],
)
def test_an_unusable_input_is_refused_in_one_line(
    tmp_path: Path, model: Path, make: Callable[[Path], Path], message: str
) -> None:
    path = make(tmp_path)
    output = tmp_path / "p.csv"
    code, _, errors = predict("--model", str(model), "--input", str(path), "--output", str(output))
    assert code == 1
    assert message in errors
    assert errors.count("\n") == 1
    assert not output.exists()


def test_a_missing_model_is_refused_in_one_line(tmp_path: Path, face: Pixels) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(face, 90, 0))
    code, _, errors = predict(
        "--model", str(tmp_path / "none"), "--input", str(tmp_path / "a.jpg"),
        "--output", str(tmp_path / "p.csv"),
    )  # fmt: skip
    assert code == 1
    assert "holds no image classifier" in errors
    assert errors.count("\n") == 1


def test_an_output_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, model: Path, face: Pixels
) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(encode_jpeg(face, 90, 0))
    (tmp_path / "folder").mkdir()
    words = ["--model", str(model), "--input", str(tmp_path / "a.jpg"), "--output"]
    for output, message in (
        (tmp_path / "folder", "is a folder"),
        (tmp_path / "b.jpg" / "p.csv", "Not a directory"),
        (tmp_path / "b.jpg", "faceproof did not write it"),
        (tmp_path / "a.jpg", "the input"),
    ):
        code, _, errors = predict(*words, str(output))
        assert code == 1
        assert message in errors
        assert "Traceback" not in errors


def test_wrong_usage_is_one_line_and_help_teaches() -> None:
    code, _, errors = predict("--inptu", "3")
    assert (code, errors) == (1, "error: there is no option --inptu; do you mean --input?\n")
    code, said, _ = predict("--help")
    assert code == 0
    assert "python training/predict.py --input" in said


def test_a_large_zip_is_streamed(tmp_path: Path, model: Path, face: Pixels) -> None:
    """Sixty times the bytes cost next to no more memory."""
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    data = save(Image.fromarray(noise), "PNG")  # 1.5 MB
    peaks = []
    for number in (4, 240):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for index in range(number):
                archive.writestr(f"{index}.png", data)
        done = run_script(
            "-c", MEASURE, "--model", str(model), "--input", str(path), "--no-align",
            "--output", str(tmp_path / "p.csv"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.splitlines()[-1]))
    assert (peaks[1] - peaks[0]) * 1024 < 0.4 * 236 * len(data)


MEASURE = """
import resource, runpy, sys
sys.argv[0] = "training/predict.py"
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    raise
"""


@pytest.mark.parametrize("pattern", ["*.jpg", "**/*.jpg"])
def test_a_pattern_and_heat_maps(tmp_path: Path, model: Path, face: Pixels, pattern: str) -> None:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "a.jpg").write_bytes(encode_jpeg(face, 90, 0))
    (tmp_path / "faces" / "b.txt").write_text("no image")
    code, said, errors = predict(
        "--model", str(model), "--input", str(tmp_path / "faces" / pattern),
        "--output", str(tmp_path / "p.csv"), "--explain", str(tmp_path / "maps"),
    )  # fmt: skip
    assert code == 0, errors
    assert "1 images, 0 unreadable" in said
    (drawn,) = (tmp_path / "maps").glob("*.png")
    with Image.open(drawn) as picture:
        assert picture.width == 2 * picture.height  # the face that was cut out, twice
