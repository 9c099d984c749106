"""The released detectors: stock classes load them, they abstain, they tell fakes apart."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from tests.conftest import REPOSITORY, run_script
from tests.unit.detector.test_clip import require_weights
from transformers import AutoModelForImageClassification, pipeline

from faceproof.data.assets import CLIP
from faceproof.data.images import Pixels
from faceproof.detector import onnx_export
from faceproof.detector.calibration import to_scores
from faceproof.detector.models import load_model
from faceproof.detector.predict import Detector
from faceproof.detector.preprocessing import side_of, to_tensor
from faceproof.detector.publishing import copy_model
from faceproof.detector.released import find_released, read_stored
from faceproof.detector.settings import KINDS
from faceproof.errors import ModelError
from faceproof.metrics import auroc

ADAPTERS = REPOSITORY / "training/released"
SMALL = REPOSITORY / "training/released_small"
FACES = REPOSITORY.parent / "shared/faces"
_EACH = 40


@pytest.fixture(scope="module")
def large() -> Path:
    """The released detector, put together from its adapters and the installed base."""
    require_weights()
    return find_released()


def test_git_holds_what_was_trained_and_not_its_base() -> None:
    files = {path.name: path.stat().st_size for path in ADAPTERS.iterdir()}
    assert set(files) == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "decision.json"
    }  # fmt: skip
    assert sum(files.values()) < 15_000_000
    files = {path.name: path.stat().st_size for path in SMALL.iterdir()}
    assert set(files) == {
        "README.md", "config.json", "model.safetensors", "preprocessor_config.json"
    }  # fmt: skip
    assert sum(files.values()) < 15_000_000


def test_stock_classes_open_them(large: Path) -> None:
    for folder in (large, SMALL):
        model = AutoModelForImageClassification.from_pretrained(folder)
        assert model.dtype == torch.float32
        assert model.config.id2label == dict(enumerate(KINDS))


def test_it_is_put_together_once(large: Path) -> None:
    written = (large / "model.safetensors").stat().st_mtime_ns
    assert find_released() == large
    assert (large / "model.safetensors").stat().st_mtime_ns == written


def test_without_its_base_the_small_network_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("faceproof.detector.released.FOLDER", tmp_path)
    assert find_released() == SMALL
    assert "the small detector is used" in caplog.text


@pytest.mark.parametrize("there", ["notes.txt", "config.json"])
def test_another_folder_in_its_place_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    require_weights()
    (tmp_path / there).write_text("{}")
    monkeypatch.setattr("faceproof.detector.released.MERGED", tmp_path)
    with pytest.raises(ModelError, match="move it"):
        find_released()
    assert [one.name for one in tmp_path.iterdir()] == [there]


def test_another_base_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / CLIP
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another network")
    monkeypatch.setattr("faceproof.detector.released.FOLDER", tmp_path)
    with pytest.raises(ModelError, match="not what"):
        read_stored(ADAPTERS)


def test_the_large_one_says_what_the_stock_pipeline_says(large: Path, face: Pixels) -> None:
    square = face[10:102]
    stock = pipeline("image-classification", model=str(large))
    said = {one["label"]: one["score"] for one in stock(Image.fromarray(square))}
    detector = Detector(str(large), is_aligned=False, is_calibrated=False)
    assert detector.score([square])[0] == pytest.approx(1 - said["real"], abs=1e-3)


def test_the_stock_pipeline_says_the_same(face: Pixels) -> None:
    square = face[10:102]
    stock = pipeline("image-classification", model=str(SMALL))
    said = {one["label"]: one["score"] for one in stock(Image.fromarray(square))}
    detector = Detector(str(SMALL), is_aligned=False, is_calibrated=False)
    assert detector.score([square])[0] == pytest.approx(1 - said["real"], abs=1e-4)


def test_it_is_measured_on_a_dataset_by_the_sources_asked_for(
    tmp_path: Path, dataset: Path
) -> None:
    words = [
        "training/measure_model.py", "--model", str(SMALL), "--dataset", str(dataset),
        "--cache", str(dataset.parent / "pixels"), "--results", str(tmp_path / "measured.json"),
        "--splits", "validation",
    ]  # fmt: skip
    refused = run_script(*words, "--sources", "moon")
    assert refused.stderr.endswith("the dataset holds orl\n"), refused.stderr
    assert "not rain" in run_script(*words, "--stresses", "rain").stderr
    done = run_script(*words, "--sources", "orl", "--stresses", "cropped")
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "measured.json").read_text())["values"]
    assert {"validation_auroc", "validation_auroc_swap", "validation_false_alarms"} <= set(values)
    assert values["validation_cropped_auroc"] != values["validation_auroc"]
    assert not [name for name in values if name.startswith("test_")]


def test_it_is_calibrated_again_for_other_images_and_larger_inputs(
    tmp_path: Path, dataset: Path
) -> None:
    done = run_script(
        "training/calibrate.py", "--model", str(SMALL), "--dataset", str(dataset),
        "--cache", str(dataset.parent / "pixels"), "--output", str(tmp_path / "model"),
        "--results", str(tmp_path / "calibrated.json"), "--side_pixels", "96",
        "--error_rate", "0.1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "calibrated.json").read_text())
    assert not [name for name in result["values"] if name.startswith("test_")]
    model, processor, decision = load_model(str(tmp_path / "model"))
    released = load_model(str(SMALL))
    assert side_of(processor) == model.config.image_size == 96
    assert decision.fake_from == pytest.approx(result["values"]["fake_from"], abs=1e-6)
    assert decision.error_rate == 0.1
    assert decision.temperature != released[2].temperature
    for name, weights in released[0].state_dict().items():
        assert torch.equal(model.state_dict()[name], weights)
    assert (tmp_path / "model/model.safetensors").stat().st_size < 9_000_000  # half precision still


def test_it_is_the_default_and_may_be_unsure(tmp_path: Path, face: Pixels) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(face).save(photos / "face.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    done = run_script(
        "training/predict.py", "--input", str(photos), "--output", str(tmp_path / "out/p.csv")
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out/p.csv").open() as source:
        rows = {row["image"]: row for row in csv.DictReader(source)}
    assert rows["broken.jpg"]["score"] == ""
    assert rows["broken.jpg"]["reason"]
    assert 0 <= float(rows["face.png"]["score"]) <= 1
    assert rows["face.png"]["label"] in ("real", "fake", "unsure")


def test_its_decision_leaves_room_for_doubt() -> None:
    _, _, decision = load_model(str(SMALL))
    assert decision.real_below <= decision.fake_from
    assert to_scores(np.zeros(1), decision.temperature)[0] == 0.5


def test_its_card_says_what_it_learned_from() -> None:
    card = (ADAPTERS / "README.md").read_text()
    assert card == (REPOSITORY / "hub_card.md").read_text()
    assert "never saw a label" in (SMALL / "README.md").read_text()
    for words in ("FFHQ", "StyleGAN", "Congress", "non-commercial", "cannot judge", "kWh"):
        assert words in card
    assert not re.search(r"\{\{ | \}\}", card)


def test_its_onnx_form_gives_the_same_logits(tmp_path: Path, face: Pixels) -> None:
    folder = copy_model(SMALL, tmp_path / "model")
    whole = onnx_export.export(folder)
    network, processor, _ = load_model(str(folder))
    values = to_tensor([face[10:102], face[:92]], processor)
    with torch.inference_mode():
        expected = network(pixel_values=values).logits.numpy()
    session = onnxruntime.InferenceSession(str(whole), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"pixel_values": values.numpy()})
    assert np.abs(logits - expected).max() <= 1e-4


@pytest.mark.skipif(not FACES.is_dir(), reason="needs the development faces in ../shared")
@pytest.mark.parametrize("which", ["large", "small"])
def test_they_tell_generated_faces_from_web_photos(which: str, large: Path) -> None:
    """Most of these they were trained on: this asks whether the files in git are the networks."""
    folders = (FACES / "sg1_ffhq/real", FACES / "sg1_ffhq/fake")
    each = 12 if which == "large" else _EACH
    pictures = [
        np.asarray(Image.open(path).convert("RGB"))
        for folder in folders
        for path in sorted(folder.iterdir())[:each]
    ]
    place = large if which == "large" else SMALL
    scores = Detector(str(place), is_aligned=False).score(pictures)
    assert auroc(np.repeat([0, 1], each), scores) > 0.85
