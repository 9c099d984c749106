"""What computes logits: torch in single precision or bfloat16.

Single precision gives the same score for an image whatever stands beside it, to 1e-5. In bfloat16
scores move; `make bench-predict` measures by how much.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.heatmap import draw_heat, find_heat
from faceproof.detector.models import cast, load_model
from faceproof.detector.preprocessing import fit, normalise
from faceproof.detector.settings import Precision


class Engine:
    """Computes logits."""

    def __init__(self, place: str, precision: Precision) -> None:
        """Load the model of a folder or Hub id.

        Raises:
            ModelError: there is none that can be used.
        """
        model, processor, self.decision = load_model(place)
        self._model: PreTrainedModel = cast(model, precision)
        self._processor: BaseImageProcessor = processor

    def fit(self, picture: Pixels) -> Pixels:
        """A picture of any size, (H, W, 3) uint8 RGB, in the model's."""
        return fit(picture, self._processor)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the kinds of fake that the model tells apart; empty where it knows but one."""
        names = self._model.config.id2label
        return tuple(names[code] for code in range(1, len(names))) if len(names) > 2 else ()

    @torch.inference_mode()
    def compute_logits(self, fitted: Sequence[Pixels]) -> NDArray[np.float64]:
        """Logits of each picture that `fit` gave, (N, labels), the first label real."""
        values = normalise(fitted, self._processor).to(self._model.dtype)
        logits: NDArray[np.float64] = self._model(pixel_values=values).logits.double().numpy()
        return logits

    def draw_map(self, picture: Pixels) -> Pixels:
        """What `fit` gave and, beside it, where it speaks for fake, (side, 2 * side, 3) uint8."""
        return draw_heat(picture, find_heat(self._model, self._processor, picture))
