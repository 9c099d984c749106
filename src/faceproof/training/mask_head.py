"""What stands beside the classifier while it is trained: a mask head, and a running mean of it.

Neither the head nor the live weights are saved. The mask head learns where the forgery is, place by
place, from the features that give the label; the running mean is what is evaluated and kept.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import (
    PretrainedConfig,
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from faceproof.detector.heatmap import to_map
from faceproof.errors import ModelError
from faceproof.training.batches import IGNORED

_ROUNDING = 1e-6  # of epochs, which the Trainer counts in shares of steps


class Supervised(nn.Module):
    """A classifier in training: `model` learns, `average` follows it and is evaluated."""

    def __init__(
        self, model: PreTrainedModel, side_pixels: int, mask_weight: float, decay: float
    ) -> None:
        """Wrap a classifier.

        Args:
            model: takes `pixel_values`, gives `logits` and hidden states.
            side_pixels: of its input.
            mask_weight: of the mask head's loss beside the label's; 0 leaves the head out.
            decay: of the running mean, per step; 0 keeps no history.

        Raises:
            ModelError: a mask is wanted, but the model's hidden states have no places.
        """
        super().__init__()
        self.model = model
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]  # of torch
        self.average.requires_grad_(False)
        self._mask_weight = mask_weight
        if mask_weight:
            self.mask_head = nn.Conv2d(_count_channels(model, side_pixels), 1, 1)

    def train(self, mode: bool = True) -> "Supervised":
        """As any module, but statistics of batch normalisation stay those of the pretraining.

        Why: a batch holds a few photos several times each, half of them forged, which no single
        image that is judged later does.
        """
        super().train(mode)
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(
        self, pixel_values: Tensor, labels: Tensor | None = None, masks: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Logits, shape (N, 2), and the loss where labels are given.

        Args:
            pixel_values: (N, 3, H, W) float32.
            labels: (N,), 0 real, 1 fake, `IGNORED` where the picture does not show its label.
            masks: (N, H, W) float32, 0 untouched to 1 replaced.
        """
        # Two thirds of the time on a CPU where convolutions are depthwise; else the same.
        pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)
        if not self.training:
            logits = self.average(pixel_values=pixel_values).logits
            return {"logits": logits} if labels is None else _add_loss(logits, labels)
        has_head = bool(self._mask_weight) and masks is not None
        outputs = self.model(pixel_values=pixel_values, output_hidden_states=has_head)
        if labels is None:
            return {"logits": outputs.logits}
        found = _add_loss(outputs.logits, labels)
        if has_head and masks is not None:
            drawn = self.mask_head(to_map(outputs.hidden_states[-1]))
            wanted = nn.functional.adaptive_avg_pool2d(masks[:, None], drawn.shape[-2:])
            mask_loss = nn.functional.binary_cross_entropy_with_logits(drawn, wanted)
            found["loss"] = found["loss"] + self._mask_weight * mask_loss
        return found

    def follow(self) -> None:
        """Take the present weights into the running mean."""
        self.average.update_parameters(self.model)

    @property
    def config(self) -> PretrainedConfig:
        """That of the classifier; the Trainer's model card is made from it."""
        return self.model.config

    @property
    def trained(self) -> PreTrainedModel:
        """The classifier to keep: the running mean, ready to be saved by itself."""
        kept: PreTrainedModel = self.average.module
        return kept


class HasEpochs(Protocol):
    """Photos whose draws depend on the epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is."""


class Accompany(TrainerCallback):  # type: ignore[misc]  # transformers is not read by mypy
    """Tells the photos which epoch it is, and lets the running mean follow after every step.

    The Trainer tells the photos too, but not where several processes share them.
    """

    def __init__(self, photos: HasEpochs, supervised: Supervised) -> None:
        """Take the training photos and what learns from them."""
        self._photos, self._supervised = photos, supervised

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        **kwargs: object,
    ) -> None:  # fmt: skip
        """Called by the Trainer; a run that was stopped within an epoch begins in it."""
        self._photos.set_epoch(int((state.epoch or 0) + _ROUNDING))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        **kwargs: object,
    ) -> None:  # fmt: skip
        """Called by the Trainer."""
        self._supervised.follow()


@torch.no_grad()
def _count_channels(model: PreTrainedModel, side_pixels: int) -> int:
    """By a look at what an empty picture gives."""
    was_training = model.training
    empty = torch.zeros(1, 3, side_pixels, side_pixels)
    outputs = model.eval()(pixel_values=empty, output_hidden_states=True)
    model.train(was_training)
    if not outputs.hidden_states or outputs.hidden_states[-1].ndim not in (3, 4):
        kind = type(model).__name__
        raise ModelError(f"{kind} has no places for a mask; give mask_weight 0")
    return int(to_map(outputs.hidden_states[-1]).shape[1])


def _add_loss(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Cross-entropy of the labels that count; 0 where none does, as in a batch of padding."""
    loss = nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return {"loss": loss / (labels != IGNORED).sum().clamp(min=1), "logits": logits}
