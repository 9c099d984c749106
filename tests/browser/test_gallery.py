"""The gallery of a built dataset in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def gallery(dataset: Path) -> str:
    return (dataset.parent / "exports" / "gallery.html").as_uri()


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_filters_leave_only_what_was_asked_for(page: Page, gallery: str, width: int) -> None:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(gallery)
    figures = page.locator("figure:visible")
    assert figures.count() == 3 * 8 * 4  # splits, photos, images of a photo
    page.get_by_label("method").select_option("swap")
    assert figures.count() == 3 * 8
    page.get_by_label("split").select_option("test")
    assert figures.count() == 8
    expect(page.locator("output")).to_have_text("8 of 96 images")
    assert page.locator("section:visible").count() == 8
    assert page.locator("img.mask:visible").count() == 0
    page.get_by_label("show masks").check()
    assert page.locator("img.mask:visible").count() == 8
    drawn = page.evaluate(
        "[...document.querySelectorAll('figure:not([hidden]) img')].filter(one => one.complete"
        " && one.naturalWidth > 0).length"
    )
    assert drawn > 0
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert heard == []


def test_everything_is_readable_without_scripts(page: Page, gallery: str) -> None:
    assert page.context.browser is not None
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(gallery)
    assert plain.locator("figure:visible").count() == 96
    assert plain.locator("form:visible").count() == 0
    assert "AT&T Laboratories Cambridge" in plain.inner_text("body")
