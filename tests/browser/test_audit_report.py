"""The audit report in a real browser, as a person sees it."""

from pathlib import Path

import pytest
from benchmarks.audit.faults import Design, make_classifier
from benchmarks.audit.planted_sets import COHORT, build_evidence
from playwright.sync_api import Page

from faceproof.audit.audits import REPORT, measure_classifier, run_checks, write_report
from faceproof.audit.cases import Question, open_case
from faceproof.data.checks.findings import Finding
from faceproof.reports.pages import write_audit_page


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Finding]]:
    """The audit of a classifier that was trained on wrong labels, under a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    evidence = build_evidence("label_noise", seed=2)
    classifier = make_classifier("anna<script>", evidence, Design(), "label_noise", seed=2)
    case = open_case(evidence, classifier, None, Question(60, (COHORT,), seed=2))
    findings = run_checks(case)
    write_report(case, findings, measure_classifier(case), folder)
    write_audit_page(folder / REPORT, folder / "report.html")
    return folder / "report.html", findings


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_a_person_reads_the_verdicts(
    page: Page, report: tuple[Path, list[Finding]], width: int
) -> None:
    place, findings = report
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url[:40]))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(place.as_uri())
    asked = [url for url in heard if not url.startswith("data:")]
    assert asked == [place.as_uri()[:40]]  # the page itself, nothing else, no complaint
    assert page.get_by_role("heading", level=1).inner_text() == "How much of this accuracy is real?"
    assert page.locator("article").count() == page.locator("#findings tbody tr").count()
    for one in findings:
        outcome = page.locator(f"#{one.code} .outcome").inner_text().lower()
        assert outcome == one.outcome.replace("_", " ")
    assert "anna<script>" in page.locator("p").first.inner_text()
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) > 20
    assert min(widths) > 0  # every picture decodes
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
    assert page.locator("#findings tbody tr").count() == len(findings)


def test_the_table_is_sorted_by_a_click(page: Page, report: tuple[Path, list[Finding]]) -> None:
    page.goto(report[0].as_uri())

    def column(number: int) -> list[str]:
        return page.locator(f"#findings tbody td:nth-child({number})").all_inner_texts()

    page.get_by_role("button", name="outcome").click()
    assert column(2) == sorted(column(2))
    page.get_by_role("button", name="outcome").click()
    assert column(2) == sorted(column(2), reverse=True)
    page.get_by_role("button", name="value").click()
    values = [float(text) for text in column(3) if text]
    assert values == sorted(values)


def test_it_can_be_read_without_scripts(page: Page, report: tuple[Path, list[Finding]]) -> None:
    context = page.context.browser
    assert context is not None
    quiet = context.new_context(java_script_enabled=False).new_page()
    quiet.goto(report[0].as_uri())
    assert quiet.locator("article").count() == len(report[1])
    quiet.close()
