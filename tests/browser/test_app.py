"""The page of app.py, served as a user would serve it, in a real browser."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.conftest import REPOSITORY

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.detector.models import open_any
from faceproof.detector.preprocessing import side_of
from faceproof.detector.released import find_released


@contextmanager
def serve(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The page in a process of its own whose temporary files lie in a folder; its address."""
    words = [sys.executable, "training/app.py", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in served.stdout)
        found = next(filter(None, lines), None)
        assert found, "the page says no address"
        yield served, found[0]
        served.terminate()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    with serve(place) as (_, found):
        yield found


@pytest.fixture
def sheet(page: Page, address: str) -> Page:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address)
    expect(page.get_by_text("The verdict will stand here.")).to_be_visible()
    return page


def give(page: Page, file: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(file)


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_a_photo_becomes_a_verdict_with_a_heat_map(
    sheet: Page, tmp_path: Path, face: Pixels, width: int
) -> None:
    sheet.set_viewport_size({"width": width, "height": 900})
    Image.fromarray(face).save(tmp_path / "face.png")
    give(sheet, tmp_path / "face.png")
    expect(sheet.locator(".verdict")).to_be_visible()
    expect(sheet.locator(".verdict strong")).to_have_text(re.compile("real|fake|unsure", re.I))
    expect(sheet.get_by_text("Calibrated probability of fake")).to_be_visible()
    drawn = sheet.get_by_role("img", name="heat map")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("one => one.naturalWidth") == 2 * side_of(
        open_any(str(find_released()))[1]
    )
    expect(sheet.get_by_text("What it cannot judge.")).to_be_visible()
    assert sheet.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.png", b"\x89PNG\r\n\x1a\n and no more"),
        ("page.png", b"<html><script>document.title='taken'</script></html>"),
    ],
)
def test_a_hostile_upload_is_refused_in_words(
    sheet: Page, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    give(sheet, tmp_path / name)
    expect(sheet.get_by_role("alert").get_by_text("cannot be judged")).to_be_visible()
    assert sheet.title() == "faceproof"


def test_a_zip_becomes_a_table_and_a_csv(sheet: Page, tmp_path: Path, face: Pixels) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("one.jpg", encode_jpeg(face, 90, 0))
        archive.writestr("../evil.jpg", encode_jpeg(face, 90, 0))
        archive.writestr("bad.jpg", b"\xff\xd8\xff")
    sheet.get_by_role("tab", name="A zip of photos").click()
    upload = sheet.locator(".block", has_text="A zip of at most").locator("input[type=file]")
    upload.set_input_files(tmp_path / "faces.zip")
    said = sheet.get_by_label("Summary")
    expect(said).to_have_value(re.compile("3 images, 2 unreadable"))
    cell = sheet.get_by_role("gridcell", name=re.compile("unsafe_path"))
    expect(cell).to_be_visible()
    with sheet.expect_download() as waited:
        sheet.locator("a[download='predictions.csv']").click()
    rows = Path(waited.value.path()).read_text().splitlines()
    assert rows[0] == '"image","score","label","reason"'
    assert len(rows) == 4


def test_a_taken_port_is_one_line(address: str) -> None:
    port = address.rsplit(":", maxsplit=1)[1]
    done = subprocess.run(
        [sys.executable, "training/app.py", "--port", port], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: cannot serve on port")


@pytest.mark.parametrize("name", ["judge", "judge_zip"])
@pytest.mark.parametrize("kind", ["a file of ours", "all uploads", "an address", "a link"])
def test_what_nobody_uploaded_is_not_judged(
    address: str, place: Path, name: str, kind: str
) -> None:
    (uploads,) = place.glob("faceproof-*/uploads")
    (uploads / "0").mkdir(exist_ok=True)
    link = uploads / "0" / "link.png"
    link.unlink(missing_ok=True)
    link.symlink_to(REPOSITORY / "question_01/figures/triplets.png")
    path = {
        "a file of ours": str(REPOSITORY / "question_01/figures/triplets.png"),
        "all uploads": str(uploads),
        "an address": "http://127.0.0.1:1/face.png",
        "a link": str(link),
    }[kind]
    for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
        answer = httpx2.post(
            f"{address}/gradio_api/call/{name}",
            json={"data": [{"path": path, **meta}]},
            timeout=None,
        )
        assert answer.status_code == 403


def test_nothing_of_a_visitor_is_left_when_the_page_is_told_to_end(
    tmp_path: Path, face: Pixels
) -> None:
    with serve(tmp_path) as (served, address):
        files = {"files": ("face.jpg", encode_jpeg(face, 90, 0))}
        sent = httpx2.post(f"{address}/gradio_api/upload", files=files, timeout=None).json()
        assert Path(sent[0]).parts[-4].startswith("faceproof-")
        asked = {"data": [{"path": sent[0], "meta": {"_type": "gradio.FileData"}}]}
        answer = httpx2.post(f"{address}/gradio_api/call/judge", json=asked, timeout=None)
        event = answer.json()["event_id"]
        with httpx2.stream(
            "GET", f"{address}/gradio_api/call/judge/{event}", timeout=None
        ) as lines:
            assert "Calibrated" in "".join(lines.iter_text())
        served.terminate()
        served.wait()
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    # Libraries leave logs of their own, gradio an empty folder.
    assert not [path for path in left if path.parts[0].startswith(("faceproof-", "gradio"))]
