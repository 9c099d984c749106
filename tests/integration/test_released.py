"""The released detector: stock classes load what is in git, it abstains, it tells fakes apart."""

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
from transformers import AutoModelForImageClassification, pipeline

from faceproof.data.images import Pixels
from faceproof.detector import onnx_export
from faceproof.detector.calibration import to_scores
from faceproof.detector.models import load_model
from faceproof.detector.predict import Detector
from faceproof.detector.preprocessing import side_of, to_tensor
from faceproof.detector.publishing import copy_model
from faceproof.metrics import auroc

RELEASED = REPOSITORY / "training/released"
FACES = REPOSITORY.parent / "shared/faces"
_EACH = 40


def test_it_is_small_and_needs_no_code_of_ours() -> None:
    files = {path.name: path.stat().st_size for path in RELEASED.iterdir()}
    assert set(files) == {
        "README.md", "config.json", "model.safetensors", "preprocessor_config.json"
    }  # fmt: skip
    assert sum(files.values()) < 15_000_000
    model = AutoModelForImageClassification.from_pretrained(RELEASED)
    assert model.dtype == torch.float32
    assert model.config.id2label == {0: "real", 1: "fake"}


def test_the_stock_pipeline_says_the_same(face: Pixels) -> None:
    square = face[10:102]
    stock = pipeline("image-classification", model=str(RELEASED))
    said = {one["label"]: one["score"] for one in stock(Image.fromarray(square))}
    detector = Detector(str(RELEASED), is_aligned=False, is_calibrated=False)
    assert detector.score([square])[0] == pytest.approx(said["fake"], abs=1e-4)


def test_it_is_measured_on_a_dataset_by_the_sources_asked_for(
    tmp_path: Path, dataset: Path
) -> None:
    words = [
        "training/measure_model.py", "--model", str(RELEASED), "--dataset", str(dataset),
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
        "training/calibrate.py", "--model", str(RELEASED), "--dataset", str(dataset),
        "--cache", str(dataset.parent / "pixels"), "--output", str(tmp_path / "model"),
        "--results", str(tmp_path / "calibrated.json"), "--side_pixels", "96",
        "--error_rate", "0.1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "calibrated.json").read_text())
    assert not [name for name in result["values"] if name.startswith("test_")]
    model, processor, decision = load_model(str(tmp_path / "model"))
    released = load_model(str(RELEASED))
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
    _, _, decision = load_model(str(RELEASED))
    assert decision.real_below <= decision.fake_from
    assert to_scores(np.zeros(1), decision.temperature)[0] == 0.5


def test_its_card_says_what_it_learned_from() -> None:
    card = (RELEASED / "README.md").read_text()
    assert card == (REPOSITORY / "hub_card.md").read_text()
    for words in ("FFHQ", "StyleGAN", "Congress", "non-commercial", "cannot judge", "kWh"):
        assert words in card
    assert not re.search(r"\{\{ | \}\}", card)


def test_its_onnx_form_gives_the_same_logits(tmp_path: Path, face: Pixels) -> None:
    folder = copy_model(RELEASED, tmp_path / "model")
    whole = onnx_export.export(folder)
    network, processor, _ = load_model(str(folder))
    values = to_tensor([face[10:102], face[:92]], processor)
    with torch.inference_mode():
        expected = network(pixel_values=values).logits.numpy()
    session = onnxruntime.InferenceSession(str(whole), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"pixel_values": values.numpy()})
    assert np.abs(logits - expected).max() <= 1e-4


@pytest.mark.skipif(not FACES.is_dir(), reason="needs the development faces in ../shared")
def test_it_tells_generated_faces_from_web_photos() -> None:
    """Most of these it was trained on: this asks whether the files in git are the network."""
    folders = (FACES / "sg1_ffhq/real", FACES / "sg1_ffhq/fake")
    pictures = [
        np.asarray(Image.open(path).convert("RGB"))
        for folder in folders
        for path in sorted(folder.iterdir())[:_EACH]
    ]
    scores = Detector(str(RELEASED), is_aligned=False).score(pictures)
    assert auroc(np.repeat([0, 1], _EACH), scores) > 0.75
