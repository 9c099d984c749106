"""What computes logits: torch in single precision or bfloat16.

Single precision gives the same score for an image whatever stands beside it, to 1e-5. In bfloat16
scores move; `make bench-predict` measures by how much.
"""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.calibration import Margins, to_margins
from faceproof.detector.heatmap import draw_heat, find_heat
from faceproof.detector.models import load_model
from faceproof.detector.preprocessing import fit, normalise
from faceproof.detector.settings import Precision


class Engine:
    """Computes fake logit minus real logit."""

    def __init__(self, place: str, precision: Precision) -> None:
        """Load the model of a folder or Hub id.

        Raises:
            ModelError: there is none that can be used.
        """
        self._kind = torch.bfloat16 if precision == "bf16" else torch.float32
        model, processor, self.decision = load_model(place)
        self._model: PreTrainedModel = model.to(self._kind)
        self._processor: BaseImageProcessor = processor

    def fit(self, picture: Pixels) -> Pixels:
        """A picture of any size, (H, W, 3) uint8 RGB, in the model's."""
        return fit(picture, self._processor)

    @torch.inference_mode()
    def compute_margins(self, fitted: Sequence[Pixels]) -> Margins:
        """One margin for each picture that `fit` gave, shape (N,)."""
        values = normalise(fitted, self._processor).to(self._kind)
        return to_margins(self._model(pixel_values=values).logits.double().numpy())

    def draw_map(self, picture: Pixels) -> Pixels:
        """What `fit` gave and, beside it, where it speaks for fake, (side, 2 * side, 3) uint8."""
        return draw_heat(picture, find_heat(self._model, self._processor, picture))
