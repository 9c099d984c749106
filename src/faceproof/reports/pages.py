"""HTML pages: one file each, no network, readable without scripts."""

import json
from pathlib import Path

from faceproof.reports.templates import render_template
from faceproof.storage import replacing


def write_audit_page(report: Path, page: Path) -> None:
    """Show an audit's report: the classifier's number, then every finding.

    Args:
        report: JSON written by the audit.
        page: HTML file to write.
    """
    text = render_template("question_02/report.html.j2", **json.loads(report.read_text()))
    with replacing(page) as partial:
        partial.write_text(text)
