"""Inpainting: a piece of the face taken out and filled from its surroundings."""

import cv2
import numpy as np

from faceproof.data.faces import LANDMARKS
from faceproof.data.forgery.compositing import dither, ellipse, face_length, mix, to_pixels
from faceproof.data.forgery.forged import Forged, Scene
from faceproof.data.images import Pixels

FAMILY = "inpaint"

_RADIUS_PIXELS = 4  # of the neighbourhood that is continued
_SIZES = (0.18, 0.32)  # half lengths of the hole, in face lengths: a mark, a wrinkle


def fill_hole(scene: Scene) -> Forged:
    """A small region near a landmark, filled by continuing what surrounds it; grain added back.

    The sham is rounded again inside the mask and otherwise the photo.

    Source: fast marching inpainting (Telea 2004).
    """
    rng, length = scene.rng, face_length(scene.points)
    place = int(rng.integers(len(scene.points)))
    anchor = scene.points[place]
    centre = anchor + rng.uniform(-0.3, 0.3, 2) * length
    axes = (rng.uniform(*_SIZES) * length, rng.uniform(*_SIZES) * length)
    mask = ellipse(centre, axes, float(rng.uniform(0, 180)), scene.photo)
    hole = np.asarray(np.where(mask > 0, 255, 0), np.uint8)
    filled = np.asarray(cv2.inpaint(scene.photo, hole, _RADIUS_PIXELS, cv2.INPAINT_TELEA), np.uint8)
    return Forged(
        fake=mix(_add_grain(filled, scene.photo, rng), scene.photo, mask),
        sham=dither(scene.photo, mask, rng),
        mask=mask,
        parameters={"near": LANDMARKS[place]},
    )


def _add_grain(filled: Pixels, photo: Pixels, rng: np.random.Generator) -> Pixels:
    """Noise as strong as the photo's own, which filling has smoothed away."""
    grain = photo.astype(np.float64) - cv2.medianBlur(photo, 3)
    strength = 1.48 * float(np.median(np.abs(grain - np.median(grain))))
    noise = rng.normal(0, strength, photo.shape[:2])[..., None]
    return to_pixels(filled + noise)
