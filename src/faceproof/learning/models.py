"""Classifiers: made, loaded and saved so that stock classes open them."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    ConvNextImageProcessorPil,
    ConvNextV2Config,
    ConvNextV2ForImageClassification,
    PreTrainedModel,
)
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import ModelError
from faceproof.records import LABELS

FROM_CONFIG = "config"
_DECISION = "decision"
_INITIAL_DEVIATION = 0.15  # the library's 0.02 suits hundreds of channels; these nets have tens
_STEM_DEVIATION = 0.5  # large enough that fine detail is not drowned by what follows
_NAMES = {
    "id2label": dict(enumerate(LABELS)),
    "label2id": {name: i for i, name in enumerate(LABELS)},
}


@dataclass(frozen=True)
class Architecture:
    """A ConvNeXtV2 made from scratch: blocks and channels of its stages, pixels of its input."""

    depths: tuple[int, ...]
    hidden_sizes: tuple[int, ...]
    stem_pixels: int
    side_pixels: int


@dataclass(frozen=True)
class Decision:
    """How a logit becomes a calibrated score and a verdict; stored in the model's config.json.

    score = sigmoid((fake logit - real logit) / temperature); fake from `threshold` on.
    """

    temperature: float
    threshold: float


def make_model(init: str, architecture: Architecture) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """A two-class classifier and its image processor.

    Args:
        init: `config` for random weights, else a local folder or a Hub id to fine-tune.
        architecture: used with `config` only.

    Raises:
        ModelError: `init` holds no image classifier.
    """
    if init != FROM_CONFIG:
        return _load(init, num_labels=len(LABELS), ignore_mismatched_sizes=True, **_NAMES)
    config = ConvNextV2Config(
        depths=list(architecture.depths),
        hidden_sizes=list(architecture.hidden_sizes),
        patch_size=architecture.stem_pixels,
        image_size=architecture.side_pixels,
        initializer_range=_INITIAL_DEVIATION,
        num_labels=len(LABELS),
        **_NAMES,
    )
    processor = ConvNextImageProcessorPil(
        # crop_pct 1: the face is cropped already, and resizing would blur the traces of a forgery
        size={"shortest_edge": architecture.side_pixels}, crop_pct=1.0
    )  # fmt: skip
    model = ConvNextV2ForImageClassification(config)
    _make_high_pass(model.convnextv2.embeddings.patch_embeddings.weight)
    return model, processor


@torch.no_grad()
def _make_high_pass(kernels: Tensor) -> None:
    """Start the stem blind to flat colour: forgeries leave their traces in fine detail.

    With Hugging Face's own initialisation the demo's network stayed at chance. The kernels remain
    free to learn. Source: constrained first layers (Bayar and Stamm 2016), as a start only.
    """
    kernels -= kernels.mean(dim=(2, 3), keepdim=True)
    kernels *= _STEM_DEVIATION / kernels.std()


def load_model(place: str) -> tuple[PreTrainedModel, BaseImageProcessor, Decision]:
    """A trained classifier with its decision; never runs remote code or unpickles.

    Raises:
        ModelError: not a classifier of real and fake, or without a stored decision.
    """
    model, processor = _load(place, use_safetensors=True)
    if model.config.id2label != dict(enumerate(LABELS)):
        raise ModelError(f"{place} has the labels {model.config.id2label}, not 0 real and 1 fake")
    try:
        decision = Decision(**(getattr(model.config, _DECISION, None) or {}))
    except TypeError as error:
        raise ModelError(
            f"{place} has no stored threshold; train it with training/train.py"
        ) from error
    return model.eval(), processor, decision


def save_model(
    model: PreTrainedModel, processor: BaseImageProcessor, decision: Decision, folder: Path
) -> None:
    """Save weights (safetensors), processor and decision to `folder`, replacing what was there."""
    setattr(model.config, _DECISION, asdict(decision))
    partial = folder.with_name(f".{folder.name}.partial")
    older = folder.with_name(f".{folder.name}.old")
    for leftover in (partial, older):
        shutil.rmtree(leftover, ignore_errors=True)
    model.save_pretrained(partial)
    processor.save_pretrained(partial)
    if folder.exists():
        folder.rename(older)
    partial.rename(folder)
    shutil.rmtree(older, ignore_errors=True)


def _load(place: str, **options: object) -> tuple[PreTrainedModel, BaseImageProcessor]:
    try:
        model = AutoModelForImageClassification.from_pretrained(
            place, trust_remote_code=False, **options
        )
        return model, AutoImageProcessor.from_pretrained(place, backend="pil")
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{place} holds no image classifier that can be loaded: {reason}"
        ) from error
