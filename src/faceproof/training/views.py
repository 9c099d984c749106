"""Changed views of every image, made once and kept on disk, so that training reads pixels alone.

The first view of an image is the image itself in the network's size. The others are changed as
`augmentation` draws: the same kinds for real and fake, so that low quality is no sign of either.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceproof.console import progress
from faceproof.data.images import Pixels, decode
from faceproof.metrics import Rows
from faceproof.storage import claim_folder, replacing
from faceproof.training.augmentation import RECIPES, Recipe
from faceproof.training.splits import LoadedSplit

Views = NDArray[np.uint8]  # (images, views, side, side, 3), RGB 0-255


_CHUNK = 64  # images that a process takes at a time


@dataclass(frozen=True)
class ViewPlan:
    """How many views of each image, of which side in pixels, and how they are drawn."""

    views: int
    side_pixels: int
    recipe: Recipe
    seed: int

    def unchanged(self) -> "ViewPlan":
        """The same with no view but the image itself."""
        return replace(self, views=1)


def open_views(pool: LoadedSplit, rows: Rows, plan: ViewPlan, folder: Path) -> Views:
    """Views of some images of a split, drawn on the first call and then read from `folder`."""
    chosen = pool.rows.select(rows.tolist()).select_columns("image")
    images = "\n".join(pool.table["image_id"].iloc[rows])
    made_from = f"{pool.fingerprint}\n{plan}\n{RECIPES[plan.recipe]}\n{images}".encode()
    place = claim_folder(folder) / f"{hashlib.sha256(made_from).hexdigest()[:16]}.npy"
    return write_views([row["image"]["bytes"] for row in chosen], plan, place)


def write_views(files: Sequence[bytes], plan: ViewPlan, place: Path, workers: int = 2) -> Views:
    """Every view of every image; read from `place` if they are there.

    Args:
        files: encoded images.
        plan: what to draw. An image's views depend on the seed and its position alone.
        place: `.npy` file to write, 3 * side * side * views bytes an image.
        workers: processes.

    Returns:
        Shape (N, views, side, side, 3), uint8 RGB 0-255, memory-mapped.
    """
    shape = (len(files), plan.views, plan.side_pixels, plan.side_pixels, 3)
    if not place.is_file():
        with replacing(place) as unfinished:
            np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape).flush()
            starts = range(0, len(files), _CHUNK)
            chunks = [files[start : start + _CHUNK] for start in starts]
            write = partial(_write_chunk, plan=plan, place=unfinished)
            with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
                for _ in progress(pool.map(write, chunks, starts), "views", "parts", len(chunks)):
                    pass
    views: Views = np.load(place, mmap_mode="r")
    return views


def _write_chunk(files: Sequence[bytes], start: int, plan: ViewPlan, place: Path) -> None:
    sink = np.load(place, mmap_mode="r+")
    for position, data in enumerate(files, start):
        sink[position] = draw_views(data, position, plan)
    sink.flush()


def draw_views(data: bytes, position: int, plan: ViewPlan) -> Views:
    """The views of one image, (views, side, side, 3)."""
    cv2.setNumThreads(1)
    pixels = decode(data)
    policy = RECIPES[plan.recipe]
    drawn = [pixels]
    for view in range(1, plan.views):
        rng = np.random.default_rng([plan.seed, position, view])
        frame = policy.draw_frame(None, rng)
        drawn.append(policy.apply(frame.cut(pixels), rng))
    return np.stack([_fit(one, plan.side_pixels) for one in drawn])


def _fit(pixels: Pixels, side: int) -> Pixels:
    resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(resized, np.uint8)
