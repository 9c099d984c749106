"""The baseline that a tuned network has to beat: linear heads on frozen features.

Two heads, one for generated and one for altered faces, because one label for both kinds loses
altered faces; an image's score is the larger of the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPForImageClassification

from faceproof.console import progress
from faceproof.training.tuning import REAL, Normaliser
from faceproof.training.views import Views

BLOCKS = (6, 8, 10, 12)
_SMALLEST_DEVIATION = 1e-6
_BATCH = 256  # images at a time
_VIEWS = 3  # of each image that the heads learn from
_STRENGTH = 1e-4  # of the penalty; features are standardised


@dataclass(frozen=True)
class Head:
    """A linear layer on standardised features.

    Weights are (D, C), the bias (C,), mean and deviation (D,).
    """

    weights: Tensor
    bias: Tensor
    mean: Tensor
    deviation: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Logits, (N, C), of features, (N, D)."""
        return (features.float() - self.mean) / self.deviation @ self.weights + self.bias

    def unfold(self) -> tuple[Tensor, Tensor]:
        """Weights (C, D) and bias (C,) of the same layer on features as they are."""
        weights = self.weights / self.deviation[:, None]
        return weights.T, self.bias - self.mean @ weights


@torch.inference_mode()
def embed(
    model: CLIPForImageClassification, views: Views | Tensor, normalise: Normaliser,
    shown: Sequence[int] = (0,), blocks: Sequence[int] = BLOCKS,
) -> Tensor:  # fmt: skip
    """Class token and mean patch token after each of some blocks.

    Args:
        model: the frozen network.
        views: (N, V, side, side, 3) uint8.
        normalise: to the network's inputs.
        shown: which views.
        blocks: counted from 1.

    Returns:
        (len(shown) * N, 2 * len(blocks) * 768) float16 on the network's device, view after view.
    """
    parts = []
    for view in shown:
        steps = range(0, len(views), _BATCH)
        for start in progress(steps, f"features of view {view}", "batches", len(steps)):
            values = normalise(views[start : start + _BATCH, view])
            with torch.autocast(values.device.type, torch.bfloat16):
                states = model.vision_model(values, output_hidden_states=True).hidden_states
            tokens = [states[block] for block in blocks]
            pooled = [part for one in tokens for part in (one[:, 0], one[:, 1:].mean(dim=1))]
            parts.append(torch.cat(pooled, dim=1).half())
    return torch.cat(parts)


def fit_head(
    features: Tensor, targets: Tensor, classes: int, strength: float, steps: int = 100
) -> Head:
    """Multinomial logistic regression, classes weighted evenly.

    Args:
        features: (N, D).
        targets: class of each row, (N,), int64.
        classes: how many there are.
        strength: of the L2 penalty, times the mean squared weight.
        steps: of L-BFGS, at most.
    """
    inputs = features.float()
    mean, deviation = inputs.mean(dim=0), inputs.std(dim=0).clamp_min(_SMALLEST_DEVIATION)
    inputs = (inputs - mean) / deviation
    weights = torch.zeros(inputs.shape[1], classes, device=inputs.device, requires_grad=True)
    bias = torch.zeros(classes, device=inputs.device, requires_grad=True)
    counts = torch.bincount(targets, minlength=classes).clamp_min(1)
    measure = nn.CrossEntropyLoss(weight=len(targets) / (classes * counts).float())
    optimiser = torch.optim.LBFGS(
        [weights, bias], max_iter=steps, history_size=10, line_search_fn="strong_wolfe"
    )

    def step() -> Tensor:
        optimiser.zero_grad()
        loss: Tensor = measure(inputs @ weights + bias, targets)
        loss = loss + strength * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        return loss

    optimiser.step(step)  # type: ignore[no-untyped-call]  # torch has no types for it
    return Head(weights.detach(), bias.detach(), mean, deviation)


def score_unseen(
    model: CLIPForImageClassification, seen: Views, unseen: Views, kinds: NDArray[np.int64],
    normalise: Normaliser,
) -> NDArray[np.float32]:  # fmt: skip
    """The baseline's margins of unseen images, (M,); the model's last layer is fitted on the way.

    Args:
        model: the frozen network, with an untrained last layer for the labels of `kinds`.
        seen: views to learn from, (N, V, side, side, 3) uint8; of each image the first three.
        unseen: views to score, (M, 1, side, side, 3).
        kinds: label of each image in `seen`, shape (N,).
        normalise: to the network's inputs.
    """
    count = model.config.vision_config.num_hidden_layers
    blocks = [block for block in BLOCKS if block < count] + [count]
    features = embed(model, seen, normalise, range(min(seen.shape[1], _VIEWS)), blocks)
    margins = score_larger(
        fit_kinds(features, kinds), embed(model, unseen, normalise, (0,), blocks)
    )
    fit_last_layer(features, kinds, model.classifier)
    return margins


def fit_kinds(features: Tensor, kinds: NDArray[np.int64]) -> list[Head]:
    """A head for generated and one for altered faces, each against the reals.

    Args:
        features: (V * N, D), view after view.
        kinds: 0 real, 1 generated, 2 altered, shape (N,). A kind that is not there has no head.
    """
    targets = _repeat(kinds, features)
    heads = []
    for kind in sorted(set(kinds.tolist()) - {REAL}):
        rows = (targets == REAL) | (targets == kind)
        heads.append(fit_head(features[rows], (targets[rows] == kind).long(), 2, _STRENGTH))
    return heads


def fit_last_layer(features: Tensor, kinds: NDArray[np.int64], layer: nn.Linear) -> None:
    """Set a linear layer on the mean patch token to the fit of all labels on frozen features.

    Args:
        features: (V * N, D), view after view; the last columns are the mean patch token.
        kinds: label of each image, shape (N,).
        layer: of as many outputs as there are labels.
    """
    tokens = features[:, -layer.in_features :]
    weights, bias = fit_head(tokens, _repeat(kinds, tokens), layer.out_features, _STRENGTH).unfold()
    with torch.no_grad():
        layer.weight.copy_(weights)
        layer.bias.copy_(bias)


def _repeat(kinds: NDArray[np.int64], features: Tensor) -> Tensor:
    targets = torch.as_tensor(kinds, device=features.device)
    return targets.repeat(len(features) // len(kinds))


def score_larger(heads: Sequence[Head], features: Tensor) -> NDArray[np.float32]:
    """The larger margin (positive minus real logit) of several two-class heads, shape (N,)."""
    margins = [head(features) @ torch.tensor([-1.0, 1.0], device=features.device) for head in heads]
    return torch.stack(margins).amax(dim=0).cpu().numpy()
