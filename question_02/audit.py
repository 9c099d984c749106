"""Audit a classifier that reports a high accuracy: how much of it is real?

    python question_02/audit.py --data dataset_builder --predictions predictions.csv --output audit

Reads the data the classifier was measured on (a dataset folder, or a folder or zip with truth) and
its predictions. Writes report.json and report.html. Two checks: can the label be told from
file facts alone, and does a group cross splits. Exit code 3 when a check fails.
"""

from faceproof import console, results, settings
from faceproof.audit import audits, evidence
from faceproof.data.checks.findings import to_values
from faceproof.reports import pages


def main() -> int:
    """Read the evidence, run the checks, write the report."""
    run = settings.read(audits.AuditSettings, __doc__)
    seen = evidence.read_evidence(run.data)
    classifier = (
        None
        if run.predictions is None
        else evidence.measure_classifier(run.predictions, seen, run.seed)
    )
    findings = audits.run_checks(seen, run.seed)

    report, page = run.output / "report.json", run.output / "report.html"
    audits.write_report(findings, classifier, len(seen.labels), report)
    if run.results is not None:
        values = to_values(findings) | audits.name_classifier(classifier)
        results.write(run.results, values, results.Run(run))
    pages.write_audit_page(report, page)
    for finding in findings:
        console.say(f"{finding.code:<16} {finding.outcome:<13} {finding.meaning} {finding.advice}")
    console.say(f"report       {page}")
    return console.EXIT_FINDINGS if audits.has_failed(findings) else 0


if __name__ == "__main__":
    console.run(main)
