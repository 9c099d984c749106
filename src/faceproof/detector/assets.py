"""A pretrained backbone that needs no Hub: EfficientNet-lite0 out of a package, in a stock class.

The weights (ImageNet, Apache-2.0) come with `make install`; none of the package's code runs. They
fit `EfficientNetForImageClassification` name by name; squeeze-and-excitation, which lite0 does not
have, is switched off by gates that are always open.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor
from transformers import (
    EfficientNetConfig,
    EfficientNetForImageClassification,
    EfficientNetImageProcessorPil,
    PreTrainedModel,
)
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import PILImageResampling

from faceproof.data.assets import LITE0, find_asset

_OPEN_GATE = 30.0  # sigmoid of it is 1 in float32
_IMAGE_NET_CLASSES = 1000
_MEAN, _DEVIATION = 127 / 255, 128 / 255  # its inputs are (level - 127) / 128
_NAMES = (
    (r"^_conv_stem\.", "efficientnet.embeddings.convolution."),
    (r"^_bn0\.", "efficientnet.embeddings.batchnorm."),
    (r"^_conv_head\.", "efficientnet.encoder.top_conv."),
    (r"^_bn1\.", "efficientnet.encoder.top_bn."),
    (r"^_fc\.", "classifier."),
    (r"^_blocks\.", "efficientnet.encoder.blocks."),
    (r"\._expand_conv\.", ".expansion.expand_conv."),
    (r"\._bn0\.", ".expansion.expand_bn."),
    (r"\._depthwise_conv\.", ".depthwise_conv.depthwise_conv."),
    (r"\._bn1\.", ".depthwise_conv.depthwise_norm."),
    (r"\._project_conv\.", ".projection.project_conv."),
    (r"\._bn2\.", ".projection.project_bn."),
)


def open_lite0(side_pixels: int) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """EfficientNet-lite0 with its ImageNet classes, and a processor of the given side.

    Raises:
        DatasetError: the weights are not installed.

    Source: EfficientNet (Tan and Le 2019), the lite0 of its authors.
    """
    config = EfficientNetConfig(
        hidden_act="relu6",
        width_coefficient=1.0,
        depth_coefficient=1.0,
        image_size=side_pixels,
        hidden_dim=1280,
        batch_norm_eps=1e-3,
        num_labels=_IMAGE_NET_CLASSES,
    )
    model = EfficientNetForImageClassification(config)
    weights = torch.load(find_asset(LITE0), map_location="cpu", weights_only=True)
    model.load_state_dict({**_open_gates(model.state_dict()), **_rename(weights)}, strict=True)
    processor = EfficientNetImageProcessorPil(
        size={"height": side_pixels, "width": side_pixels},
        image_mean=[_MEAN] * 3,
        image_std=[_DEVIATION] * 3,
        resample=PILImageResampling.BICUBIC,
        include_top=False,  # True would normalise twice
    )
    return model.eval(), processor


def _rename(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {_translate(name): value for name, value in weights.items()}


def _translate(name: str) -> str:
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _open_gates(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    gates = {name: torch.zeros_like(value) for name, value in state.items() if "excite" in name}
    for name, value in gates.items():
        if name.endswith("expand.bias"):
            value.fill_(_OPEN_GATE)
    return gates
