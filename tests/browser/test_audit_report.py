"""The audit report in a real browser, as a person sees it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from faceproof.audit.audits import write_report
from faceproof.data.checks.leakage import check_groups
from faceproof.data.checks.shortcuts import judge
from faceproof.metrics import Measured
from faceproof.reports.pages import write_audit_page


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
