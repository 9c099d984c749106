"""Scores for a folder or zip of images: one row each, whatever the image."""

import csv
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from faceproof.data.archives import ImageFile, Truth
from faceproof.data.faces import find_largest
from faceproof.data.images import Pixels, decode
from faceproof.errors import ImageError, MetricError
from faceproof.learning.batches import to_tensor
from faceproof.learning.calibration import to_margins, to_scores
from faceproof.learning.models import load_model
from faceproof.metrics import Measured, Rows, accuracy, auroc, measure
from faceproof.records import LABELS
from faceproof.results import Size
from faceproof.settings import require_positive
from faceproof.storage import hash_file, replacing

logger = logging.getLogger(__name__)

_NO_FACE = "no face found; the whole image was scored"


@dataclass(frozen=True)
class Prediction:
    """One row of the predictions CSV; score and label are None where the image is unusable."""

    image: str
    score: float | None
    label: str | None
    reason: str


@dataclass(frozen=True)
class PredictSettings:
    """One run over a folder or zip."""

    input: Path = field(metadata={"help": "folder or zip of images; never unpacked"})
    output: Path = field(metadata={"help": "CSV to write: image, score, label, reason"})
    model: str = field(metadata={"help": "model folder or Hub id"})
    align: bool = field(
        default=True, metadata={"help": "cut out the largest face first; off: score whole images"}
    )
    calibrate: bool = field(
        default=True,
        metadata={"help": "divide logits by the stored temperature; off: the model's own"},
    )
    batch: int = field(
        default=32, metadata={"help": "images scored at a time; memory, not results"}
    )
    results: Path | None = field(default=None, metadata={"help": "result file, if truth is known"})
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "batch")


class Detector:
    """A trained classifier that scores images."""

    def __init__(self, place: str, is_aligned: bool = True, is_calibrated: bool = True) -> None:
        """Load the model.

        Args:
            place: local folder or Hub id.
            is_aligned: cut out the largest face first, as the dataset builder does.
            is_calibrated: divide logits by the stored temperature.

        Raises:
            ModelError: see `models.load_model`.
        """
        self._model, self._processor, self.decision = load_model(place)
        self._is_aligned = is_aligned
        self._temperature = self.decision.temperature if is_calibrated else 1.0

        self._place = place

    def identify(self) -> dict[str, str]:
        """What identifies the model in a result file."""
        weights = Path(self._place) / "model.safetensors"
        return {"model": hash_file(weights) if weights.is_file() else self._place}

    @torch.inference_mode()
    def score(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        """Probability of fake for each picture, shape (N,), 0 to 1."""
        logits = self._model(pixel_values=to_tensor(pictures, self._processor)).logits
        return to_scores(to_margins(logits.double().numpy()), self._temperature)

    def predict(self, images: Iterable[ImageFile], batch: int) -> Iterator[Prediction]:
        """One prediction for each image file, in order; only one batch is held in memory."""
        for files in _batched(images, batch):
            yield from self._predict_batch(files)

    def _predict_batch(self, files: Sequence[ImageFile]) -> list[Prediction]:
        pictures: list[Pixels] = []
        reasons: list[tuple[str, bool]] = []
        for file in files:
            try:
                pixels, reason = self._prepare(decode(file.read()))
                pictures.append(pixels)
                reasons.append((reason, True))
            except ImageError as error:
                reasons.append((str(error), False))
        scores = iter(self.score(pictures) if pictures else ())
        return [
            self._judge(file.name, float(next(scores)), reason)
            if is_readable
            else Prediction(file.name, None, None, reason)
            for file, (reason, is_readable) in zip(files, reasons, strict=True)
        ]

    def _prepare(self, pixels: Pixels) -> tuple[Pixels, str]:
        if not self._is_aligned:
            return pixels, ""
        try:
            return find_largest(pixels).cut(pixels), ""
        except ImageError:
            return pixels, _NO_FACE

    def _judge(self, name: str, score: float, reason: str) -> Prediction:
        return Prediction(name, score, LABELS[int(score >= self.decision.threshold)], reason)


def _batched(images: Iterable[ImageFile], size: int) -> Iterator[tuple[ImageFile, ...]]:
    iterator = iter(images)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def write(predictions: Sequence[Prediction], path: Path) -> None:
    """Write the predictions CSV: image, score, label, reason; empty where there is none."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(column.name for column in fields(Prediction))
        writer.writerows(astuple(prediction) for prediction in predictions)


def measure_predictions(
    predictions: Sequence[Prediction], truth: Mapping[str, Truth], threshold: float, seed: int
) -> dict[str, Measured]:
    """Accuracy and AUROC over every readable image whose truth is known, with 95 % intervals.

    Images of one group are drawn together, so ten photos of a person do not count as ten people.
    What these images cannot give (AUROC of one class, an interval of one group) is left out, with
    a warning.
    """
    known = [one for one in predictions if one.score is not None and one.image in truth]
    labels = np.array([LABELS.index(truth[one.image].label) for one in known], np.int64)
    scores = np.array([one.score for one in known], np.float64)
    groups = np.array([truth[one.image].group for one in known], np.str_)
    statistics: dict[str, Callable[[Rows], float]] = {
        "accuracy": lambda rows: accuracy(labels[rows], scores[rows], threshold),
        "auroc": lambda rows: auroc(labels[rows], scores[rows]),
    }
    values = {}
    for name, statistic in statistics.items():
        try:
            values[name] = measure(statistic, groups, seed)
        except MetricError as error:
            logger.warning("%s is not available: %s", name, error)
    return values


def format_metric(name: str, value: Measured) -> str:
    """A metric as a line of text, with count and interval."""
    return (
        f"{name:<12} {value.value:.3f} (95 % interval {value.low:.3f} to {value.high:.3f}, "
        f"n = {value.n} readable images with known truth)"
    )
