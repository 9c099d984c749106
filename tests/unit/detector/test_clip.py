from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from faceproof.data.assets import CLIP, FOLDER
from faceproof.detector.clip import CLIP_SHA256, make_processor, open_clip
from faceproof.detector.preprocessing import to_tensor
from faceproof.detector.settings import KINDS
from faceproof.errors import DatasetError
from faceproof.storage import hash_file


def require_weights() -> Path:
    if not (FOLDER / CLIP).is_file():
        pytest.skip("CLIP's weights are not installed")
    return FOLDER / CLIP


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


def test_the_weights_are_the_ones_that_the_adapters_name() -> None:
    assert hash_file(require_weights()) == CLIP_SHA256


def test_the_tower_agrees_with_the_package_s_own_network() -> None:
    """Its own rounds activations to 8 bits as well, so the two are close and not equal."""
    session = onnxruntime.InferenceSession(str(require_weights()))
    rng = np.random.default_rng(0)
    smooth = torch.nn.functional.interpolate(
        torch.from_numpy(rng.uniform(0, 255, (1, 3, 7, 7))), size=(224, 224), mode="bicubic"
    )
    picture = smooth[0].clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)
    values = to_tensor([picture], make_processor())
    _, wanted = session.run(None, {"pixel_values": values.numpy()})
    with torch.inference_mode():
        tokens = open_clip(KINDS).vision_model(values).last_hidden_state.numpy()
    assert cosine(tokens, wanted) > 0.9
    assert cosine(tokens[0, 0], wanted[0, 0]) > 0.95


def test_fewer_blocks_are_the_first_ones() -> None:
    require_weights()
    whole, half = open_clip(KINDS), open_clip(KINDS, blocks=6)
    assert len(half.vision_model.encoder.layers) == 6
    for one, other in zip(
        whole.vision_model.encoder.layers[:6].parameters(),
        half.vision_model.encoder.layers.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_without_the_weights_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceproof.data.assets.FOLDER", tmp_path)
    with pytest.raises(DatasetError, match="make install"):
        open_clip(KINDS)
