"""Audit a classifier that reports a high accuracy: how much of it is real?

    python question_02/audit.py --model build/demo/training --data dataset_builder --output audit
    python question_02/audit.py --predictions predictions.csv --data dataset_builder --output audit

Reads the data the classifier was measured on (a dataset, or a folder or zip with truth) and the
classifier, or its predictions. Writes report.html, report.json and findings.csv. Exit code 3 when a
check fails.
"""

from faceproof import console, settings
from faceproof.audit.settings import AuditSettings


def main() -> int:
    """Look at the evidence, run the checks, write the report."""
    run = settings.read(AuditSettings, __doc__)

    from faceproof import results
    from faceproof.audit import audits
    from faceproof.data.checks.findings import to_values
    from faceproof.reports import pages

    case = audits.look(run)
    classifier = audits.measure_classifier(case)
    findings = audits.run_checks(case)

    audits.write_report(case, findings, classifier, run.output)
    if run.results is not None:
        values = to_values(findings) | classifier
        results.write(run.results, values, results.Run(run, audits.identify(run)))
    page = run.output / "report.html"
    pages.write_audit_page(run.output / audits.REPORT, page)
    for line in audits.tell(findings):
        console.say(line)
    console.say(f"report       {page}")
    return console.EXIT_FINDINGS if audits.has_failed(findings) else 0


if __name__ == "__main__":
    console.run(main)
