"""The page of app.py, served as a user would serve it, in a real browser."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.conftest import REPOSITORY

from faceproof.data.images import Pixels, encode_jpeg

_WAIT = 60_000  # milliseconds; both cores may be busy with other tests


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    words = [sys.executable, "training/app.py", "--port", "0"]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line)
                                   for line in served.stdout)), None)  # fmt: skip
        assert found, "the page says no address"
        yield found[0]
        served.terminate()


@pytest.fixture
def sheet(page: Page, address: str) -> Page:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address)
    expect(page.get_by_text("The verdict will stand here.")).to_be_visible(timeout=_WAIT)
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
    expect(sheet.locator(".verdict")).to_be_visible(timeout=_WAIT)
    expect(sheet.locator(".verdict strong")).to_have_text(re.compile("real|fake|unsure", re.I))
    expect(sheet.get_by_text("Calibrated probability of fake")).to_be_visible()
    drawn = sheet.get_by_role("img", name="heat map")
    expect(drawn).to_be_visible(timeout=_WAIT)
    assert drawn.evaluate("one => one.naturalWidth") == 320
    expect(sheet.get_by_text("What it cannot judge.")).to_be_visible()
    assert sheet.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_an_example_is_judged_by_a_click(sheet: Page) -> None:
    sheet.get_by_role("button", name="photo_1").or_(sheet.locator(".gallery-item").first).click()
    expect(sheet.locator(".verdict")).to_be_visible(timeout=_WAIT)


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
    expect(sheet.get_by_role("alert").get_by_text("cannot be judged")).to_be_visible(timeout=_WAIT)
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
    expect(said).to_have_value(re.compile("3 images, 2 unreadable"), timeout=_WAIT)
    with sheet.expect_download() as waited:
        sheet.get_by_role("link", name=re.compile("predictions|KB|B")).last.click()
    rows = Path(waited.value.path()).read_text().splitlines()
    assert rows[0] == "image,score,label,reason"
    assert len(rows) == 4


def test_a_taken_port_is_one_line(address: str) -> None:
    port = address.rsplit(":", maxsplit=1)[1]
    done = subprocess.run(
        [sys.executable, "training/app.py", "--port", port], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: cannot serve on port")
