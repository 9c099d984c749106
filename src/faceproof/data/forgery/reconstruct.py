"""Reconstruction: a whole photo through a small autoencoder trained on training people only."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from faceproof.console import progress
from faceproof.data.forgery.compositing import dither
from faceproof.data.forgery.forged import Forged, Points, Scene
from faceproof.data.forgery.tensors import (
    load_checkpoint,
    save_checkpoint,
    single_thread,
    to_pictures,
    to_tensor,
)
from faceproof.data.images import Pixels
from faceproof.errors import DatasetError

FAMILY = "reconstruct"

_BLOCK_PIXELS = 4  # space-to-depth factor of the encoder
_LATENT_CHANNELS = 4  # 4 numbers for each block of 48 values
_WIDTH = 48
_PATCH_PIXELS = 48
_BATCH = 16
_LEARNING_RATE = 1.5e-3  # twice as much diverged in trials

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
        photos: crops, (H, W, 3) uint8 RGB, at least 48 pixels a side, of training people only;
            their landmarks are not needed.
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
        weights = load_checkpoint(checkpoint, "autoencoder")
        try:
            self._network.load_state_dict(weights)
        except RuntimeError as error:
            raise DatasetError(
                f"{checkpoint} holds another network; delete it and build again"
            ) from error

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
