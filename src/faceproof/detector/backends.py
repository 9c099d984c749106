"""What computes logits: torch in single precision or bfloat16, or ONNX Runtime in 8-bit integers.

Single precision gives the same score for an image whatever stands beside it, to 1e-5. In bfloat16
and 8 bits scores move; `make bench-predict` measures by how much.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as onnx_errors
import torch
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.calibration import Decision, Margins, to_margins
from faceproof.detector.heatmap import draw_heat, find_heat
from faceproof.detector.models import load_model, load_rule
from faceproof.detector.preprocessing import fit, normalise
from faceproof.detector.settings import Precision
from faceproof.errors import ModelError

_NOT_ONNX = (onnx_errors.Fail, onnx_errors.InvalidProtobuf, onnx_errors.InvalidGraph)
FULL_MODEL = "onnx/model.onnx"  # names that transformers.js looks for
INT8_MODEL = "onnx/model_quantized.onnx"


class Engine(Protocol):
    """Computes fake logit minus real logit."""

    decision: Decision

    def fit(self, picture: Pixels) -> Pixels:
        """A picture of any size, (H, W, 3) uint8 RGB, in the model's."""
        ...

    def compute_margins(self, fitted: Sequence[Pixels]) -> Margins:
        """One margin for each picture that `fit` gave, shape (N,)."""
        ...

    def draw_map(self, picture: Pixels) -> Pixels:
        """What `fit` gave and, beside it, where it speaks for fake, (side, 2 * side, 3) uint8."""
        ...


def open_engine(place: str, precision: Precision) -> Engine:
    """The engine of a model folder or Hub id.

    Raises:
        ModelError: no usable model, or no 8-bit one beside it.
    """
    if precision == "int8":
        return _Onnx(Path(place))
    return _Torch(place, torch.bfloat16 if precision == "bf16" else torch.float32)


class _Torch:
    def __init__(self, place: str, kind: torch.dtype) -> None:
        model, processor, self.decision = load_model(place)
        self._model: PreTrainedModel = model.to(kind)
        self._processor: BaseImageProcessor = processor
        self._kind = kind

    def fit(self, picture: Pixels) -> Pixels:
        return fit(picture, self._processor)

    @torch.inference_mode()
    def compute_margins(self, fitted: Sequence[Pixels]) -> Margins:
        values = normalise(fitted, self._processor).to(self._kind)
        return to_margins(self._model(pixel_values=values).logits.double().numpy())

    def draw_map(self, picture: Pixels) -> Pixels:
        return draw_heat(picture, find_heat(self._model, self._processor, picture))


class _Onnx:
    def __init__(self, folder: Path) -> None:
        path = folder / INT8_MODEL
        if not path.is_file():
            raise ModelError(f"{path} is missing; run training/export.py --model {folder} first")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # batches run side by side instead
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _NOT_ONNX as error:
            raise ModelError(f"{path} cannot be opened: {error}") from error
        self._processor, self.decision = load_rule(str(folder))

    def fit(self, picture: Pixels) -> Pixels:
        return fit(picture, self._processor)

    def compute_margins(self, fitted: Sequence[Pixels]) -> Margins:
        values = normalise(fitted, self._processor).numpy()
        # One at a time: the scale of the integers is taken over all that is given together.
        logits = [self._session.run(["logits"], {"pixel_values": one[None]})[0] for one in values]
        return to_margins(np.concatenate(logits))

    def draw_map(self, picture: Pixels) -> Pixels:
        raise ModelError("a heat map needs gradients, which 8-bit models do not have; use fp32")
