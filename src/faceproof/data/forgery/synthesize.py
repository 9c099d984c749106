"""Synthesis: faces of nobody, drawn from latent numbers.

They have no photo and so no sham. Each is drawn for one photo of the set: of some candidates that
the detector takes for a face, the one nearest to the photo in brightness, at the photo's size. So
neither light nor size tells them from real photos.
"""

import itertools
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from faceproof.console import progress
from faceproof.data.assets import DCGAN, find_asset
from faceproof.data.faces import find_largest
from faceproof.data.forgery.compositing import fit_similarity, match_grey, warp
from faceproof.data.forgery.forged import Forged, Points, Scene
from faceproof.data.forgery.tensors import (
    load_checkpoint,
    save_checkpoint,
    single_thread,
    to_pictures,
    to_tensor,
)
from faceproof.data.images import Pixels
from faceproof.errors import DatasetError, ImageError

FAMILY = "synthesize"

_SIDE = 64  # pixels of what both networks draw
_CANDIDATES = 6
_ROUNDS = 10  # of candidates, before a network is given up
_CONFIDENCE = 0.99  # of the detector, below which a candidate is no face
_TRUNCATION = 0.8  # of the latent spread: fewer broken faces, a little less variety (Brock 2019)

_LATENT = 64
_WIDTH = 32
_BATCH = 32
_LEARNING_RATE = 1.5e-3
_LATENT_NOISE = 0.3
_LATENT_DECAY = 1e-3
_JITTER = 1e-4  # keeps the covariance of few faces positive definite

Draw = Callable[[np.random.Generator], Tensor]

logger = logging.getLogger(__name__)


def _draw_face(scene: Scene, draw: Draw, network: str) -> Forged:
    """The best of some candidates, at the scene's size; mask 255 throughout."""
    height, width = scene.photo.shape[:2]
    light = scene.photo.mean()
    for _ in range(_ROUNDS):
        with torch.inference_mode():
            pictures = to_pictures(draw(scene.rng))
        fitted = (
            cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in pictures
        )
        toned = (match_grey(np.asarray(one, np.uint8), scene.photo) for one in fitted)
        faces = [one for one in toned if _is_face(one)]
        if faces:
            fake = min(faces, key=lambda one: abs(float(one.mean() - light)))
            return Forged(fake, None, np.full((height, width), 255, np.uint8))
    raise DatasetError(
        f"{network} drew no face in {_ROUNDS * _CANDIDATES} tries; train it longer or leave it out"
    )


def _is_face(pixels: Pixels) -> bool:
    try:
        return find_largest(pixels).confidence >= _CONFIDENCE
    except ImageError:
        return False


class Dcgan:
    """A generator that others trained: DCGAN on the rendered faces of DigiFace-1M.

    Weights: the package gan-face-generate (MIT); the terms of its training set are not verified.
    Architecture: Radford et al. 2016, 100 latent numbers to 64 x 64 pixels.
    """

    def __init__(self) -> None:
        """Load the weights, tensors only.

        Raises:
            DatasetError: they are not installed.
        """
        widths = (100, 512, 256, 128, 64, 3)
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(itertools.pairwise(widths)):
            stride, padding = (1, 0) if place == 0 else (2, 1)
            layers.append(nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False))
            if after > 3:
                layers += [nn.BatchNorm2d(after), nn.ReLU()]
        self._network = nn.Sequential(*layers, nn.Tanh()).eval()
        saved = torch.load(find_asset(DCGAN), weights_only=True, map_location="cpu")
        weights = saved["netG_state_dict"].items()
        self._network.load_state_dict({name.removeprefix("main."): one for name, one in weights})

    def forge(self, scene: Scene) -> Forged:
        """A face of nobody."""
        return _draw_face(scene, self._draw, "the DCGAN")

    def _draw(self, rng: np.random.Generator) -> Tensor:
        latents = _TRUNCATION * rng.standard_normal((_CANDIDATES, 100, 1, 1), np.float32)
        drawn: Tensor = self._network(torch.from_numpy(latents))
        return drawn


def _make_encoder() -> nn.Sequential:
    widths = (3, _WIDTH, 2 * _WIDTH, 4 * _WIDTH, 8 * _WIDTH)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * _WIDTH * 16, _LATENT))


def _make_decoder() -> nn.Sequential:
    widths = (8 * _WIDTH, 4 * _WIDTH, 2 * _WIDTH, _WIDTH)
    layers: list[nn.Module] = [
        nn.Linear(_LATENT, 8 * _WIDTH * 16),
        nn.Unflatten(1, (8 * _WIDTH, 4, 4)),
        nn.SiLU(),
    ]
    for before, after in itertools.pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(_WIDTH, 3, 4, 2, 1), nn.Tanh())


def align_faces(photos: Sequence[tuple[Pixels, Points]]) -> list[Pixels]:
    """Every square photo shrunk and its landmarks moved onto their mean, (64, 64, 3) uint8 RGB."""
    shapes = [np.asarray(_SIDE * points / len(pixels), np.float32) for pixels, points in photos]
    mean = np.asarray(np.mean(shapes, axis=0), np.float32)
    faces = []
    for (pixels, _), shape in zip(photos, shapes, strict=True):
        small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)
        faces.append(warp(small, fit_similarity(shape, mean), small))
    return faces


def train(
    photos: Sequence[tuple[Pixels, Points]], steps: int, seed: int, checkpoint: Path, made_from: str
) -> None:
    """Train a regularised autoencoder and fit a Gaussian to its latent numbers.

    Args:
        photos: square crops, (side, side, 3) uint8 RGB, and their landmarks.
        steps: optimiser steps of 32 faces.
        seed: of weights, batches and noise.
        checkpoint: safetensors file to write: decoder, mean and Cholesky factor.
        made_from: note for `is_made_from`.

    Source: deterministic autoencoders with ex-post density estimation (Ghosh et al. 2020), 4 M
    parameters; the loss adds differences of neighbours, so that edges stay.
    """
    rng = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = _make_encoder(), _make_decoder()
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=_LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    known = to_tensor(align_faces(photos))
    with single_thread():
        for _ in progress(range(steps), "training the generator", "steps", steps):
            batch = known[rng.integers(len(known), size=_BATCH)]
            mirrored = torch.from_numpy(rng.random(_BATCH) < 0.5)[:, None, None, None]
            batch = torch.where(mirrored, batch.flip(3), batch)
            latents = encoder(batch)
            drawn = decoder(latents + _LATENT_NOISE * torch.randn(latents.shape, generator=noise))
            loss = _compare(drawn, batch) + _LATENT_DECAY * latents.square().mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
        with torch.inference_mode():
            parts = torch.chunk(known, math.ceil(len(known) / _BATCH))
            latents = torch.cat([encoder(part) for part in parts])
        factor: Tensor = torch.linalg.cholesky(torch.cov(latents.T) + _JITTER * torch.eye(_LATENT))
    logger.info("generator: %d photos, %d steps, last loss %.4f", len(photos), steps, loss.item())
    weights = {**decoder.state_dict(), "mean": latents.mean(0), "spread": factor.contiguous()}
    save_checkpoint(weights, checkpoint, made_from)


def _compare(drawn: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of pixels and of their differences to the right and below."""
    error = drawn - wanted
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    return error.abs().mean() + across.abs().mean() + down.abs().mean()


class Generator:
    """A generator trained here, on training people only."""

    def __init__(self, checkpoint: Path) -> None:
        """Load the weights.

        Raises:
            DatasetError: the checkpoint is missing or is another network's.
        """
        self._decoder = _make_decoder().eval()
        latents = load_checkpoint(self._decoder, checkpoint, "generator")
        self._mean, self._spread = latents["mean"], latents["spread"]

    def forge(self, scene: Scene) -> Forged:
        """A face of nobody, alike the training people as a whole."""
        return _draw_face(scene, self._draw, "the generator")

    def _draw(self, rng: np.random.Generator) -> Tensor:
        drawn = torch.from_numpy(rng.standard_normal((_CANDIDATES, _LATENT), np.float32))
        pictures: Tensor = self._decoder(self._mean + _TRUNCATION * drawn @ self._spread.T)
        return pictures
