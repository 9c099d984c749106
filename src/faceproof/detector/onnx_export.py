"""A trained classifier as ONNX, in single precision and with 8-bit weights.

The layout is that of transformers.js: `onnx/model.onnx` and `onnx/model_quantized.onnx` beside the
configuration.
"""

import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from faceproof.detector.backends import FULL_MODEL, INT8_MODEL
from faceproof.detector.models import load_model
from faceproof.detector.preprocessing import side_of
from faceproof.storage import add_to_folder, claim_folder, replacing

_OPSET = 18


class _Logits(nn.Module):
    """The classifier with its logits alone: what ONNX can hold."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        logits: Tensor = self._model(pixel_values=pixel_values).logits
        return logits


def export(folder: Path) -> tuple[Path, Path]:
    """Write both ONNX files into a model folder.

    The number of images is free, their side is the model's. Matrix products become 8-bit
    (dynamically quantised); convolutions stay, for which ONNX Runtime has no faster kernel here.

    Returns:
        Paths of the single-precision and of the 8-bit file.

    Raises:
        ModelError: see `models.load_model`.
    """
    model, processor, _ = load_model(str(folder))
    side = side_of(processor)
    example = torch.zeros(2, 3, side, side)
    whole, small = folder / FULL_MODEL, folder / INT8_MODEL
    claim_folder(whole.parent)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own, about its internals
        plain = Path(scratch) / "model.onnx"
        torch.onnx.export(
            _Logits(model),
            (example,),
            plain,
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_shapes={"pixel_values": {0: torch.export.Dim("images")}},
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        graph = onnx.load(plain)
        del graph.graph.value_info[:]  # shapes that the quantiser would contradict
        with replacing(whole) as partial:
            onnx.save(graph, partial)
        with replacing(small) as partial:
            quantize_dynamic(
                whole,
                partial,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
    add_to_folder(folder)
    return whole, small
