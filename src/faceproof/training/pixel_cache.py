"""A split decoded once: images and masks in memory-mapped files, found again by fingerprint.

Why: training reads every image many times, and a decoded set of faces is larger than memory should
be.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from faceproof.console import progress
from faceproof.data.faces import find_largest
from faceproof.data.forgery.forged import Points
from faceproof.data.images import Pixels, decode, decode_mask
from faceproof.errors import ImageError
from faceproof.records import FAKE, ROLES, SQUARE
from faceproof.storage import claim_folder, replacing

_INDEX, _IMAGES, _MASKS, _POINTS = "index.json", "images", "masks", "points.json"
_PHOTO = ROLES.index("real")


def open_pixels(rows: Dataset, folder: Path) -> "PixelStore":
    """The decoded images of a split, decoded now if `folder` does not hold them yet.

    Args:
        rows: with encoded `image`, `role`, `label` and `parameters`, and perhaps `mask`.
        folder: for this split of this dataset alone; takes about 4 bytes a pixel.
    """
    if not (folder / _INDEX).is_file():
        _decode_all(rows, folder)
    return PixelStore(folder)


class PixelStore:
    """Decoded images and masks of one split, by row."""

    def __init__(self, folder: Path) -> None:
        """Open what `open_pixels` wrote."""
        index = json.loads((folder / _INDEX).read_text())
        self._folder = folder
        self._sizes: list[tuple[int, int]] = [tuple(size) for size in index["sizes"]]
        self._photos: list[int] = index["photos"]
        self._starts = np.cumsum([0, *(height * width for height, width in self._sizes)])
        self._images, self._masks = (
            np.memmap(folder / name, np.uint8, "r") for name in (_IMAGES, _MASKS)
        )

    def __len__(self) -> int:
        """Number of images."""
        return len(self._sizes)

    def image(self, row: int) -> Pixels:
        """One image, (H, W, 3) uint8 RGB, read when it is looked at."""
        begin, end = 3 * self._starts[row : row + 2]
        return self._images[begin:end].reshape(*self._sizes[row], 3)

    def mask(self, row: int) -> Pixels:
        """Its mask, (H, W) uint8, 0 untouched to 255 replaced; zeros where it has none."""
        begin, end = self._starts[row : row + 2]
        return self._masks[begin:end].reshape(self._sizes[row])

    def median_side(self) -> int:
        """Half of the images have a shorter side of at most so many pixels."""
        return int(np.median(np.min(self._sizes, axis=1)))

    def smallest_side(self) -> int:
        """The shorter side of the smallest image."""
        return int(np.min(self._sizes))

    def find_points(self) -> dict[int, Points]:
        """Five landmarks, (5, 2) pixels, of each real photo in which a face is found, by row.

        Found on the first call, kept beside the images.
        """
        place = self._folder / _POINTS
        if not place.is_file():
            searched = progress(self._photos, "landmarks", "faces", len(self._photos))
            found = {row: points for row in searched if (points := self._find(row)) is not None}
            with replacing(place) as partial:
                partial.write_text(json.dumps({row: found[row].tolist() for row in found}))
        stored = json.loads(place.read_text())
        return {int(row): np.asarray(points, np.float32) for row, points in stored.items()}

    def _find(self, row: int) -> Points | None:
        try:
            crop = find_largest(self.image(row))
        except ImageError:
            return None
        return crop.landmarks() + np.array([crop.left, crop.top], np.float32)


def _decode_all(rows: Dataset, folder: Path) -> None:
    sizes = []
    claim_folder(folder)
    with (
        replacing(folder / _IMAGES) as images,
        replacing(folder / _MASKS) as masks,
        images.open("wb") as image_sink,
        masks.open("wb") as mask_sink,
    ):
        for row in progress(rows, "decoding", "images", len(rows)):
            pixels = _cut_out(decode(row["image"]["bytes"]), row["parameters"])
            sizes.append(pixels.shape[:2])
            image_sink.write(pixels.tobytes())
            mask_sink.write(_decode_mask(row, pixels).tobytes())
    photos = np.flatnonzero(np.asarray(rows["role"]) == _PHOTO).tolist()
    with replacing(folder / _INDEX) as partial:  # last: it says that all is there
        partial.write_text(json.dumps({"sizes": sizes, "photos": photos}))


def _cut_out(pixels: Pixels, parameters: str) -> Pixels:
    """The face, where the image is a picture that holds it."""
    square = json.loads(parameters).get(SQUARE)
    if square is None:
        return pixels
    left, top, side = square
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def _decode_mask(row: Mapping[str, Any], pixels: Pixels) -> Pixels:
    """Where an image was forged; of a fake without a mask, anywhere."""
    mask = row.get("mask")
    if mask is None:
        return np.full(pixels.shape[:2], 255 * (row["label"] == FAKE), np.uint8)
    return decode_mask(mask["bytes"])
