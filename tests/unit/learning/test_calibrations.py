from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.conftest import TINY

from faceproof.data.images import Pixels
from faceproof.errors import SettingsError
from faceproof.learning.calibrations import CalibrateSettings, resize_input
from faceproof.learning.models import make_model
from faceproof.learning.processors import side_of, to_tensor


@pytest.mark.parametrize("init", ["config", "lite0"])
def test_convolutions_take_another_size(init: str, face: Pixels) -> None:
    model, processor = make_model(init, TINY)
    resize_input(model, processor, 128)
    assert side_of(processor) == model.config.image_size == 128
    pixels = to_tensor([face[10:102]], processor)
    assert pixels.shape == (1, 3, 128, 128)
    assert model.eval()(pixel_values=pixels).logits.shape == (1, 2)
    own = processor(face[10:102], return_tensors="pt")["pixel_values"]
    assert torch.allclose(own, pixels, atol=1e-5)


def test_a_vit_keeps_its_size() -> None:
    vit = replace(TINY, kind="vit", depths=(1,), hidden_sizes=(64,), stem_pixels=23)
    with pytest.raises(SettingsError, match="vit takes the size"):
        resize_input(*make_model("config", vit), 128)


@pytest.mark.parametrize(("field", "value"), [("error_rate", 0.5), ("side_pixels", -1)])
def test_values_that_make_no_run_are_refused(tmp_path: Path, field: str, value: float) -> None:
    with pytest.raises(SettingsError, match=field):
        CalibrateSettings(*[tmp_path] * 5, **{field: value})  # type: ignore[arg-type]
