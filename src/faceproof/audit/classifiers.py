"""Any classifier as the audit sees it: pictures in, margins out; and where it looks.

A foreign model may have other label names, more than two labels, one logit, and any input size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import cv2
import numpy as np
import torch
from captum.attr import Occlusion
from numpy.typing import NDArray
from torch import Tensor
from transformers import PretrainedConfig

from faceproof.data.images import Pixels
from faceproof.data.inputs.labels import guess_label, is_fake, is_same
from faceproof.detector.calibration import Decision, Margins
from faceproof.detector.models import find_decision, open_any
from faceproof.detector.preprocessing import to_tensor
from faceproof.errors import ModelError

_BATCH = 16
_WINDOWS = 7  # occlusion squares along a side


@dataclass(frozen=True)
class Classifier:
    """A classifier of pictures.

    `prepare` makes a batch, (N, 3, H, W) float32; `forward` gives from it the margin of each
    picture, shape (N,): above 0 means fake. `decision` is what it stored, None if it stored none.
    """

    name: str
    prepare: Callable[[Sequence[Pixels]], Tensor]
    forward: Callable[[Tensor], Tensor]
    decision: Decision | None = None

    @torch.inference_mode()
    def score(self, pictures: Iterable[Pixels]) -> Margins:
        """The margin of each picture, shape (N,).

        Pictures are read one by one and kept, a batch of them, in the model's size alone.
        """
        prepared = (self.prepare([picture]) for picture in pictures)
        parts = [
            self.forward(torch.cat(batch)).double().numpy()
            for _, alike in groupby(prepared, key=lambda values: values.shape)
            for batch in _batched(alike)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    @torch.inference_mode()
    def find_heat(self, picture: Pixels) -> NDArray[np.float32]:
        """How much the margin falls where a square is covered, (H, W) float32, 0 and above.

        Source: occlusion (Zeiler and Fergus 2014), by captum; it needs no look into the network.
        """
        values = self.prepare([picture])
        side = tuple(max(1, length // _WINDOWS) for length in values.shape[2:])
        fall = Occlusion(self.forward).attribute(
            values,
            sliding_window_shapes=(values.shape[1], *side),
            strides=(values.shape[1], *side),
            baselines=values.mean(dim=(2, 3), keepdim=True).expand_as(values),
            perturbations_per_eval=_BATCH,
        )
        heat = fall[0].mean(dim=0).clamp(min=0).numpy()
        whole = cv2.resize(heat, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(whole, np.float32)


def open_classifier(place: str, fake_label: str | None = None) -> Classifier:
    """A classifier from a folder or the Hub; never runs remote code or unpickles.

    Args:
        place: any image classifier that `AutoModelForImageClassification` opens.
        fake_label: the name of the label that means fake, where it cannot be guessed.

    Raises:
        ModelError: it cannot be loaded, or no label means fake.
    """
    model, processor = open_any(place)
    read_margin = _find_margin(model.config, place, fake_label)

    def prepare(pictures: Sequence[Pixels]) -> Tensor:
        return to_tensor(pictures, processor)

    def forward(values: Tensor) -> Tensor:
        return read_margin(model(pixel_values=values).logits)

    return Classifier(place, prepare, forward, find_decision(model.config))


def _find_margin(
    config: PretrainedConfig, place: str, fake_label: str | None
) -> Callable[[Tensor], Tensor]:
    """From logits, shape (N, labels), to margins, shape (N,)."""
    names = [str(config.id2label[code]) for code in sorted(config.id2label)]
    if len(names) == 1:
        sign = _find_sign(names[0], place, fake_label)
        return lambda logits: sign * logits[:, 0]
    fakes = _find_fakes(names, place, fake_label)
    reals = [code for code in range(len(names)) if code not in fakes]
    return lambda logits: (
        torch.logsumexp(logits[:, fakes], dim=1) - torch.logsumexp(logits[:, reals], dim=1)
    )


def _find_fakes(names: Sequence[str], place: str, fake_label: str | None) -> list[int]:
    meant = [guess_label(name) for name in names]
    if fake_label is not None:
        found = [code for code, name in enumerate(names) if is_same(name, fake_label)]
    elif any(label and not is_fake(label) for label in meant):
        # what does not mean real is a kind of fake
        found = [code for code, label in enumerate(meant) if label is None or is_fake(label)]
    else:
        found = [code for code, label in enumerate(meant) if is_fake(label)]
    if not found or len(found) == len(names):
        raise ModelError(
            f"{place} has the labels {', '.join(names)}; say which means fake with --fake_label"
        )
    return found


def _find_sign(name: str, place: str, fake_label: str | None) -> float:
    """One logit speaks for its label; a nameless one for fake."""
    if fake_label is not None and not is_same(name, fake_label):
        raise ModelError(f"{place} has one label, {name}, not {fake_label}")
    meant = guess_label(name)
    return -1.0 if fake_label is None and meant and not is_fake(meant) else 1.0


def _batched(values: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    iterator = iter(values)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
