"""Predictions of a classifier that is not at hand."""

import csv
from pathlib import Path

import numpy as np

from faceproof.errors import InputError
from faceproof.records import LABELS


def read_scores(predictions: Path) -> tuple[dict[str, float], float]:
    """Scores by image of a predictions CSV, and the score from which it calls an image fake.

    Images without a score are left out. The threshold is 0.5, moved to where all the labels real
    and fake that the CSV may have are its own.

    Raises:
        InputError: no such CSV, or not one of predictions.
    """
    try:
        with predictions.open(encoding="utf-8-sig", newline="") as source:
            rows = csv.DictReader(source)
            if not {"image", "score"} <= set(rows.fieldnames or ()):
                raise InputError(
                    f"{predictions} needs the columns image and score; make it with predict.py"
                )
            scored = [
                (row["image"], float(row["score"]), row.get("label"))
                for row in rows
                if row["score"]
            ]
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read predictions {predictions}: {error}") from error
    for name, score, _ in scored:
        if not 0 <= score <= 1:
            raise InputError(f"{predictions}: the score of {name} is {score}, not 0 to 1")
    above = max((score for _, score, label in scored if label == LABELS[0]), default=0.0)
    fake_from = min((score for _, score, label in scored if label == LABELS[1]), default=1.0)
    threshold = 0.5
    if above < fake_from:  # labels of another rule than a threshold's are not followed
        threshold = min(max(threshold, float(np.nextafter(above, 1))), fake_from)
    return {name: score for name, score, _ in scored}, threshold
