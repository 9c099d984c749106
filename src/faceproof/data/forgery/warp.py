"""Warping: the photo's own pixels moved, or two faces moved onto a common shape and mixed."""

import numpy as np

from faceproof.data.forgery.compositing import (
    bump_field,
    displace,
    face_length,
    fit_similarity,
    inner_face,
    match_light,
    mix,
    move_points,
    to_pixels,
    warp,
)
from faceproof.data.forgery.forged import Forged, Points, Scene
from faceproof.data.images import Pixels

FAMILY = "warp"

_REACH = 0.62  # of a moved landmark, in face lengths
_MOUTH_MOVE = 0.13  # of a mouth corner at most, in face lengths; 0.07 at least
_FULL_MASK_PIXELS = 0.75  # displacement from which a pixel counts as replaced


def change_expression(scene: Scene) -> Forged:
    """Mouth corners pulled up or down and out, an eye's surroundings lifted or lowered.

    The sham is moved by the same field and back, so both carry the resampling; undoing a field by
    its negative leaves it a fraction of a pixel off.

    Source: the geometry of expression transfer (Face2Face, Thies et al. 2016) by compactly
    supported radial functions (Wendland 1995).
    """
    rng, length = scene.rng, face_length(scene.points)
    rise = rng.choice([-1, 1]) * rng.uniform(0.55, 1) * _MOUTH_MOVE * length
    spread = rng.uniform(0, 0.6) * _MOUTH_MOVE * length
    lift = rng.uniform(-0.35, 0.35) * _MOUTH_MOVE * length
    shifts = np.array([[0, lift], [0, lift], [-spread, rise], [spread, rise]], np.float32)
    centres = scene.points[[0, 1, 3, 4]]
    field = bump_field(scene.photo.shape, centres, shifts, _REACH * length)
    mask = to_pixels(255 * np.hypot(field[..., 0], field[..., 1]) / _FULL_MASK_PIXELS)
    moved = displace(scene.photo, field)
    back = displace(moved, bump_field(scene.photo.shape, centres, -shifts, _REACH * length))
    return Forged(
        fake=mix(moved, scene.photo, mask),
        sham=mix(back, scene.photo, mask),
        mask=mask,
        parameters={
            name: round(float(pixels) / length, 3)  # in face lengths; mouth down is positive
            for name, pixels in (("mouth_down", rise), ("mouth_out", spread), ("eyes_down", lift))
        },
    )


def morph(scene: Scene) -> Forged:
    """Half one face, half the other, on the mean of both shapes, inside the inner face.

    The sham's own face is moved to that shape and back.

    Source: landmark morphing (Wolberg 1998), spliced into the photo as in passport morphs
    (Ferrara et al. 2014).
    """
    length = face_length(scene.points)
    to_photo = fit_similarity(scene.donor_points, scene.points)
    donor = warp(scene.donor, to_photo, scene.photo)
    other = move_points(scene.donor_points, to_photo)
    middle = np.asarray((scene.points + other) / 2, np.float32)
    mask = inner_face(middle, scene.photo)
    mine = _move(scene.photo, scene.points, middle, length)
    theirs = match_light(_move(donor, other, middle, length), mine, mask)
    back = _move(mine, middle, scene.points, length)
    return Forged(
        fake=mix(to_pixels((mine.astype(np.float64) + theirs) / 2), scene.photo, mask),
        sham=mix(back, scene.photo, mask),
        mask=mask,
    )


def _move(pixels: Pixels, source: Points, target: Points, length: float) -> Pixels:
    """Pixels near the source points go to the target points."""
    return displace(pixels, bump_field(pixels.shape, target, target - source, length))
