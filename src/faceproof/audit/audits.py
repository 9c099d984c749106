"""One audit: its settings, the checks in order, and the findings as files."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from faceproof.audit.cases import Case, Question, open_case
from faceproof.audit.checks import FINDERS
from faceproof.audit.classifiers import Classifier, open_classifier
from faceproof.audit.evidence import read_evidence
from faceproof.audit.rules import RULES
from faceproof.audit.suspects import list_errors, list_suspects
from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.labels import LABELS_HELP, parse_labels
from faceproof.errors import MetricError, SettingsError
from faceproof.learning.models import WEIGHTS
from faceproof.learning.reviews import list_curves
from faceproof.metrics import Measured, auroc
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.storage import claim_folder, hash_file, replacing

REPORT, TABLE = "report.json", "findings.csv"


@dataclass(frozen=True)
class AuditSettings:
    """One audit of a classifier and the data it was measured on."""

    data: str = field(
        metadata={
            "help": "dataset folder or user/name on the Hub, or folder or zip of images with truth",
            "place": "input",
        }
    )
    output: Path = field(
        metadata={"help": "folder for report.html, report.json and findings.csv", "place": "folder"}
    )
    model: str | None = field(
        default=None,
        metadata={
            "help": "classifier in question: any image classifier, or Hub id",
            "place": "input",
        },
    )
    predictions: Path | None = field(
        default=None,
        metadata={"help": "CSV of predict.py, where the model is not at hand", "place": "input"},
    )
    others: list[str] = field(
        default_factory=list,
        metadata={
            "help": "the same classifier trained with other seeds, two or more",
            "place": "input",
        },
    )
    labels: list[str] = field(default_factory=list, metadata={"help": LABELS_HELP})
    fake_label: str | None = field(
        default=None,
        metadata={"help": "the model's label that means fake, if it cannot be guessed"},
    )
    subgroups: list[str] = field(
        default_factory=list,
        metadata={"help": "columns to compare beside sex, age_band and skin_tone"},
    )
    images: int = field(
        default=400, metadata={"help": "at most so many images are changed and scored again"}
    )
    results: Path | None = field(
        default=None, metadata={"help": "result file to write", "place": "file"}
    )
    seed: int = field(default=0, metadata={"help": "of folds, draws and intervals"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse what cannot be audited."""
        require_positive(self, "images")
        if self.model is not None and self.predictions is not None:
            raise SettingsError("give the model or its predictions, not both")
        if self.others and self.model is None:
            raise SettingsError("others are compared with the model; give --model too")

    def identify(self) -> dict[str, str]:
        """What identifies model and predictions in a result file."""
        found = {}
        if self.model is not None:
            found["model"] = _identify(self.model)
        if self.others:
            found["others"] = " ".join(_identify(one) for one in self.others)
        if self.predictions is not None:
            found["predictions"] = hash_file(self.predictions)
        return found


def _identify(place: str) -> str:
    """The hash of a local classifier's weights; the name of another."""
    weights = Path(place) / WEIGHTS
    return hash_file(weights) if weights.is_file() else place


def look(
    run: AuditSettings, wrap: Callable[[Classifier], Classifier] = lambda classifier: classifier
) -> Case:
    """Open data and classifier, look at every audited image, score it.

    Args:
        run: what is audited.
        wrap: what is done to the classifier once it is open.

    Raises:
        FaceproofError: what was given cannot be used.
    """
    labels = parse_labels(run.labels)
    evidence = read_evidence(run.data, run.subgroups, labels)
    classifier = None if run.model is None else wrap(open_classifier(run.model, run.fake_label))
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
    """All checks, in the order of the rules."""
    return [
        FINDERS[code].run(code, case) for code in progress(RULES, "checking", "checks", len(RULES))
    ]


def has_failed(findings: Sequence[Finding]) -> bool:
    """True if any check failed."""
    return any(finding.outcome == "fail" for finding in findings)


def measure_classifier(case: Case) -> dict[str, Measured | Scalar]:
    """The numbers in question, where a classifier was given and they exist."""
    if case.test is None:
        return {}
    places = np.arange(len(case.labels))
    right = (case.calls_fake == (case.labels == 1)).astype(np.float64)
    try:
        return {
            "classifier_auroc": case.measure(case.rank, places),
            "classifier_accuracy": case.measure(lambda one: float(right[one].mean()), places),
        }
    except MetricError:
        return {}


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
        "findings": [{**asdict(one), "section": RULES[one.code].section} for one in findings],
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
