"""Scores for any images: one row each, whatever the image."""

import csv
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass, field, fields
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from faceproof.data.faces import MIN_FACE_PIXELS, Found, find_faces
from faceproof.data.forgery.tensors import single_thread
from faceproof.data.images import Pixels, decode
from faceproof.data.inputs.archives import Truth
from faceproof.data.inputs.labels import code_of
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.backends import Engine
from faceproof.detector.calibration import UNSURE, Decision, Verdict, to_margins
from faceproof.detector.evaluation import TITLES, measure_decision
from faceproof.detector.heatmap import write_map
from faceproof.detector.models import WEIGHTS
from faceproof.detector.pictures import Picture, read_picture
from faceproof.detector.released import find_released
from faceproof.detector.settings import Precision
from faceproof.errors import ImageError
from faceproof.metrics import Labels, Measured, Scores
from faceproof.records import FAKE
from faceproof.storage import expand_home, hash_file, replacing

logger = logging.getLogger(__name__)

_NO_FACE = "no face found"
_NO_EDGE = "the picture lies on a page of its own colour: where it ends cannot be told"
_AHEAD = 2  # batches each worker may be ahead of the writer: bounds memory


@dataclass(frozen=True)
class Prediction:
    """One row of the predictions CSV; score and label are None where the image is unusable."""

    image: str
    score: float | None
    label: Verdict | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """What Python gets of one picture; score and label are None where it cannot be decoded.

    `score` is the calibrated probability of fake, 0 to 1. `box` is the judged face's, left, top,
    right, bottom in pixels of the upright picture; it may reach over the edge. None: no face.
    `kind` is `generated` or `altered` where the verdict is fake and the model tells kinds apart.
    """

    label: Verdict | None
    score: float | None
    reason: str
    box: tuple[int, int, int, int] | None = None
    kind: str | None = None


@dataclass(frozen=True)
class _Prepared:
    """What the model sees of a picture, what to say of it, and where its face is."""

    picture: Pixels
    reason: str
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class _Scored:
    """The calibrated probability of fake, and the kind of fake it most looks like."""

    score: float
    kind: str | None


@dataclass(frozen=True)
class Examination:
    """One image looked at closely.

    `drawn` is (side, 2 * side, 3) uint8: the face as the model saw it, and beside it where that
    spoke for fake.
    """

    prediction: Prediction
    drawn: Pixels


def load_detector(model: str | PathLike[str] | None = None) -> "Detector":
    """The detector, ready for pictures: `load_detector()("photo.jpg")`.

    Args:
        model: folder or Hub id; by default the released detector, which lies in the repository.

    Raises:
        ModelError: there is no such model.
    """
    return Detector(str(find_released() if model is None else expand_home(Path(model))))


class Detector:
    """A trained classifier that scores images."""

    def __init__(
        self,
        place: str,
        is_aligned: bool = True,
        is_calibrated: bool = True,
        precision: Precision = "fp32",
        maps: Path | None = None,
    ) -> None:
        """Load the model.

        Args:
            place: local folder or Hub id.
            is_aligned: cut out the largest face first, as the dataset builder does.
            is_calibrated: divide logits by the stored temperature.
            precision: of the arithmetic.
            maps: folder for a heat map of each image that is predicted.

        Raises:
            ModelError: see `models.load_model`.
        """
        self._engine = Engine(place, precision)
        stored = self._engine.decision
        self.decision: Decision = stored if is_calibrated else stored.on_raw_scale()
        self._is_aligned = is_aligned
        self._place = place
        self._maps = maps

    def identify(self) -> dict[str, str]:
        """What identifies the model in a result file."""
        weights = Path(self._place) / WEIGHTS
        return {"model": hash_file(weights) if weights.is_file() else self._place}

    def score(self, pictures: Sequence[Pixels]) -> Scores:
        """Probability of fake for each picture, (H, W, 3) uint8 RGB, shape (N,), 0 to 1."""
        scored = self._score_fitted([self._engine.fit(one) for one in pictures])
        return np.array([one.score for one in scored])

    def _score_fitted(self, fitted: Sequence[Pixels]) -> list[_Scored]:
        if not fitted:
            return []
        logits, kinds = self._engine.compute_logits(fitted), self._engine.kinds
        scores = self.decision.to_scores(to_margins(logits)).tolist()
        likeliest = logits[:, FAKE:].argmax(axis=1).tolist()
        return [
            _Scored(score, kinds[place] if kinds else None)
            for score, place in zip(scores, likeliest, strict=True)
        ]

    @overload
    def __call__(self, pictures: Picture) -> Answer: ...

    @overload
    def __call__(self, pictures: list[Any]) -> list[Answer]: ...

    def __call__(self, pictures: Picture | list[Any]) -> Answer | list[Answer]:
        """Judge one picture, or each of a list, as `training/predict.py` does.

        Raises:
            OSError: a path that cannot be read.
            InputError: what is no picture; see `pictures.read_picture`.
        """
        if isinstance(pictures, list):
            return [self._answer(one) for one in pictures]
        return self._answer(pictures)

    def _answer(self, picture: Picture) -> Answer:
        data = read_picture(picture)
        try:
            prepared = self._prepare(data)
        except ImageError as error:
            return Answer(None, None, str(error))
        (scored,) = self._score_fitted([prepared.picture])
        judged = self._judge("", scored, prepared.reason)
        kind = scored.kind if judged.label == "fake" else None
        return Answer(judged.label, judged.score, judged.reason, prepared.box, kind)

    def examine(self, image: ImageFile) -> Examination:
        """The prediction for one image, and a picture of what it rests on.

        Raises:
            ImageError: it cannot be read or decoded.
            ModelError: the engine draws no heat maps.
        """
        prepared = self._prepare(image.read())
        (scored,) = self._score_fitted([prepared.picture])
        prediction = self._judge(image.name, scored, prepared.reason)
        return Examination(prediction, self._engine.draw_map(prepared.picture))

    def predict(
        self, images: Iterable[ImageFile], batch: int, workers: int = 1
    ) -> Iterator[Prediction]:
        """One prediction for each image file, in order; a few batches are held in memory."""
        batches = _batched(images, batch)
        # Batches side by side, a thread each: two threads within a small network get in each
        # other's way.
        with single_thread(), ThreadPoolExecutor(workers) as pool:
            waiting: deque[Future[list[Prediction]]] = deque()
            for files in batches:
                waiting.append(pool.submit(self._predict_batch, files))
                if len(waiting) > workers * _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()

    def _prepare(self, data: bytes) -> _Prepared:
        """The face of an encoded image, or all of it, in the model's size; and what to say of it.

        Raises:
            ImageError: it cannot be decoded.
        """
        pixels = decode(data)
        if not self._is_aligned:
            return _Prepared(self._engine.fit(pixels), "")
        try:
            found = find_faces(pixels)
        except ImageError:
            return _Prepared(self._engine.fit(pixels), _NO_FACE)
        picture = self._engine.fit(found.crop.cut(pixels))
        return _Prepared(picture, describe_face(found), found.crop.box)

    def _predict_batch(self, files: Sequence[ImageFile]) -> list[Prediction]:
        pictures: list[Pixels] = []
        reasons: list[tuple[str, bool]] = []
        for file in files:
            try:
                prepared = self._prepare(file.read())
                pictures.append(prepared.picture)
                reasons.append((prepared.reason, True))
            except ImageError as error:
                reasons.append((str(error), False))
        scores = iter(self._score_fitted(pictures))
        if self._maps is not None:
            readable = (
                file.name for file, (_, is_fine) in zip(files, reasons, strict=True) if is_fine
            )
            for name, picture in zip(readable, pictures, strict=True):
                write_map(self._engine.draw_map(picture), name, self._maps)
        return [
            self._judge(file.name, next(scores), reason)
            if is_readable
            else Prediction(file.name, None, None, reason)
            for file, (reason, is_readable) in zip(files, reasons, strict=True)
        ]

    def _judge(self, name: str, scored: _Scored, reason: str) -> Prediction:
        """The verdict; the limits were set on faces, so without one nothing can be said."""
        if reason == _NO_FACE or reason.endswith(_NO_EDGE):
            return Prediction(name, scored.score, UNSURE, reason)
        verdict = self.decision.judge(scored.score)
        notes = [self._explain(verdict, scored), reason]
        return Prediction(name, scored.score, verdict, "; ".join(note for note in notes if note))

    def _explain(self, verdict: Verdict, scored: _Scored) -> str:
        """Which kind of fake it looks like, or which way a verdict that abstains leans."""
        if verdict == UNSURE:
            return f"leans {'fake' if scored.score >= self.decision.threshold else 'real'}"
        return f"looks {scored.kind}" if verdict == "fake" and scored.kind else ""


def describe_face(found: Found) -> str:
    """What a reader should know of the face that was judged; empty where it is nothing special."""
    notes = []
    if found.faces > 1:
        notes.append(f"{found.faces} faces found, the largest was judged")
    if found.face_pixels < MIN_FACE_PIXELS:
        notes.append(f"small face, {found.face_pixels} pixels: the verdict is less certain")
    if found.is_on_page and found.is_whole:
        notes.append("the picture lies on a page, such as a screenshot: cut out of it")
    elif found.is_on_page:
        notes.append(_NO_EDGE)
    return "; ".join(notes)


def _batched(images: Iterable[ImageFile], size: int) -> Iterator[list[ImageFile]]:
    iterator = iter(images)
    while batch := list(islice(iterator, size)):
        yield batch


@dataclass
class Tally:
    """Counts of the predictions that pass; an image is kept only where its truth is known."""

    truth: Mapping[str, Truth]
    images: int = 0
    unreadable: int = 0
    unsure: int = 0
    without_face: int = 0
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def watch(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Pass predictions on, counting them."""
        for one in predictions:
            self.images += 1
            self.unreadable += one.score is None
            self.unsure += one.label == UNSURE
            self.without_face += one.reason == _NO_FACE
            known = self.truth.get(one.image)
            if one.score is not None and known is not None:
                self.names.append(one.image)
                self.labels.append(code_of(known.label))
                self.scores.append(one.score)
                self.groups.append(known.group)
            yield one

    def counts(self) -> dict[str, int]:
        """How many images there were, and of which kinds."""
        return {
            "images": self.images,
            "unreadable": self.unreadable,
            "unsure": self.unsure,
            "without_face": self.without_face,
            "known": len(self.labels),
        }

    def describe(self) -> str:
        """The same for a reader."""
        return (
            f"{self.images} images, {self.unreadable} unreadable, {self.unsure} unsure, "
            f"{self.without_face} without a face that was found"
        )

    def known(self) -> tuple[Labels, Scores, NDArray[np.str_]]:
        """Labels, scores and groups of the readable images whose truth is known."""
        return (
            np.array(self.labels, np.int64),
            np.array(self.scores, np.float64),
            np.array(self.groups, np.str_),
        )


def measure_known(tally: Tally, decision: Decision, seed: int) -> dict[str, Measured]:
    """Every metric over the readable images whose truth is known, with 95 % intervals.

    Images of one group are drawn together, so ten photos of a person do not count as ten people.
    What these images cannot give (AUROC of one class, an interval of one group) is left out.
    """
    labels, scores, groups = tally.known()
    return measure_decision(labels, scores, decision, groups, seed) if len(labels) else {}


def write(predictions: Iterable[Prediction], path: Path) -> None:
    """Write the predictions CSV as they come: image, score, label, reason; empty for none."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(column.name for column in fields(Prediction))
        writer.writerows(astuple(prediction) for prediction in predictions)


def format_metric(name: str, value: Measured) -> str:
    """A metric as a line of text, with count and interval."""
    is_known = (value.low, value.high) != (0.0, 1.0)
    interval = (
        f"95 % interval {value.low:.3f} to {value.high:.3f}"
        if is_known
        else "no interval: too few independent images"
    )
    return (
        f"{TITLES[name]:<32} {value.value:.3f} "
        f"({interval}, n = {value.n} readable images with known truth)"
    )
