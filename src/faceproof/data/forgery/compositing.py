"""Where things lie in a face, how pixels are moved, and how one picture is put into another."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceproof.data.forgery.forged import Points
from faceproof.data.images import Pixels, is_grey

Field = NDArray[np.float32]

# The inner face as an ellipse in units of the eye-to-mouth distance: brows to lower lip.
_HALF_HEIGHT, _HALF_WIDTH = 1.0, 0.95
_CENTRE_DOWN = 0.42  # of the way from the eyes to the mouth
_FEATHER = 0.12
_BORDER_PIXELS = 2  # Poisson cloning needs a frame of untouched pixels
_MAX_GAIN = 1.4  # of contrast: more burns highlights out


def fit_similarity(source: Points, target: Points) -> NDArray[np.float64]:
    """Least-squares rotation, scale and shift, shape (2, 3). Source: Umeyama 1991."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    left, spread, right = np.linalg.svd(target_centred.T @ source_centred)
    flip = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(flip) @ right
    scale = float((spread * flip).sum() / (source_centred**2).sum())
    shift = target_mean - scale * turn @ source_mean
    return np.column_stack([scale * turn, shift]).astype(np.float64)


def invert(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity the other way, shape (2, 3)."""
    return np.asarray(cv2.invertAffineTransform(transform), np.float64)


def move_points(points: Points, transform: NDArray[np.float64]) -> Points:
    """Points after a similarity, shape (N, 2)."""
    return np.asarray(points @ transform[:, :2].T + transform[:, 2], np.float32)


def warp(pixels: Pixels, transform: NDArray[np.float64], like: Pixels) -> Pixels:
    """The picture after a similarity, in the size of `like`; borders are mirrored."""
    size = (like.shape[1], like.shape[0])
    warped = cv2.warpAffine(
        pixels, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8)


def displace(pixels: Pixels, field: Field) -> Pixels:
    """Look up every pixel at its place plus the field, (H, W, 2) float32, x and y, pixels."""
    rows, columns = np.indices(pixels.shape[:2], dtype=np.float32)
    across, down = columns + field[..., 0], rows + field[..., 1]
    moved = cv2.remap(pixels, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def bump_field(shape: tuple[int, ...], centres: Points, shifts: Points, radius: float) -> Field:
    """A smooth displacement: each centre moved by its shift, nothing beyond the radius.

    Args:
        shape: height and width first.
        centres: (N, 2) pixels.
        shifts: (N, 2) pixels, how far pixels near the centre are moved.
        radius: pixels, where the displacement has faded to exactly 0.

    Returns:
        (H, W, 2) float32 for `displace`. Source: Wendland's C2 function (1995).
    """
    rows, columns = np.indices(shape[:2], dtype=np.float32)
    field = np.zeros((*shape[:2], 2), np.float32)
    for centre, shift in zip(centres, shifts, strict=True):
        distance = np.hypot(columns - centre[0], rows - centre[1]) / radius
        weight = np.clip(1 - distance, 0, None) ** 4 * (4 * distance + 1)
        field -= weight[..., None].astype(np.float32) * shift.astype(np.float32)
    return field


def face_length(points: Points) -> float:
    """Distance from between the eyes to between the mouth corners, pixels: the face's own unit."""
    return float(np.hypot(*(points[3:].mean(axis=0) - points[:2].mean(axis=0))))


def inner_face(points: Points, like: Pixels) -> Pixels:
    """A soft ellipse over brows, eyes, nose and mouth, (H, W) uint8."""
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down, length = mouth - eyes, face_length(points)
    across = max(_HALF_WIDTH * length, 0.75 * float(np.hypot(*(points[1] - points[0]))))
    angle = float(np.degrees(np.arctan2(down[1], down[0])))
    return ellipse(eyes + _CENTRE_DOWN * down, (_HALF_HEIGHT * length, across), angle, like)


def ellipse(
    centre: NDArray[np.floating], axes: tuple[float, float], angle: float, like: Pixels
) -> Pixels:
    """A filled ellipse with soft edges, away from the border, (H, W) uint8.

    Args:
        centre: (x, y) pixels.
        axes: half lengths along and across the angle, pixels.
        angle: degrees, clockwise from the x axis.
        like: picture whose size the mask has.
    """
    hard = np.zeros(like.shape[:2], np.uint8)
    # A landmark may lie outside the crop; the mask must not be empty.
    farthest = np.array([like.shape[1], like.shape[0]]) - 1 - _BORDER_PIXELS
    inside_x, inside_y = np.clip(np.rint(centre), _BORDER_PIXELS, farthest)
    middle = (int(inside_x), int(inside_y))
    cv2.ellipse(hard, middle, (round(axes[0]), round(axes[1])), angle, 0, 360, 255, -1)
    hard[:_BORDER_PIXELS] = hard[-_BORDER_PIXELS:] = 0
    hard[:, :_BORDER_PIXELS] = hard[:, -_BORDER_PIXELS:] = 0
    inside = cv2.distanceTransform(hard, cv2.DIST_L2, 5) / max(1.0, _FEATHER * min(axes))
    return np.asarray(np.clip(inside, 0, 1) * 255, np.uint8)


def match_light(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Give the source the target's mean and contrast inside the mask, per channel.

    Source: colour transfer (Reinhard et al. 2001) in RGB.
    """
    chosen = mask > 0
    values, wanted = source[chosen].astype(np.float64), target[chosen].astype(np.float64)
    gain = wanted.std(axis=0) / np.maximum(values.std(axis=0), 1.0)
    gain = np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN)
    return to_pixels((source - values.mean(axis=0)) * gain + wanted.mean(axis=0))


def mix(source: Pixels, target: Pixels, mask: Pixels, share: float = 1.0) -> Pixels:
    """The source where the mask is 255, there only to its share, the target where it is 0."""
    alpha = share * mask[..., None] / 255.0
    return to_pixels(alpha * source + (1 - alpha) * target)


def clone(source: Pixels, target: Pixels, mask: Pixels) -> Pixels:
    """Poisson-clone the masked source into the target; fade out along the feather.

    Source: Perez et al. 2003, as in OpenCV's seamlessClone.
    """
    hard = np.where(mask > 0, 255, 0).astype(np.uint8)
    rows, columns = np.where(hard)
    # seamlessClone centres the mask's bounding box on this point.
    centre = (int(columns.min() + columns.max() + 1) // 2, int(rows.min() + rows.max() + 1) // 2)
    cloned = cv2.seamlessClone(source, target, hard, centre, cv2.NORMAL_CLONE)
    return mix(np.asarray(cloned, np.uint8), target, mask)


def dither(pixels: Pixels, mask: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture rounded again with one level of triangular noise where the mask is set.

    A sham for methods whose pipeline, with the manipulation left out, would give the photo back
    byte for byte: it carries the rounding of a computed picture and nothing else.
    """
    noise = np.rint(rng.triangular(-1, 0, 1, pixels.shape[:2]))[..., None]
    return to_pixels(pixels + noise * (mask[..., None] > 0))


def match_grey(pixels: Pixels, photo: Pixels) -> Pixels:
    """A grey photo's fakes stay grey: a tint would give them away."""
    if not is_grey(photo):
        return pixels
    return np.repeat(to_pixels(pixels.mean(axis=2, keepdims=True)), 3, axis=2)


def to_pixels(values: np.ndarray) -> Pixels:
    """Rounded and clipped to uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
