"""Predictions of a classifier that is not at hand."""

import math
from collections import Counter
from pathlib import Path

import numpy as np

from faceproof.data.inputs.labels import LabelReader, is_fake
from faceproof.data.inputs.names import normalise
from faceproof.data.inputs.spreadsheets import Spreadsheet, read_spreadsheet
from faceproof.errors import InputError, name_some
from faceproof.records import Label

_PLAIN = LabelReader()


def read_scores(predictions: Path, labels: LabelReader = _PLAIN) -> tuple[dict[str, float], float]:
    """Scores by image of a predictions CSV, and the score from which it calls an image fake.

    Images without a score are left out. The threshold is 0.5, moved to where all the labels real
    and fake that the CSV may have are its own.

    Args:
        predictions: the CSV, with the columns image and score, perhaps label.
        labels: says what words mean real and fake.

    Raises:
        InputError: no such CSV, not one of predictions, or one that scores an image twice.
    """
    try:
        data = predictions.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read predictions {predictions}: {error.strerror}") from error
    sheet = read_spreadsheet(data, str(predictions), ("image", "score"))
    scores = _read_column(sheet, predictions)
    words = sheet.column("label") or [""] * len(sheet.rows)
    known = [labels.read(word) for word in words]
    rows = [scores.get(name) for name in sheet.column("image") or []]
    return scores, _find_threshold(list(zip(rows, known, strict=True)))


def _read_column(sheet: Spreadsheet, predictions: Path) -> dict[str, float]:
    names, cells = sheet.column("image") or [], sheet.column("score") or []
    counts = Counter(normalise(name) for name in names)
    twice = [name for name, number in counts.items() if number > 1]
    if twice:
        raise InputError(f"{predictions} has rows for the same image twice: {name_some(twice)}")
    scores: dict[str, float] = {}
    for name, cell in zip(names, cells, strict=True):
        if not cell:
            continue
        try:
            score = float(cell)
        except ValueError as error:
            raise InputError(f"{predictions}: the score of {name} is {cell!r}") from error
        if not 0 <= score <= 1:
            raise InputError(f"{predictions}: the score of {name} is {cell}, not 0 to 1")
        scores[name] = score
    return scores


def _find_threshold(scored: list[tuple[float | None, Label | None]]) -> float:
    """Between the highest score that is called real and the lowest that is called fake, near 0.5.

    Labels of another rule than a threshold's are not followed.
    """
    reals = [score for score, label in scored if score is not None and label and not is_fake(label)]
    fakes = [score for score, label in scored if score is not None and is_fake(label)]
    above, fake_from = max(reals, default=0.0), min(fakes, default=1.0)
    if above >= fake_from:
        return 0.5
    return min(max(0.5, float(np.nextafter(above, math.inf))), fake_from)
