import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from faceproof.data.images import Pixels
from faceproof.detector.backends import INT8_MODEL, open_engine
from faceproof.detector.models import load_rule
from faceproof.detector.onnx_export import export
from faceproof.detector.preprocessing import to_tensor
from faceproof.errors import ModelError


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("exported") / "model"
    shutil.copytree(model, copy)
    export(copy)
    return copy


@pytest.fixture(scope="module")
def pictures(face: Pixels) -> list[Pixels]:
    return [np.roll(face[10:102], 9 * turn, axis=1) for turn in range(5)]


def test_onnx_agrees_with_torch(exported: Path, pictures: list[Pixels]) -> None:
    plain = open_engine(str(exported), "fp32").compute_margins(pictures)
    session = onnxruntime.InferenceSession(str(exported / "onnx" / "model.onnx"))
    values = to_tensor(pictures, load_rule(str(exported))[0]).numpy()
    (logits,) = session.run(None, {"pixel_values": values})
    assert (logits[:, 1] - logits[:, 0]).tolist() == pytest.approx(plain.tolist(), abs=1e-4)


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.1), ("int8", 0.1)])
def test_faster_arithmetic_stays_near(
    exported: Path, pictures: list[Pixels], precision: str, tolerance: float
) -> None:
    plain = open_engine(str(exported), "fp32").compute_margins(pictures)
    fast = open_engine(str(exported), precision).compute_margins(pictures)  # type: ignore[arg-type]  # a plain string
    assert fast.tolist() == pytest.approx(plain.tolist(), abs=tolerance)


def test_heat_maps_need_gradients(exported: Path, face: Pixels) -> None:
    engine = open_engine(str(exported), "fp32")
    assert engine.draw_map(engine.fit(face)).shape == (92, 184, 3)
    with pytest.raises(ModelError, match="fp32"):
        open_engine(str(exported), "int8").draw_map(face)


def test_a_model_that_was_not_exported_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"training/export\.py"):
        open_engine(str(tmp_path), "int8")


def test_a_damaged_onnx_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / INT8_MODEL).parent.mkdir()
    (tmp_path / INT8_MODEL).write_bytes(b"not onnx")
    with pytest.raises(ModelError, match="cannot be opened"):
        open_engine(str(tmp_path), "int8")
