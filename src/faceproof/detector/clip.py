"""CLIP ViT-B/16 without the Hub: its image tower out of a package, in a stock class.

The package holds the tower as an ONNX file whose linear layers are stored in 8 bits, with a scale
for each output channel. The file is parsed, never run: weights are arrays, and the name of the node
that multiplies by an array is the path of its module in transformers. CLIP's weights are MIT.
"""

import re
from collections.abc import Iterator

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, numpy_helper
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPForImageClassification,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
)

from faceproof.data.assets import CLIP, find_asset

SIDE_PIXELS = 224
BLOCKS = 12
CLIP_SHA256 = "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
_MEAN = [0.48145466, 0.4578275, 0.40821073]
_DEVIATION = [0.26862954, 0.26130258, 0.27577711]
_LINEAR = re.compile(r"/vision_model/encoder/layers\.(\d+)/(self_attn|mlp)/(\w+)/MatMul")


def open_clip(labels: tuple[str, ...], blocks: int = BLOCKS) -> CLIPForImageClassification:
    """The tower with a fresh linear layer on the mean of its last patch tokens.

    Args:
        labels: names of the classes, in order.
        blocks: transformer blocks that are kept, the first 1 to 12.

    Raises:
        DatasetError: the weights are not installed.

    Source: CLIP (Radford et al. 2021).
    """
    vision = CLIPVisionConfig(
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=blocks,
        num_attention_heads=12,
        image_size=SIDE_PIXELS,
        patch_size=16,
        hidden_act="quick_gelu",
        projection_dim=512,
    )
    config = CLIPConfig(
        vision_config=vision.to_dict(),
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
    )
    model = CLIPForImageClassification(config)
    state = model.state_dict()
    weights = {f"vision_model.{name}": value for name, value in read_tower().items()}
    state.update({name: value for name, value in weights.items() if name in state})
    model.load_state_dict(state, strict=True)
    return model.eval()


def make_processor() -> CLIPImageProcessorPil:
    """The whole picture at the tower's side, with CLIP's mean and deviation."""
    return CLIPImageProcessorPil(
        size={"height": SIDE_PIXELS, "width": SIDE_PIXELS},
        do_center_crop=False,
        image_mean=_MEAN,
        image_std=_DEVIATION,
    )


def read_tower() -> dict[str, Tensor]:
    """Weights of the image tower by their names in `CLIPVisionModel`, float32.

    Raises:
        DatasetError: the weights are not installed.
    """
    model = onnx.load(find_asset(CLIP))
    stored = {array.name: array for array in model.graph.initializer}
    plain = {
        name.removeprefix("vision_model."): _to_tensor(array)
        for name, array in stored.items()
        if name.startswith("vision_model.")
    }
    return plain | dict(_read_linear(model, stored))


def _read_linear(model: ModelProto, stored: dict[str, TensorProto]) -> Iterator[tuple[str, Tensor]]:
    """Weights of the linear layers, (outputs, inputs), from 8-bit arrays, (inputs, outputs)."""
    for node in model.graph.node:
        place = _LINEAR.match(node.name)
        if node.op_type != "MatMulInteger" or place is None:
            continue
        name = node.input[1].removesuffix("_quantized")
        weight, zero, scale = (
            _to_tensor(stored[f"{name}_{part}"]) for part in ("quantized", "zero_point", "scale")
        )
        block, group, layer = place.groups()
        yield f"encoder.layers.{block}.{group}.{layer}.weight", ((weight - zero) * scale).T


def _to_tensor(array: TensorProto) -> Tensor:
    return torch.from_numpy(numpy_helper.to_array(array).astype(np.float32))
