"""Distillation: a network learns to give the feature maps of another one."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError
from faceproof.learning.processors import side_of
from faceproof.learning.supervision import to_map
from faceproof.metrics import Measured, Rows, measure


class Distilled(nn.Module):
    """A network that learns to give the feature maps of a teacher, wherever both have one.

    The last map of each size is compared: what a linear map makes of the student's with the
    teacher's, whose channels are standardised so that all count alike. At first the linear maps
    give zeros, the mean of every channel.

    Source: hints of FitNets (Romero et al. 2015); standardised targets after Wei et al. 2022.
    """

    gain: Tensor
    shift: Tensor

    def __init__(
        self, model: PreTrainedModel, processor: BaseImageProcessor,
        teacher: PreTrainedModel, teacher_processor: BaseImageProcessor,
    ) -> None:  # fmt: skip
        """Take the classifier whose backbone learns, and the one it learns from, each with its own.

        Raises:
            SettingsError: the student's deepest map has no counterpart: its last layers would
                learn nothing.
        """
        super().__init__()
        self.student = model.base_model
        self.teacher = teacher.base_model.eval().requires_grad_(False)
        for name, value in zip(
            ("gain", "shift"), _translate(processor, teacher_processor), strict=True
        ):
            self.register_buffer(name, value, persistent=False)
        side = side_of(processor)
        given, wanted = self._look(torch.zeros(1, 3, side, side))
        if min(given) not in wanted:
            raise SettingsError(
                f"its maps have the sides {sorted(given)}, the teacher's {sorted(wanted)}; "
                "choose stem_pixels or side_pixels so that its smallest is among them"
            )
        self.sides = sorted(set(given) & set(wanted))
        channels = [(given[one].shape[1], wanted[one].shape[1]) for one in self.sides]
        self.heads = nn.ModuleList(nn.Conv2d(own, asked, 1) for own, asked in channels)
        for weights in self.heads.parameters():
            nn.init.zeros_(weights)
        self.scales = nn.ModuleList(  # no momentum: statistics of all steps, few or many
            nn.BatchNorm2d(asked, momentum=None, affine=False) for _, asked in channels
        )

    def train(self, mode: bool = True) -> "Distilled":
        """As any module, but the teacher stays as it is."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """The loss: the mean squared error, of all sizes alike.

        Args:
            pixel_values: (N, 3, H, W) float32, as the student's processor gives them.
        """
        errors = [(given - wanted).square().mean() for given, wanted in self.compare(pixel_values)]
        return {"loss": torch.stack(errors).mean()}

    def compare(self, pixel_values: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What is given and what is wanted, (N, C, side, side) each, by `sides`."""
        given, wanted = self._look(pixel_values.contiguous(memory_format=torch.channels_last))
        return [
            (head(given[side]), scale(wanted[side]))
            for side, head, scale in zip(self.sides, self.heads, self.scales, strict=True)
        ]

    def _look(self, pixel_values: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        given = self.student(pixel_values=pixel_values, output_hidden_states=True)
        with torch.no_grad():
            translated = pixel_values * self.gain + self.shift
            wanted = self.teacher(pixel_values=translated, output_hidden_states=True)
        return list_maps(given.hidden_states), list_maps(wanted.hidden_states)


@torch.inference_mode()
def measure_unexplained(
    distilled: Distilled, pictures: Iterable[Tensor], groups: NDArray[np.str_], seed: int
) -> dict[str, Measured]:
    """The share of the variance of the teacher's features that is not given, by side of the maps.

    0: all is given; 1: no more than the mean of each channel over these images.

    Args:
        distilled: in evaluation mode.
        pictures: batches as `compare` takes them.
        groups: of each image, shape (N,).
        seed: of the bootstrap.
    """
    parts = [[_sum_up(*maps) for maps in distilled.compare(pixels)] for pixels in pictures]
    measured = {}
    for side, of_side in zip(distilled.sides, zip(*parts, strict=True), strict=True):
        errors, squares, means = (np.concatenate(values) for values in zip(*of_side, strict=True))
        share = partial(_share_variance, errors, squares, means)
        measured[f"unexplained_side_{side}"] = measure(share, groups, seed)
    return measured


def _sum_up(given: Tensor, wanted: Tensor) -> tuple[NDArray[np.float64], ...]:
    """Of each image the mean squared error, the mean square wanted, and the mean by channel."""
    error, square = ((given - wanted).square(), wanted.square())
    averages = (error.mean(dim=(1, 2, 3)), square.mean(dim=(1, 2, 3)), wanted.mean(dim=(2, 3)))
    return tuple(values.double().numpy() for values in averages)


def _share_variance(
    errors: NDArray[np.float64],
    squares: NDArray[np.float64],
    means: NDArray[np.float64],
    drawn: Rows,
) -> float:
    """Of the drawn images the error over the variance of all channels together.

    Args:
        errors: mean squared error of each image, shape (N,).
        squares: mean square of its features, shape (N,).
        means: mean of each channel, shape (N, C).
        drawn: row numbers, shape (M,).
    """
    variance = squares[drawn].mean() - np.square(means[drawn].mean(axis=0)).mean()
    return float(errors[drawn].mean() / variance)


def list_maps(hidden: Sequence[Tensor]) -> dict[int, Tensor]:
    """The last map of each size, by its side."""
    return {one.shape[-1]: one for one in map(to_map, hidden)}


def _translate(own: BaseImageProcessor, other: BaseImageProcessor) -> tuple[Tensor, Tensor]:
    """Gain and shift, (3, 1, 1) each, from what one processor gives to what another would."""
    mean, deviation, other_mean, other_deviation = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (own.image_mean, own.image_std, other.image_mean, other.image_std)
    )
    return deviation / other_deviation, (mean - other_mean) / other_deviation
