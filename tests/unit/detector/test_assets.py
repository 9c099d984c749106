import pytest
import torch
from sklearn.datasets import load_sample_images

from faceproof.detector import assets
from faceproof.detector.assets import open_lite0
from faceproof.detector.preprocessing import to_tensor
from faceproof.errors import DatasetError

PALACES = {442, 663, 698}  # ImageNet: bell cote, monastery, palace


def test_lite0_sees_a_chinese_temple_in_a_photo_of_one() -> None:
    model, processor = open_lite0(224)
    china = load_sample_images().images[0]
    with torch.inference_mode():
        logits = model(pixel_values=to_tensor([china[:427, :427]], processor)).logits
    assert set(logits.topk(3).indices[0].tolist()) == PALACES


def test_the_gates_that_lite0_does_not_have_are_open() -> None:
    model, _ = open_lite0(64)
    gate = model.efficientnet.encoder.blocks[3].squeeze_excite
    features = torch.randn(2, gate.reduce.in_channels, 5, 5)
    with torch.inference_mode():
        assert torch.allclose(gate(features), features)


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "LITE0", "no/such/weights.pth")
    with pytest.raises(DatasetError, match="make install"):
        open_lite0(64)
