from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import DECISION, TINY

from faceproof.data.images import Pixels
from faceproof.detector.models import WEIGHTS, make_model, read_weights, save_model
from faceproof.detector.preprocessing import side_of, to_tensor
from faceproof.detector.settings import Weights
from faceproof.errors import ModelError, SettingsError
from faceproof.training.recalibration import resize_input
from faceproof.training.settings import CalibrateSettings


def make_settings(folder: Path, **others: float) -> CalibrateSettings:
    words: dict[str, Any] = {name: folder / name for name in ("model", "output", "results")}
    return CalibrateSettings(**words, dataset=folder, cache=folder, **others)  # type: ignore[arg-type]


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
    with pytest.raises(SettingsError, match="a vit keeps its own"):
        resize_input(*make_model("config", vit), 128)


def test_a_processor_that_cuts_out_the_middle_keeps_its_size() -> None:
    model, processor = make_model("lite0", TINY)
    processor.do_center_crop = True
    with pytest.raises(SettingsError, match="cuts out the middle"):
        resize_input(model, processor, 128)


@pytest.mark.parametrize(("field", "value"), [("error_rate", 0.5), ("side_pixels", -1)])
def test_values_that_make_no_run_are_refused(tmp_path: Path, field: str, value: float) -> None:
    with pytest.raises(SettingsError, match=field):
        make_settings(tmp_path, **{field: value})


def test_the_model_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="output is the model itself"):
        replace(make_settings(tmp_path), output=tmp_path / "x" / ".." / "model")


@pytest.mark.parametrize("weights", ["fp16", "fp32"])
def test_how_weights_are_kept_is_read_from_the_file(tmp_path: Path, weights: Weights) -> None:
    network, processor = make_model("config", TINY)
    save_model(network, processor, DECISION, tmp_path / "model", weights)
    assert read_weights(tmp_path / "model") == weights
    (tmp_path / "model" / WEIGHTS).write_bytes(b"{}")
    with pytest.raises(ModelError):
        read_weights(tmp_path / "model")
