"""Blending: pixels of one picture put into another, seams hidden or left."""

from dataclasses import replace

import cv2
import numpy as np

from faceproof.data.forgery.compositing import (
    clone,
    ellipse,
    face_length,
    fit_similarity,
    inner_face,
    invert,
    match_light,
    mix,
    to_pixels,
    warp,
)
from faceproof.data.forgery.forged import Forged, Points, Scene
from faceproof.data.images import Pixels

FAMILY = "blend"

_SHARES = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)  # of the pasted picture: mostly whole, at times thin
_PARTS = {"eyes": (0, 1), "nose": (2,), "mouth": (3, 4)}
_PART_WIDTHS = {"eyes": 0.95, "nose": 0.42, "mouth": 0.62}  # half widths, in face lengths
_PART_HEIGHTS = {"eyes": 0.36, "nose": 0.42, "mouth": 0.36}


def swap(scene: Scene) -> Forged:
    """Another person's inner face, laid over by five landmarks and cloned without a seam.

    The sham goes through the same steps with the photo as its own donor: out to the donor's frame
    and back, so both carry the resampling.

    Source: the swap pipeline of FaceForensics++ (Roessler et al. 2019, section 3) without its 3-D
    model; Poisson image editing (Perez et al. 2003).
    """
    return _clone_region(scene, inner_face(scene.points, scene.photo))


def swap_part(scene: Scene) -> Forged:
    """The other person's eyes, nose or mouth alone, cloned without a seam.

    Source: local forgeries against identity shortcuts (Dong et al. 2023, CADDM).
    """
    part = list(_PARTS)[scene.rng.integers(len(_PARTS))]
    return replace(_clone_region(scene, _part_mask(scene, part)), parameters={"part": part})


def cross_blend(scene: Scene) -> Forged:
    """Another person's inner face in matched light, mixed in with a soft irregular edge.

    Source: the blended images of Face X-ray (Li et al. 2020, section 3.2).
    """
    mask = _roughen(inner_face(scene.points, scene.photo), scene)
    donor, round_trip = _bring_over(scene)
    return Forged(
        fake=mix(match_light(donor, scene.photo, mask), scene.photo, mask),
        sham=mix(match_light(round_trip, scene.photo, mask), scene.photo, mask),
        mask=mask,
    )


def self_blend(scene: Scene) -> Forged:
    """The photo blended with a slightly altered copy of itself.

    Tone, sharpness and place of the copy differ a little; what is left to find is the seam. The
    tone of the base is altered too, in fake and sham alike.

    Source: self-blended images (Shiohara and Yamasaki 2022, section 3), from the paper.
    """
    return blend_with_itself(scene, 1.0)


def blend_with_itself(scene: Scene, difference: float) -> Forged:
    """A self-blend whose copy differs in tone and place by so many times the usual amount."""
    rng = scene.rng
    base = _shift_tone(scene.photo, rng, 1.0)
    copy = _soften(_shift_tone(scene.photo, rng, difference), rng)
    copy = warp(copy, _nudge(scene.points, rng, difference), scene.photo)
    mask = _roughen(inner_face(scene.points, scene.photo), scene)
    share = float(rng.choice(_SHARES))
    return Forged(mix(copy, base, mask, share), base, mask, {"share": share})


def _bring_over(scene: Scene) -> tuple[Pixels, Pixels]:
    """The donor in the photo's frame; and the photo after a trip to the donor's frame and back."""
    to_photo = fit_similarity(scene.donor_points, scene.points)
    there = warp(scene.photo, invert(to_photo), scene.donor)
    return warp(scene.donor, to_photo, scene.photo), warp(there, to_photo, scene.photo)


def _clone_region(scene: Scene, mask: Pixels) -> Forged:
    donor, round_trip = _bring_over(scene)
    return Forged(
        fake=clone(match_light(donor, scene.photo, mask), scene.photo, mask),
        sham=clone(match_light(round_trip, scene.photo, mask), scene.photo, mask),
        mask=mask,
    )


def _part_mask(scene: Scene, part: str) -> Pixels:
    eyes = scene.points[1] - scene.points[0]
    angle = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    length = face_length(scene.points)
    centre = scene.points[list(_PARTS[part])].mean(axis=0)
    axes = (_PART_WIDTHS[part] * length, _PART_HEIGHTS[part] * length)
    return ellipse(centre, axes, angle, scene.photo)


def _roughen(mask: Pixels, scene: Scene) -> Pixels:
    """A mask with an irregular outline and a softness of its own, still 0 at the border."""
    length = face_length(scene.points)
    noise = scene.rng.normal(size=(*mask.shape, 2)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.25 * length), np.float32)
    smooth *= np.float32(0.12 * length / max(float(np.abs(smooth).max()), 1e-6))
    rows, columns = np.indices(mask.shape, dtype=np.float32)
    bent = cv2.remap(mask, columns + smooth[..., 0], rows + smooth[..., 1], cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(bent, (0, 0), float(scene.rng.uniform(0.03, 0.12)) * length)
    inside = np.asarray(mask > 0, np.uint8)
    fade = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / 3, 0, 1)
    return to_pixels(soft * fade)


def _shift_tone(pixels: Pixels, rng: np.random.Generator, amount: float) -> Pixels:
    gain = rng.uniform(1 - 0.1 * amount, 1 + 0.1 * amount)
    shift = rng.uniform(-12 * amount, 12 * amount)
    return to_pixels(pixels * gain + shift)


def _soften(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Blurred or sharpened, by chance."""
    blurred = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.0))).astype(np.float64)
    return to_pixels(blurred if rng.random() < 0.5 else 2.0 * pixels - blurred)


def _nudge(points: Points, rng: np.random.Generator, amount: float) -> np.ndarray:
    """A similarity close to none, about the face's centre, shape (2, 3)."""
    centre = points.mean(axis=0)
    scale = rng.uniform(1 - 0.03 * amount, 1 + 0.03 * amount)
    angle = np.radians(rng.uniform(-3 * amount, 3 * amount))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = rng.uniform(-0.04 * amount, 0.04 * amount, 2) * face_length(points)
    return np.column_stack([turn, centre - turn @ centre + shift])
