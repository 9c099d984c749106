"""One audit: the settings, the checks in order, and the findings as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from faceproof.audit.evidence import Evidence
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.leakage import check_groups
from faceproof.data.checks.shortcuts import FILE_FACTS, judge, probe
from faceproof.errors import MetricError
from faceproof.metrics import Measured
from faceproof.results import Scalar, Size
from faceproof.storage import replacing


@dataclass(frozen=True)
class AuditSettings:
    """One audit of a classifier and the data it was measured on."""

    data: Path = field(metadata={"help": "dataset folder, or folder or zip of images with truth"})
    output: Path = field(metadata={"help": "folder for report.json and report.html"})
    predictions: Path | None = field(
        default=None, metadata={"help": "CSV of predict.py: the accuracy that is in question"}
    )
    results: Path | None = field(default=None, metadata={"help": "result file to write"})
    seed: int = field(default=0, metadata={"help": "of folds, forests and bootstrap"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})


def run_checks(evidence: Evidence, seed: int) -> list[Finding]:
    """All checks, in the order of the report."""
    return [_check_file_facts(evidence, seed), check_groups(evidence.groups, evidence.splits)]


def _check_file_facts(evidence: Evidence, seed: int) -> Finding:
    measured: Measured | None
    try:
        measured = probe(evidence.facts, evidence.labels, evidence.group_of_each(), seed)
    except MetricError:
        measured = None
    return judge(FILE_FACTS, measured, len(evidence.labels))


def has_failed(findings: Sequence[Finding]) -> bool:
    """True if any check failed."""
    return any(finding.outcome == "fail" for finding in findings)


def name_classifier(measured: Measured | None) -> dict[str, Measured | Scalar]:
    """The classifier's own number, if its predictions were given."""
    return {} if measured is None else {"classifier_auroc": measured}


def write_report(
    findings: Sequence[Finding], classifier: Measured | None, images: int, path: Path
) -> None:
    """Write findings, the classifier's AUROC and the number of images as JSON."""
    document = {
        "images": images,
        "classifier": None if classifier is None else asdict(classifier),
        "findings": [asdict(finding) for finding in findings],
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=2) + "\n")
