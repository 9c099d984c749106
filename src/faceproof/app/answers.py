"""What the page answers to a photo and to a zip; knows nothing of how it looks on the page."""

import html
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from faceproof.data.images import Pixels
from faceproof.data.inputs.archives import measure_zip, open_archive
from faceproof.data.inputs.walks import MAX_FILE_BYTES, ImageFile
from faceproof.detector.calibration import Decision, Verdict
from faceproof.detector.predict import Detector, Prediction, Tally, write
from faceproof.errors import FaceProofError, ImageError, InputError

MOST_IMAGES = 500  # of one zip: a page is for trying; `predict.py` takes any number
_MOST_MEMBERS, _MOST_UNPACKED_BYTES = 2 * MOST_IMAGES, 1 << 30
_SHOWN_ROWS = 100
_BATCH = 8
_BELOW = "Below: the face as the model sees it, and where it speaks for fake (bright)."
_SAID: dict[Verdict, str] = {
    "real": "no trace of forgery was found",
    "unsure": "it cannot be told",
    "fake": "traces of forgery were found",
}


@dataclass(frozen=True)
class PhotoAnswer:
    """Of one photo: HTML to show, and a picture of what it rests on unless nothing was judged."""

    said: str
    drawn: Pixels | None


@dataclass(frozen=True)
class ZipAnswer:
    """Of a zip: a sentence, the first rows, and the CSV with all, None where nothing was judged."""

    said: str
    rows: list[tuple[str, str, str, str]]
    table: Path | None


def judge_photo(detector: Detector, path: Path) -> PhotoAnswer:
    """The verdict on an uploaded file, which may be anything."""
    try:
        seen = detector.examine(ImageFile(path.name, lambda: _read(path)))
    except ImageError as error:
        return PhotoAnswer(tell_refusal(f"this file cannot be judged: {error}"), None)
    return PhotoAnswer(_tell(seen.prediction, detector.decision), seen.drawn)


def judge_zip(detector: Detector, path: Path, folder: Path) -> ZipAnswer:
    """Verdicts on a zip of images, as a CSV in a new folder below `folder`."""
    try:
        images = _open_small(path)
    except FaceProofError as error:
        reason = str(error).replace(str(path), path.name)  # without the server's folders
        return ZipAnswer(f"This file cannot be used: {reason}", [], None)
    table = Path(tempfile.mkdtemp(dir=folder)) / "predictions.csv"
    tally, kept = Tally({}), list[Prediction]()
    write(_keep(tally.watch(detector.predict(images, _BATCH)), kept), table)
    return ZipAnswer(f"{tally.describe()}.", [_to_row(one) for one in kept], table)


def _open_small(path: Path) -> tuple[ImageFile, ...]:
    """The images of a zip that is small enough, also once it is unpacked."""
    members, size = measure_zip(path)
    said = f"{members} files, {size >> 20} MB unpacked, are more than"
    if members <= _MOST_MEMBERS and size <= _MOST_UNPACKED_BYTES:
        images = open_archive(path).images
        if len(images) <= MOST_IMAGES:
            return images
        said = f"{len(images)} images are more than the {MOST_IMAGES} that"
    raise InputError(f"{said} this page takes; use training/predict.py")


def _keep(predictions: Iterable[Prediction], kept: list[Prediction]) -> Iterable[Prediction]:
    iterator = iter(predictions)
    for one in islice(iterator, _SHOWN_ROWS):
        kept.append(one)
        yield one
    yield from iterator


def _to_row(one: Prediction) -> tuple[str, str, str, str]:
    score = "" if one.score is None else f"{one.score:.3f}"
    return one.image, score, one.label or "", one.reason


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
    return data


def _tell(one: Prediction, decision: Decision) -> str:
    assert one.label is not None
    assert one.score is not None
    note = f"<p class='note'>{html.escape(one.reason)}</p>" if one.reason else ""
    return (
        f"<div class='verdict {one.label}'><strong>{one.label}</strong>"
        f"<span>{_SAID[one.label]}</span></div>"
        f"<p>Calibrated probability of fake: <b>{one.score:.2f}</b>. It says fake from "
        f"{decision.fake_from:.2f} on and real below {decision.real_below:.2f}; between them it is "
        f"unsure.</p>{note}<p class='note'>{_BELOW}</p>"
    )


def tell_refusal(reason: str) -> str:
    """HTML that says why there is no verdict; the reason may hold a stranger's words."""
    return f"<p class='refused' role='alert'>{html.escape(reason)}</p>"
