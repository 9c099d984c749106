import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import DECISION, TINY
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    ConvNextV2Config,
    ConvNextV2ForImageClassification,
)

from faceproof.detector.models import (
    WEIGHTS,
    Architecture,
    add_model,
    load_model,
    make_model,
    read_weights,
    round_weights,
    save_model,
)
from faceproof.detector.settings import Weights
from faceproof.errors import ModelError, StorageError
from faceproof.storage import MARKER, claim_folder


def test_a_saved_model_opens_with_stock_classes_and_keeps_its_decision(model: Path) -> None:
    stock = AutoModelForImageClassification.from_pretrained(model)
    assert stock.config.id2label == {0: "real", 1: "fake"}
    assert AutoImageProcessor.from_pretrained(model, backend="pil").crop_pct == 1.0
    assert load_model(str(model))[2] == DECISION


def test_a_saved_model_holds_no_pickle(model: Path) -> None:
    names = {path.name for path in model.iterdir()}
    assert names == {MARKER, "config.json", "model.safetensors", "preprocessor_config.json"}


def test_a_model_from_config_starts_blind_to_flat_colour() -> None:
    network, _ = make_model("config", TINY)
    kernels = network.convnextv2.embeddings.patch_embeddings.weight.detach()
    assert kernels.mean(dim=(2, 3)).abs().max() < 1e-6
    assert kernels.std() == pytest.approx(0.5, rel=1e-3)


def test_saving_replaces_the_folder_and_leaves_no_other(tmp_path: Path) -> None:
    network, processor = make_model("config", TINY)
    for threshold in (0.4, 0.6):
        save_model(network, processor, replace(DECISION, threshold=threshold), tmp_path / "model")
    assert load_model(str(tmp_path / "model"))[2].threshold == 0.6
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_fine_tuning_starts_from_a_folder_with_other_classes(tmp_path: Path, model: Path) -> None:
    ten = ConvNextV2ForImageClassification(
        ConvNextV2Config(depths=[1, 1, 1, 1], hidden_sizes=[4, 8, 8, 8], num_labels=10)
    )
    ten.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        (model / "preprocessor_config.json").read_text()
    )
    network, _ = make_model(str(tmp_path), TINY)
    assert network.config.id2label == {0: "real", 1: "fake"}
    stem = "convnextv2.embeddings.patch_embeddings.weight"
    assert torch.equal(network.state_dict()[stem], ten.state_dict()[stem])


def test_a_place_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no image classifier"):
        load_model(str(tmp_path))


def test_cut_off_weights_are_refused(tmp_path: Path) -> None:
    network, processor = make_model("config", TINY)
    save_model(network, processor, DECISION, tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="holds no image classifier"):
        load_model(str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": None}, "no stored decision rule"),
        ({"decision": {"temperature": 1}}, "no stored decision rule"),
        (
            {"id2label": {"0": "fake", "1": "real"}, "label2id": {"fake": 0, "real": 1}},
            "not 0 real",
        ),
        (
            {"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}},
            "not 0 real",
        ),
    ],
)
def test_a_model_of_another_kind_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    network, processor = make_model("config", TINY)
    save_model(network, processor, DECISION, tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelError, match=message):
        load_model(str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("score", "verdict"), [(0.29, "real"), (0.3, "unsure"), (0.69, "unsure"), (0.7, "fake")]
)
def test_a_verdict_may_abstain(score: float, verdict: str) -> None:
    assert DECISION.judge(score) == verdict


def test_a_small_vision_transformer_can_be_made() -> None:
    design = Architecture((2,), (64,), stem_pixels=16, side_pixels=64, kind="vit")
    network, processor = make_model("config", design)
    assert network.config.num_attention_heads == 1
    assert network(pixel_values=torch.zeros(1, 3, 64, 64)).logits.shape == (1, 2)
    assert processor.size["height"] == 64


def test_raw_scores_get_the_verdicts_of_calibrated_ones() -> None:
    raw = DECISION.on_raw_scale()
    for margin in np.linspace(-6, 6, 25):
        calibrated, plain = 1 / (1 + np.exp(-margin / 2.0)), 1 / (1 + np.exp(-margin))
        assert raw.judge(plain) == DECISION.judge(calibrated)
        assert (plain >= raw.threshold) == (calibrated >= DECISION.threshold)


def test_half_precision_takes_half_the_room_and_is_computed_with_in_full(tmp_path: Path) -> None:
    network, processor = make_model("lite0", replace(TINY, side_pixels=64))
    rounded = round_weights(network.eval(), "fp16")
    save_model(rounded, processor, DECISION, tmp_path / "m", "fp16")
    assert (tmp_path / "m/model.safetensors").stat().st_size < 9_000_000
    stock = AutoModelForImageClassification.from_pretrained(tmp_path / "m").eval()
    assert stock.dtype == torch.float32
    assert stock.config.id2label == {0: "real", 1: "fake"}
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(stock(images).logits, rounded(images).logits, atol=1e-5)
    assert load_model(str(tmp_path / "m"))[2] == DECISION


@pytest.mark.parametrize("weights", ["fp16", "fp32"])
def test_how_weights_are_kept_is_read_from_the_file(tmp_path: Path, weights: Weights) -> None:
    network, processor = make_model("config", TINY)
    save_model(network, processor, DECISION, tmp_path / "model", weights)
    assert read_weights(tmp_path / "model") == weights
    (tmp_path / "model" / WEIGHTS).write_bytes(b"{}")
    with pytest.raises(ModelError):
        read_weights(tmp_path / "model")


def test_a_model_is_added_to_what_a_folder_of_ours_holds(tmp_path: Path) -> None:
    network, processor = make_model("config", TINY)
    folder = claim_folder(tmp_path / "run")
    (folder / "checkpoint-3").mkdir()
    for temperature in (1.0, 3.0):  # the second takes the place of the first
        decision = replace(DECISION, temperature=temperature)
        add_model(network, processor, decision, folder)
    assert load_model(str(folder))[2].temperature == 3.0
    assert (folder / "checkpoint-3").is_dir()


def test_a_model_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    network, processor = make_model("config", TINY)
    (tmp_path / "config.json").write_text('{"mine": true}')
    with pytest.raises(StorageError):
        add_model(network, processor, DECISION, tmp_path)
    assert (tmp_path / "config.json").read_text() == '{"mine": true}'
