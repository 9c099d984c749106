from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import TINY
from transformers import EfficientNetImageProcessorPil, ViTImageProcessorPil
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.models import make_model
from faceproof.detector.preprocessing import resize_input, side_of, to_tensor
from faceproof.errors import SettingsError

PROCESSORS = {
    "convnext": make_model("config", TINY)[1],
    "convnext that cuts": type(make_model("config", TINY)[1])(size={"shortest_edge": 64}),
    "vit": ViTImageProcessorPil(size={"height": 48, "width": 48}),
    "efficientnet": EfficientNetImageProcessorPil(size={"height": 64, "width": 64}),
    "centre crop": ViTImageProcessorPil(
        size={"shortest_edge": 70}, do_center_crop=True, crop_size={"height": 64, "width": 64}
    ),
    "unscaled": ViTImageProcessorPil(size={"height": 48, "width": 48}, do_normalize=False),
    "no single size": ViTImageProcessorPil(size={"max_height": 64, "max_width": 64}),
}


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("height", [92, 64, 120, 200])
def test_tensors_are_those_of_the_processor(name: str, height: int, face: Pixels) -> None:
    processor = PROCESSORS[name]
    picture = np.ascontiguousarray(np.resize(face, (height, 92, 3)))
    expected = processor(images=picture, return_tensors="pt")["pixel_values"]
    assert torch.allclose(to_tensor([picture], processor), expected, atol=1e-5)


def test_a_side_of_ones_own_goes_first(face: Pixels) -> None:
    values = to_tensor([face[:60, :60], face[:60, 10:70]], PROCESSORS["convnext"], 60)
    assert values.shape == (2, 3, 60, 60)


@pytest.mark.parametrize(("name", "side"), [("convnext", 92), ("vit", 48), ("centre crop", 64)])
def test_the_side_is_what_the_model_sees(name: str, side: int) -> None:
    assert side_of(PROCESSORS[name]) == side


def test_a_face_of_native_size_is_only_normalised(face: Pixels) -> None:
    processor: BaseImageProcessor = PROCESSORS["convnext"]
    square = face[10:102].copy()
    mean, deviation = torch.tensor(processor.image_mean), torch.tensor(processor.image_std)
    expected = (torch.from_numpy(square).float() / 255 - mean) / deviation
    assert torch.allclose(to_tensor([square], processor)[0].permute(1, 2, 0), expected, atol=1e-5)


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
