"""Classifiers: made, loaded and saved so that stock classes open them."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    ConvNextImageProcessorPil,
    ConvNextV2Config,
    ConvNextV2ForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
)
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import PILImageResampling

from faceproof.detector.assets import open_lite0
from faceproof.detector.calibration import Decision
from faceproof.detector.settings import FROM_CONFIG, KINDS, Kind, Precision, Weights
from faceproof.errors import ModelError
from faceproof.records import LABELS
from faceproof.storage import MARKER, hash_file, replacing, replacing_folder

LITE0 = "lite0"
WEIGHTS = "model.safetensors"
_DECISION = "decision"
_INITIAL_DEVIATION = 0.15  # the library's 0.02 suits hundreds of channels; these nets have tens
_STEM_DEVIATION = 0.5  # large enough that fine detail is not drowned by what follows
_HEAD_CHANNELS = 64  # of a ViT, as in its paper
_NOT_LOADABLE = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)
_NAMES = {
    "id2label": dict(enumerate(LABELS)),
    "label2id": {name: i for i, name in enumerate(LABELS)},
}


@dataclass(frozen=True)
class Architecture:
    """A network made from scratch: blocks and channels of its stages, pixels of stem and input.

    A ViT has one stage, its stem is a patch, and its heads are 64 channels wide.
    """

    depths: tuple[int, ...]
    hidden_sizes: tuple[int, ...]
    stem_pixels: int
    side_pixels: int
    kind: Kind = "convnextv2"


def make_model(init: str, architecture: Architecture) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """A two-class classifier and its image processor.

    Args:
        init: `config` for random weights, `lite0` for the pretrained backbone that comes with the
            installation, else a local folder or a Hub id to fine-tune.
        architecture: used with `config`, its side also with `lite0`.

    Raises:
        ModelError: `init` holds no image classifier.
    """
    if init == LITE0:
        return make_small(architecture.side_pixels, LABELS)
    if init != FROM_CONFIG:
        return _load(init, num_labels=len(LABELS), ignore_mismatched_sizes=True, **_NAMES)
    return _MAKERS[architecture.kind](architecture)


def make_small(
    side_pixels: int, labels: Sequence[str] = KINDS
) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """EfficientNet-lite0 as ImageNet left it, with a fresh layer for the labels.

    Raises:
        DatasetError: the weights are not installed.
    """
    model, processor = open_lite0(side_pixels)
    model.classifier = nn.Linear(model.config.hidden_dim, len(labels))
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {name: i for i, name in enumerate(labels)}
    return model, processor


def _make_convnext(architecture: Architecture) -> tuple[PreTrainedModel, BaseImageProcessor]:
    config = ConvNextV2Config(
        num_stages=len(architecture.depths),
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


def _make_vit(architecture: Architecture) -> tuple[PreTrainedModel, BaseImageProcessor]:
    channels = architecture.hidden_sizes[0]
    config = ViTConfig(
        hidden_size=channels,
        num_hidden_layers=architecture.depths[0],
        num_attention_heads=max(1, channels // _HEAD_CHANNELS),
        intermediate_size=4 * channels,
        patch_size=architecture.stem_pixels,
        image_size=architecture.side_pixels,
        num_labels=len(LABELS),
        **_NAMES,
    )
    side = {"height": architecture.side_pixels, "width": architecture.side_pixels}
    processor = ViTImageProcessorPil(size=side, resample=PILImageResampling.BICUBIC)
    return ViTForImageClassification(config), processor


_MAKERS = {"convnextv2": _make_convnext, "vit": _make_vit}


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
    model, processor = open_any(place)
    return model, processor, _read_decision(model.config, place)


def open_any(place: str) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """Any image classifier, whatever its labels; never runs remote code or unpickles.

    Raises:
        ModelError: it cannot be loaded.
    """
    model, processor = _load(place, use_safetensors=True, dtype=torch.float32)
    return model.eval(), processor


def cast(model: PreTrainedModel, precision: Precision) -> PreTrainedModel:
    """The model in the arithmetic that it is to compute in."""
    return model.to(torch.bfloat16 if precision == "bf16" else torch.float32)


def find_decision(config: PretrainedConfig) -> Decision | None:
    """The decision that a model of ours stored; None in a model of others."""
    is_ours = _is_ours(config) and hasattr(config, _DECISION)
    return _read_decision(config, config.name_or_path) if is_ours else None


def _read_decision(config: PretrainedConfig, place: str) -> Decision:
    if not _is_ours(config):
        raise ModelError(
            f"{place} has the labels {config.id2label}, not 0 real and 1 fake, nor 0 real and the "
            "kinds of fake 1 generated and 2 altered"
        )
    try:
        return Decision(**(getattr(config, _DECISION, None) or {}))
    except TypeError as error:
        raise ModelError(
            f"{place} has no stored decision rule; train it with training/train.py"
        ) from error


def _is_ours(config: PretrainedConfig) -> bool:
    return config.id2label in (dict(enumerate(LABELS)), dict(enumerate(KINDS)))


def read_weights(folder: Path) -> Weights:
    """How a saved model's weights are kept.

    Raises:
        ModelError: there are none that can be read.
    """
    try:
        with safe_open(folder / WEIGHTS, "pt") as stored:
            kinds = {stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118
    except _NOT_LOADABLE as error:
        raise ModelError(_refuse(str(folder), error)) from error
    return "fp16" if "F16" in kinds else "fp32"


def round_weights(model: PreTrainedModel, weights: Weights) -> PreTrainedModel:
    """The model as it will be once it was saved so: what is measured is what is kept."""
    return model if weights == "fp32" else model.half().float()


def save_model(
    model: PreTrainedModel, processor: BaseImageProcessor, decision: Decision, folder: Path,
    weights: Weights = "fp32",
) -> None:  # fmt: skip
    """Save weights (safetensors), processor and decision to `folder`, replacing what was there.

    Half-precision weights take half the room; they are still computed with in float32.
    """
    setattr(model.config, _DECISION, asdict(decision))
    _save(model, processor, folder, _store(model.state_dict(), weights))


def add_model(
    model: PreTrainedModel, processor: BaseImageProcessor, decision: Decision, folder: Path,
    weights: Weights = "fp32",
) -> None:  # fmt: skip
    """The same into a folder of ours that holds other files, too."""
    with TemporaryDirectory() as scratch:
        save_model(model, processor, decision, Path(scratch, "model"), weights)
        for file in sorted(Path(scratch, "model").iterdir()):
            if file.name != MARKER:
                with replacing(folder / file.name) as partial:
                    shutil.copyfile(file, partial)


def hash_weights(init: str) -> str:
    """Of a local folder that is fine-tuned, the hash of its weights; empty for all else."""
    weights = Path(init) / WEIGHTS
    return hash_file(weights) if weights.is_file() else ""


def _save(
    model: PreTrainedModel, processor: BaseImageProcessor, folder: Path,
    state: Mapping[str, Tensor],
) -> None:  # fmt: skip
    with replacing_folder(folder) as partial:
        model.save_pretrained(partial, state_dict=dict(state))
        processor.save_pretrained(partial)


def _store(state: Mapping[str, Tensor], weights: Weights) -> dict[str, Tensor]:
    is_half = weights == "fp16"
    return {
        name: value.half() if is_half and value.is_floating_point() else value
        for name, value in state.items()
    }


def _load(place: str, **options: object) -> tuple[PreTrainedModel, BaseImageProcessor]:
    try:
        model = AutoModelForImageClassification.from_pretrained(
            place, trust_remote_code=False, **options
        )
        return model, AutoImageProcessor.from_pretrained(place, backend="pil")
    except _NOT_LOADABLE as error:
        raise ModelError(_refuse(place, error)) from error


def _refuse(place: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    return f"{place} holds no image classifier that can be loaded: {reason}"
