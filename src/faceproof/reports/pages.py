"""HTML pages: one file each, no network, readable without scripts."""

from collections.abc import Sequence
from pathlib import Path

from faceproof.data.checks.findings import Finding
from faceproof.reports.templates import render_template
from faceproof.results import Measured
from faceproof.storage import replacing


def write_audit_report(
    findings: Sequence[Finding], classifier: Measured | None, images: int, path: Path
) -> None:
    """Write the audit as a page: the classifier's number, then every finding.

    Args:
        findings: in the order of the report.
        classifier: AUROC that is in question, if predictions were given.
        images: number of images that were looked at.
        path: HTML file to write.
    """
    page = render_template(
        "question_02/report.html.j2", findings=findings, classifier=classifier, images=images
    )
    with replacing(path) as partial:
        partial.write_text(page)
