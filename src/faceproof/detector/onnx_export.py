"""A trained classifier as ONNX, in the layout of transformers.js: `onnx/model.onnx`.

There is no 8-bit file: of a ViT bfloat16 was faster and truer, of convolutions it changed nothing.
"""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from faceproof.detector.models import load_model
from faceproof.detector.preprocessing import side_of
from faceproof.storage import add_to_folder, claim_folder, replacing

_OPSET = 18
ONNX_MODEL = "onnx/model.onnx"  # where transformers.js looks for it


class _Logits(nn.Module):
    """The classifier with its logits alone: what ONNX can hold."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        logits: Tensor = self._model(pixel_values=pixel_values).logits
        return logits


def export(folder: Path) -> Path:
    """Write the ONNX file into a model folder; gives its path.

    The number of images is free, their side is the model's.

    Raises:
        ModelError: see `models.load_model`.
    """
    model, processor, _ = load_model(str(folder))
    side = side_of(processor)
    path = folder / ONNX_MODEL
    claim_folder(path.parent)
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own, about its internals
        torch.onnx.export(
            _Logits(model),
            (torch.zeros(2, 3, side, side),),
            partial,
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_shapes={"pixel_values": {0: torch.export.Dim("images")}},
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    add_to_folder(folder)
    return path
