"""The audit report in a real browser, as a person sees it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from faceproof.audit.audits import write_report
from faceproof.data.checks.leakage import check_groups
from faceproof.data.checks.shortcuts import judge
from faceproof.metrics import Measured
from faceproof.reports.pages import write_audit_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a browser; .ci/run installs Debian's chromium")
        pytest.skip("no Chrome or Chromium found; install one to run the browser tests")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET)
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    findings = [
        judge("file_facts", Measured(0.91, 320, 0.87, 0.95), 320),
        check_groups(["anna<script>", "anna<script>"], ["train", "test"]),
        judge("file_facts", None, 8),
    ]
    write_report(findings, Measured(0.993, 320, 0.98, 0.999), 320, folder / "report.json")
    write_audit_page(folder / "report.json", folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_a_person_reads_the_verdicts(page: Page, report: Path, width: int) -> None:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report.as_uri())
    assert heard == [report.as_uri()]  # the page itself, nothing else, no complaint
    assert page.get_by_role("heading", level=1).inner_text() == "How much of this accuracy is real?"
    outcomes = [text.lower() for text in page.locator(".outcome").all_inner_texts()]
    assert outcomes == ["fail", "fail", "underpowered"]
    assert "0.993" in page.locator("p").first.inner_text()
    assert "anna<script> (train, test)" in page.inner_text("body")
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
