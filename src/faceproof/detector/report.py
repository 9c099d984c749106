"""What a reader wants to see of predictions whose truth is known: numbers, curves, worst errors."""

import base64
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from faceproof.data.images import decode
from faceproof.data.inputs.walks import ImageFile, Reader
from faceproof.detector.calibration import UNSURE, Decision
from faceproof.detector.evaluation import TITLES
from faceproof.detector.predict import Tally
from faceproof.errors import ImageError, MetricError
from faceproof.metrics import (
    Labels,
    Measured,
    Scores,
    precision_recall_curve,
    reliability_bins,
    roc_curve,
)
from faceproof.records import FAKE, LABELS, Label
from faceproof.storage import claim_folder, replacing

_THUMBNAIL_PIXELS = 128
_WORST = 24

Worst = tuple[str, Label, float]  # path, truth, score


def write_review(
    tally: Tally,
    decision: Decision,
    metrics: Mapping[str, Measured],
    images: Iterable[ImageFile],
    path: Path,
) -> None:
    """Write everything that a report shows as JSON.

    Args:
        tally: of the predictions.
        decision: of the model.
        metrics: as measured.
        images: the same images once more, for small pictures of the worst errors.
        path: file to write.
    """
    worst = find_worst(tally, decision, _WORST)
    pictures = _read_pictures({name for name, _, _ in worst}, images)
    document = {
        "counts": tally.counts(),
        "metrics": {TITLES[name]: asdict(value) for name, value in metrics.items()},
        "decision": asdict(decision),
        "verdicts": count_verdicts(tally, decision),
        "curves": list_curves(*tally.known()[:2]),
        "worst": [
            {"image": name, "truth": truth, "score": score, "thumbnail": pictures.get(name, "")}
            for name, truth, score in worst
        ],
    }
    claim_folder(path.parent)
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n")


def list_curves(labels: Labels, scores: Scores) -> dict[str, list[list[float]]] | None:
    """Points of the ROC and precision-recall curves and of the reliability diagram.

    None where only one class is present.
    """
    try:
        curves = {
            "roc": roc_curve(labels, scores),
            "precision_recall": precision_recall_curve(labels, scores),
            "reliability": reliability_bins(labels, scores)[:2],
        }
    except MetricError:
        return None
    return {name: [axis.tolist() for axis in axes] for name, axes in curves.items()}


def count_verdicts(tally: Tally, decision: Decision) -> dict[Label, dict[str, int]]:
    """Images by truth and by the verdict that may abstain."""
    labels, scores, _ = tally.known()
    counts: dict[Label, dict[str, int]] = {
        name: dict.fromkeys(("real", UNSURE, "fake"), 0) for name in LABELS
    }
    for label, score in zip(labels, scores, strict=True):
        counts[LABELS[label]][decision.judge(score)] += 1
    return counts


def find_worst(tally: Tally, decision: Decision, most: int) -> list[Worst]:
    """The errors of the forced verdict that were made with the greatest certainty."""
    labels, scores, _ = tally.known()
    wrong = np.flatnonzero(decision.force(scores) != (labels == FAKE))
    order = wrong[np.argsort(-np.abs(scores - labels)[wrong], kind="stable")][:most]
    return [(tally.names[row], LABELS[labels[row]], float(scores[row])) for row in order]


def _read_pictures(names: set[str], images: Iterable[ImageFile]) -> dict[str, str]:
    pictures: dict[str, str] = {}
    for file in images:
        if len(pictures) == len(names):
            break
        if file.name in names:
            pictures[file.name] = show_small(file.read)
    return pictures


def show_small(read: Reader) -> str:
    """A small JPEG of an image file, base64; nothing where it cannot be read."""
    try:
        picture = Image.fromarray(decode(read()))
    except ImageError:
        return ""
    picture.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=85)
    return base64.b64encode(sink.getvalue()).decode()
