import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from faceproof.data.images import Pixels
from faceproof.detector.backends import Engine
from faceproof.detector.calibration import to_margins
from faceproof.detector.models import load_model
from faceproof.detector.onnx_export import export
from faceproof.detector.preprocessing import to_tensor


@pytest.fixture(scope="module")
def pictures(face: Pixels) -> list[Pixels]:
    return [np.roll(face[10:102], 9 * turn, axis=1) for turn in range(5)]


def test_onnx_agrees_with_torch(model: Path, pictures: list[Pixels], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(model, tmp_path / "model"))
    session = onnxruntime.InferenceSession(str(export(copy)))
    values = to_tensor(pictures, load_model(str(copy))[1]).numpy()
    (logits,) = session.run(None, {"pixel_values": values})
    plain = to_margins(Engine(str(copy), "fp32").compute_logits(pictures))
    assert (logits[:, 1] - logits[:, 0]).tolist() == pytest.approx(plain.tolist(), abs=1e-4)


def test_faster_arithmetic_stays_near(model: Path, pictures: list[Pixels]) -> None:
    plain = to_margins(Engine(str(model), "fp32").compute_logits(pictures))
    fast = to_margins(Engine(str(model), "bf16").compute_logits(pictures))
    assert fast.tolist() == pytest.approx(plain.tolist(), abs=0.1)
    assert fast.tolist() != plain.tolist()


def test_a_heat_map_lies_beside_the_picture(model: Path, face: Pixels) -> None:
    engine = Engine(str(model), "fp32")
    assert engine.draw_map(engine.fit(face)).shape == (92, 184, 3)
