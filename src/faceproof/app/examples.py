"""Faces to try the page with, made when it starts: ORL photos, and one swapped into the other.

Credit: AT&T Laboratories Cambridge. Read from the package they come with and shown with their
credit, as in the figures; the copies go when the page ends.
"""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from faceproof.data.faces import find_largest
from faceproof.data.forgery.blend import swap
from faceproof.data.forgery.forged import Points, Scene
from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from faceproof.errors import InputError

_EACH = 10  # photos of one person, in the order they come
_PEOPLE = 3
_QUALITY = 95
_CHROMA = 0  # 4:4:4

logger = logging.getLogger(__name__)


def write_examples(folder: Path) -> list[Path]:
    """Two photos and two face swaps, JPEG, named by what they are; none without ORL's package."""
    request = SourceRequest(input=None, folder=folder)
    try:
        photos = list(islice(orl.read(request), 0, _EACH * _PEOPLE, _EACH))
    except InputError as error:
        logger.warning("no examples: %s", error)
        return []
    faces = [decode(photo.path.read_bytes()) for photo in photos]
    made = {**dict(_name("photo", faces[:2])), **dict(_name("swap", _swap_around(faces)))}
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in made.items():
        (folder / name).write_bytes(encode_jpeg(pixels, _QUALITY, _CHROMA))
    return [folder / name for name in made]


def _name(kind: str, faces: list[Pixels]) -> Iterator[tuple[str, Pixels]]:
    for number, pixels in enumerate(faces, 1):
        yield f"{kind}_{number}.jpg", pixels


def _swap_around(faces: list[Pixels]) -> list[Pixels]:
    """Of each but the last, with the inner face of the one after it."""
    points = [_find_points(pixels) for pixels in faces]
    rng = np.random.default_rng(0)
    return [
        swap(Scene(faces[one], points[one], faces[one + 1], points[one + 1], rng)).fake
        for one in range(len(faces) - 1)
    ]


def _find_points(pixels: Pixels) -> Points:
    face = find_largest(pixels)
    return face.landmarks() + np.asarray((face.left, face.top), np.float32)
