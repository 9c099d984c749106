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
def test_a_person_reads_the_verdict_first(
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
    failed, questions = (
        [one.code for one in findings if one.outcome == name] for name in ("fail", "underpowered")
    )
    verdict = page.get_by_role("heading", level=1).inner_text()
    assert verdict.startswith("Do not trust this accuracy yet: ")
    assert f"{len(questions)} open question" in verdict
    assert "anna<script>" in page.locator("#subject").inner_text()
    assert "label_noise" in failed
    card = page.locator("#worst_label_noise")
    assert "What to do:" in card.inner_text()
    assert card.locator("svg circle").count() == 1
    details = page.get_by_role("heading", name="Every check")
    top = details.evaluate("node => node.getBoundingClientRect().top")
    assert top < 3 * 800 * (1 if width > 400 else 2)  # three screens, six on a phone
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert min(widths) > 0  # every picture decodes


def test_a_link_leads_to_the_check_and_opens_it(
    page: Page, report: tuple[Path, list[Finding]]
) -> None:
    place, findings = report
    page.goto(place.as_uri())
    assert page.locator("details.check").count() == len(findings)
    question = next(one for one in findings if one.outcome == "underpowered")
    assert not page.locator(f"#{question.code}").is_visible()
    page.locator(f"a[href='#{question.code}']").first.click()
    opened = page.locator(f"#{question.code}")
    opened.wait_for(state="visible")
    assert question.power in opened.inner_text()


def test_no_face_is_shown_twice(page: Page, report: tuple[Path, list[Finding]]) -> None:
    page.goto(report[0].as_uri())
    faces = page.evaluate("[...document.querySelectorAll('.faces img')].map(one => one.src)")
    assert len(faces) > 10
    assert len(set(faces)) == len(faces)


def test_it_can_be_read_without_scripts(page: Page, report: tuple[Path, list[Finding]]) -> None:
    context = page.context.browser
    assert context is not None
    quiet = context.new_context(java_script_enabled=False).new_page()
    quiet.goto(report[0].as_uri())
    assert quiet.locator("details.check").count() == len(report[1])
    quiet.close()
