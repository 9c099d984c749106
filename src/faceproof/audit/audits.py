"""One audit: its settings, the checks in order, and the findings as files."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np

from faceproof.audit.cases import Case, Question, open_case
from faceproof.audit.checks import CHECKS, SECTIONS
from faceproof.audit.classifiers import Classifier, open_classifier
from faceproof.audit.evidence import read_evidence
from faceproof.audit.settings import AuditSettings
from faceproof.audit.suspects import list_errors, list_suspects
from faceproof.console import progress
from faceproof.data.checks.findings import Finding, Outcome
from faceproof.data.inputs.labels import parse_labels
from faceproof.detector.models import WEIGHTS
from faceproof.detector.report import list_curves
from faceproof.errors import MetricError
from faceproof.intervals import Share
from faceproof.metrics import Measured, auroc
from faceproof.results import Scalar
from faceproof.storage import claim_folder, hash_file, replacing

REPORT, TABLE = "report.json", "findings.csv"
_WORDS: dict[Outcome, str] = {
    "fail": "failed", "underpowered": "open", "pass": "passed", "not_applicable": "not judged",
}  # fmt: skip


def identify(run: AuditSettings) -> dict[str, str]:
    """What identifies model and predictions in a result file."""
    found = {}
    if run.model is not None:
        found["model"] = _identify(run.model)
    if run.others:
        found["others"] = " ".join(_identify(one) for one in run.others)
    if run.predictions is not None:
        found["predictions"] = hash_file(run.predictions)
    return found


def _identify(place: str) -> str:
    """The hash of a local classifier's weights; the name of another."""
    weights = Path(place) / WEIGHTS
    return hash_file(weights) if weights.is_file() else place


def look(run: AuditSettings) -> Case:
    """Open data and classifier, look at every audited image, score it.

    Raises:
        FaceProofError: what was given cannot be used.
    """
    classifier = None if run.model is None else open_classifier(run.model, run.fake_label)
    return examine(run, classifier)


def examine(run: AuditSettings, classifier: Classifier | None) -> Case:
    """The same with a classifier that is open already; None where only its predictions are known.

    Raises:
        FaceProofError: what was given cannot be used.
    """
    labels = parse_labels(run.labels)
    evidence = read_evidence(run.data, run.subgroups, labels)
    question = Question(run.images, tuple(run.subgroups), run.seed, labels)
    case = open_case(evidence, classifier, run.predictions, question)
    if case.test is None:
        return case
    ranked = []
    for place in run.others:
        other = open_classifier(place, run.fake_label)
        margins = other.score(case.pictures(np.arange(len(case.labels))))
        ranked.append(auroc(case.labels, margins))
    return replace(case, others=tuple(ranked))


def run_checks(case: Case) -> list[Finding]:
    """All checks, in the order of the report."""
    checks = CHECKS.values()
    return [check.run(case) for check in progress(checks, "checking", "checks", len(checks))]


def has_failed(findings: Sequence[Finding]) -> bool:
    """True if any check failed."""
    return any(finding.outcome == "fail" for finding in findings)


def tell(findings: Sequence[Finding]) -> list[str]:
    """Failures and open questions as lines for a console, then the counts."""
    lines = [
        f"{_WORDS[one.outcome]:<8} {CHECKS[one.code].title} ({one.code}): {one.meaning} "
        f"{one.advice if one.outcome == 'fail' else one.power}"
        for outcome in ("fail", "underpowered")
        for one in findings
        if one.outcome == outcome
    ]
    counts = Counter(one.outcome for one in findings)
    return [*lines, ", ".join(f"{counts[name]} {said}" for name, said in _WORDS.items())]


def measure_classifier(case: Case) -> dict[str, Measured | Scalar]:
    """The numbers in question, where a classifier was given and they exist."""
    if case.test is None:
        return {}
    places = np.arange(len(case.labels))
    right = Share(~case.is_wrong, np.ones(len(places), bool))
    try:
        return {
            "classifier_auroc": case.measure(case.ranking, places),
            "classifier_accuracy": case.measure(right, places),
        }
    except MetricError:
        return {}


def _describe(finding: Finding) -> dict[str, object]:
    check = CHECKS[finding.code]
    section = next(name for name, checks in SECTIONS.items() if check in checks)
    return {
        **asdict(finding), "section": section, "title": check.title, "is_upper": check.is_upper,
    }  # fmt: skip


def write_report(
    case: Case,
    findings: Sequence[Finding],
    classifier: dict[str, Measured | Scalar],
    folder: Path,
) -> None:
    """Write findings as JSON, with everything that the page shows, and as CSV."""
    document = {
        "images": len(case.seen.rows),
        "unreadable": len(case.seen.unreadable),
        "scored": 0 if case.test is None else len(case.labels),
        "name": None if case.classifier is None else case.classifier.name,
        "classifier": {
            name: asdict(value) for name, value in classifier.items() if isinstance(value, Measured)
        },
        "findings": [_describe(one) for one in findings],
        "curves": None if case.test is None else list_curves(case.labels, case.scores),
        "errors": [] if case.test is None else list_errors(case),
        "suspects": [] if case.test is None else list_suspects(case),
    }
    claim_folder(folder)
    with replacing(folder / REPORT) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n")
    with (
        replacing(folder / TABLE) as partial,
        partial.open("w", encoding="utf-8", newline="") as sink,
    ):
        writer = csv.DictWriter(sink, [one.name for one in fields(Finding)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in findings)
