"""The report of predict.py, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.conftest import run_script


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, dataset: Path, model: Path) -> Path:
    folder = tmp_path_factory.mktemp("report")
    done = run_script(
        "training/predict.py", "--model", str(model), "--output", str(folder / "p.csv"),
        "--input", str(dataset.parent / "exports" / "test_faces.zip"), "--report", str(folder),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_numbers_curves_and_errors_are_shown(page: Page, report: Path, width: int) -> None:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((report / "report.html").as_uri())
    assert "320 images, 0 of them unreadable" in page.inner_text("body")
    verdicts = page.locator("table").nth(1).locator("td").all_inner_texts()
    assert sum(int(text) for text in verdicts if text.isdigit()) == 320
    assert page.locator(".errors li").count() == 24
    broken = page.evaluate("[...document.images].filter(one => one.naturalWidth === 0).length")
    assert broken == 0
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert heard == []


def test_the_figure_lies_beside_the_page(report: Path) -> None:
    assert (report / "curves.png").stat().st_size > 5_000
