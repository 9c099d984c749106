"""Blending: put one person's inner face into another's photo, seams hidden by Poisson cloning."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceproof.data.forgery.forged import Forged
from faceproof.data.images import Pixels

FAMILY = "blend"
METHOD = "swap"

# The inner face as an ellipse in units of the eye-to-mouth distance: brows to lower lip.
_HALF_HEIGHT = 1.0
_HALF_WIDTH = 0.95
_CENTRE_DOWN = 0.42  # of the way from the eyes to the mouth
_FEATHER = 0.12
_MAX_GAIN = 1.4  # of contrast: more burns highlights out
_BORDER_PIXELS = 2  # Poisson cloning needs a frame of untouched pixels


def swap(
    photo: Pixels, points: NDArray[np.float32], donor: Pixels, donor_points: NDArray[np.float32]
) -> Forged:
    """Swap the donor's inner face into the photo.

    The donor is laid over the photo by a similarity transform of five landmarks, matched in mean
    and contrast inside the mask, and cloned seamlessly. The sham goes through the same steps with
    the photo as its own donor: out to the donor's frame and back, so both carry the resampling.

    Args:
        photo: (H, W, 3) uint8 RGB, the photo that is altered.
        points: its landmarks, shape (5, 2), (x, y) pixels.
        donor: (H, W, 3) uint8 RGB, the other person.
        donor_points: the donor's landmarks, shape (5, 2).

    Source: Poisson image editing (Perez et al. 2003); the swap pipeline of FaceForensics++
    (Roessler et al. 2019, section 3) without its 3-D model.
    """
    mask = _inner_face(points, photo.shape[0], photo.shape[1])
    to_photo = _similarity(donor_points, points)
    to_donor = np.asarray(cv2.invertAffineTransform(to_photo), np.float64)
    moved_donor = _warp(donor, to_photo, photo)
    round_trip = _warp(_warp(photo, to_donor, donor), to_photo, photo)
    return Forged(
        fake=_clone(_match_light(moved_donor, photo, mask), photo, mask),
        sham=_clone(_match_light(round_trip, photo, mask), photo, mask),
        mask=mask,
    )


def _similarity(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Least-squares rotation, scale and shift, shape (2, 3) (Umeyama 1991)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    left, spread, right = np.linalg.svd(target_centred.T @ source_centred)
    flip = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(flip) @ right
    scale = float((spread * flip).sum() / (source_centred**2).sum())
    shift = target_mean - scale * turn @ source_mean
    return np.column_stack([scale * turn, shift]).astype(np.float64)


def _warp(pixels: Pixels, transform: NDArray[np.float64], like: Pixels) -> Pixels:
    size = (like.shape[1], like.shape[0])
    warped = cv2.warpAffine(
        pixels, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8)


def _inner_face(points: NDArray[np.float32], height: int, width: int) -> Pixels:
    """A soft ellipse over brows, eyes, nose and mouth, (H, W) uint8."""
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    length = float(np.hypot(*down))
    centre = eyes + _CENTRE_DOWN * down
    across = max(_HALF_WIDTH * length, 0.75 * float(np.hypot(*(points[1] - points[0]))))
    angle = float(np.degrees(np.arctan2(down[1], down[0])))
    hard = np.zeros((height, width), np.uint8)
    axes = (round(_HALF_HEIGHT * length), round(across))
    cv2.ellipse(
        hard, (round(float(centre[0])), round(float(centre[1]))), axes, angle, 0, 360, 255, -1
    )
    hard = _clear_border(hard)
    feather = max(1.0, _FEATHER * length)
    inside = cv2.distanceTransform(hard, cv2.DIST_L2, 5) / feather
    return np.asarray(np.clip(inside, 0, 1) * 255, np.uint8)


def _clear_border(mask: Pixels) -> Pixels:
    framed = np.zeros_like(mask)
    inner = slice(_BORDER_PIXELS, -_BORDER_PIXELS)
    framed[inner, inner] = mask[inner, inner]
    return framed


def _match_light(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Give the source the target's mean and contrast inside the mask, per channel."""
    chosen = mask > 0
    values, wanted = source[chosen].astype(np.float64), target[chosen].astype(np.float64)
    gain = wanted.std(axis=0) / np.maximum(values.std(axis=0), 1.0)
    gain = np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN)
    matched = (source - values.mean(axis=0)) * gain + wanted.mean(axis=0)
    return np.asarray(np.clip(np.rint(matched), 0, 255), np.uint8)


def _clone(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Poisson-clone the masked source into the target; fade out along the feather."""
    hard = np.where(mask > 0, 255, 0).astype(np.uint8)
    rows, columns = np.where(hard)
    # seamlessClone centres the mask's bounding box on this point.
    centre = (int(columns.min() + columns.max() + 1) // 2, int(rows.min() + rows.max() + 1) // 2)
    cloned = cv2.seamlessClone(source, target, hard, centre, cv2.NORMAL_CLONE)
    alpha = mask[..., None] / 255.0
    mixed = alpha * cloned + (1 - alpha) * target
    return np.asarray(np.rint(mixed), np.uint8)
