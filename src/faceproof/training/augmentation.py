"""What images go through on their way to us, imitated: drawn in training, fixed in stress tests.

Both labels pass through the same draws, so that none of it can stand for the label. Three kinds
(`webp`, `occlude`, `screenshot`) are held out: training never draws them, only stress tests use
them (`stresses`), as ImageNet-C asks (Hendrycks and Dietterich 2019).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from faceproof.data.images import Pixels, decode, encode_jpeg, encode_webp, is_grey

Augment = Callable[[Pixels, np.random.Generator], Pixels]
Recipe = Literal["none", "photometric", "degradation", "self_blending", "all", "wild", "web"]

KERNELS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)
_CHANCE = 0.15  # of each kind: most images keep most of their traces
_SELF_BLENDS = 0.5  # share of photos of which one fake is a fresh blend of the photo with itself
_SMALLEST_CUT = 0.7  # of a face's side, where training cuts squares out of it


@dataclass(frozen=True)
class Frame:
    """The part of a picture that training shows: a square at native scale, of a share, or all.

    `top` and `left` are its place between the first one possible, 0, and the last, 1; so frames of
    pictures of different sizes show the same part.
    """

    side_pixels: int | None
    share: float
    top: float
    left: float
    is_mirrored: bool

    def cut(self, pixels: Pixels) -> Pixels:
        """What the frame shows of a picture or its mask, (H, W, ...)."""
        if self.side_pixels is not None or self.share < 1:
            shorter = min(pixels.shape[:2])
            side = min(self.side_pixels or round(self.share * shorter), shorter)
            top, left = (
                round(place * (length - side))
                for place, length in zip((self.top, self.left), pixels.shape, strict=False)
            )
            pixels = pixels[top : top + side, left : left + side]
        return np.ascontiguousarray(pixels[:, ::-1] if self.is_mirrored else pixels)


@dataclass(frozen=True)
class Policy:
    """What one recipe draws: its kinds, each by chance; mirroring; and the share of self-blends.

    Where `smallest_cut` is below 1, a random square of at least this share of the side stands for a
    whole face (the scale jitter of Szegedy et al. 2015): how it is framed is then no sign.
    """

    kinds: tuple[Augment, ...]
    is_mirrored: bool
    self_blends: float
    smallest_cut: float = 1.0

    def draw_frame(self, crop_pixels: int | None, rng: np.random.Generator) -> Frame:
        """What is shown of a picture, and of all that belong to it.

        Args:
            crop_pixels: side of a square at native scale; None for whole faces.
            rng: draws.
        """
        share = rng.uniform(self.smallest_cut, 1.0) if crop_pixels is None else 1.0
        top, left = rng.random(2)
        is_mirrored = self.is_mirrored and bool(rng.random() < 0.5)
        return Frame(crop_pixels, share, top, left, is_mirrored)

    def apply(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """The image after the kinds that were drawn; (H, W, 3) uint8 RGB in and out, one shape."""
        for kind in self.kinds:
            if rng.random() < _CHANCE:
                pixels = kind(pixels, rng)
        return pixels


def light(pixels: Pixels, gain: float, shift: float) -> Pixels:
    """Contrast about black and brightness: `gain * value + shift`, in levels of 0 to 255."""
    return _look_up(pixels, np.arange(256) * gain + shift)


def bend(pixels: Pixels, exponent: float) -> Pixels:
    """Gamma: above 1 darkens the middle tones."""
    return _look_up(pixels, 255 * (np.arange(256) / 255) ** exponent)


def tint(pixels: Pixels, gains: tuple[float, float, float]) -> Pixels:
    """A colour cast: one gain for each channel. A grey photo stays as it is."""
    return pixels if is_grey(pixels) else _clip(pixels * np.asarray(gains, np.float32))


def sharpen(pixels: Pixels, amount: float) -> Pixels:
    """Unsharp mask of one pixel: `amount` of the detail is added once more."""
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0), np.uint8)


def blur(pixels: Pixels, deviation_pixels: float) -> Pixels:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), deviation_pixels), np.uint8)


def shrink(pixels: Pixels, share: float, kernel: int = cv2.INTER_AREA) -> Pixels:
    """A smaller image, each side times `share` (0 to 1)."""
    size = [max(1, round(length * share)) for length in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=kernel), np.uint8)


def resample(pixels: Pixels, share: float, down: int, up: int) -> Pixels:
    """Shrunk by one kernel and enlarged to its size again by another."""
    small = shrink(pixels, share, down)
    return np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=up), np.uint8)


def drain(pixels: Pixels) -> Pixels:
    """Without colour: the luma of ITU-R BT.601 in all channels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def add_noise(pixels: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of so many levels; the same in all channels of a grey photo."""
    shape = (*pixels.shape[:2], 1) if is_grey(pixels) else pixels.shape
    return _clip(pixels + deviation * rng.standard_normal(shape, np.float32))


def jpeg(pixels: Pixels, quality: int, subsampling: int = 2) -> Pixels:
    """Encoded as JPEG (`subsampling` 0 for 4:4:4, 2 for 4:2:0) and decoded."""
    return decode(encode_jpeg(pixels, quality, subsampling))


def webp(pixels: Pixels, quality: int) -> Pixels:
    """Encoded as lossy WebP and decoded."""
    return decode(encode_webp(pixels, quality))


def occlude(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A grey rectangle of 5 to 15 % of the image somewhere: a hand, a microphone, a caption."""
    height, width = pixels.shape[:2]
    area, tall = rng.uniform(0.05, 0.15), rng.uniform(0.5, 2)
    tall_share, wide_share = min(1.0, np.sqrt(area * tall)), min(1.0, np.sqrt(area / tall))
    rows, columns = max(1, round(height * tall_share)), max(1, round(width * wide_share))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    covered = pixels.copy()
    covered[top : top + rows, left : left + columns] = rng.integers(256)
    return covered


def screenshot(pixels: Pixels) -> Pixels:
    """As a screen shows it and a phone saves it: scaled by 0.8, sharpened, scaled back, JPEG."""
    shown = sharpen(shrink(pixels, 0.8, cv2.INTER_LINEAR), 0.6)
    back = cv2.resize(shown, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return jpeg(np.asarray(back, np.uint8), 80)


def _draw_light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return light(pixels, rng.uniform(0.8, 1.2), rng.uniform(-20, 20))


def _draw_gamma(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return bend(pixels, float(np.exp(rng.uniform(-0.35, 0.35))))


def _draw_tint(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    red, green, blue = rng.uniform(0.9, 1.1, 3)
    return tint(pixels, (red, green, blue))


def _draw_sharpening(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return sharpen(pixels, rng.uniform(0.2, 1.0))


def _draw_blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return blur(pixels, rng.uniform(0.3, 1.0))


def _draw_resampling(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    down, up = (KERNELS[rng.integers(len(KERNELS))] for _ in range(2))
    return resample(pixels, rng.uniform(0.6, 0.95), down, up)


def _draw_noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return add_noise(pixels, rng.uniform(1, 6), rng)


def _draw_encoding(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return jpeg(pixels, int(rng.integers(50, 96)), int(rng.choice([0, 2])))


def _draw_double_encoding(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Two encoders one after the other, their grids aligned or not."""
    shift = tuple(rng.integers(8, size=2))
    moved = _draw_encoding(np.roll(pixels, shift, axis=(0, 1)), rng)
    return _draw_encoding(np.roll(moved, (-shift[0], -shift[1]), axis=(0, 1)), rng)


def _draw_draining(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return drain(pixels)


def _draw_smallness(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A face that was small and has been enlarged."""
    up = KERNELS[rng.integers(len(KERNELS))]
    return resample(pixels, rng.uniform(0.3, 0.6), cv2.INTER_AREA, up)


def _draw_frame(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A frame of a compressed video: made smaller, encoded at a low quality, enlarged."""
    small = shrink(pixels, rng.uniform(0.4, 0.9))
    coarse = jpeg(small, int(rng.integers(25, 61)))
    up = KERNELS[rng.integers(len(KERNELS))]
    return np.asarray(cv2.resize(coarse, pixels.shape[1::-1], interpolation=up), np.uint8)


def _clip(values: np.ndarray) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _look_up(pixels: Pixels, levels: np.ndarray) -> Pixels:
    return np.asarray(cv2.LUT(pixels, _clip(levels)), np.uint8)


PHOTOMETRIC: tuple[Augment, ...] = (_draw_light, _draw_gamma, _draw_tint, _draw_sharpening)
DEGRADATION: tuple[Augment, ...] = (
    _draw_blur, _draw_resampling, _draw_noise, _draw_encoding, _draw_double_encoding,
)  # fmt: skip
WILD: tuple[Augment, ...] = (_draw_draining, _draw_smallness)
RECIPES: Mapping[Recipe, Policy] = {
    "none": Policy((), is_mirrored=False, self_blends=0.0),
    "photometric": Policy(PHOTOMETRIC, is_mirrored=True, self_blends=0.0),
    "degradation": Policy(DEGRADATION, is_mirrored=True, self_blends=0.0),
    "self_blending": Policy((), is_mirrored=True, self_blends=_SELF_BLENDS),
    "all": Policy((*PHOTOMETRIC, *DEGRADATION), is_mirrored=True, self_blends=_SELF_BLENDS),
    "wild": Policy(
        (*WILD, *PHOTOMETRIC, *DEGRADATION), True, _SELF_BLENDS, smallest_cut=_SMALLEST_CUT
    ),
    "web": Policy(
        (*WILD, _draw_frame, *PHOTOMETRIC, *DEGRADATION), True, 0.0, smallest_cut=_SMALLEST_CUT
    ),
}
ABLATED: tuple[Recipe, ...] = ("none", "photometric", "degradation", "self_blending", "all")
