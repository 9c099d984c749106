from types import SimpleNamespace

import pytest
import torch
from tests.conftest import TINY

from faceproof.detector.assets import open_lite0
from faceproof.detector.heatmap import to_map
from faceproof.detector.models import Architecture, make_model
from faceproof.training.batches import IGNORED
from faceproof.training.mask_head import Accompany, Supervised

PIXELS = torch.linspace(-2, 2, 4 * 3 * 92 * 92).reshape(4, 3, 92, 92)
LABELS = torch.tensor([0, 1, 0, IGNORED])
MASKS = torch.zeros(4, 92, 92)


def test_training_adds_the_mask_loss_by_its_weight() -> None:
    torch.manual_seed(0)
    model = make_model("config", TINY)[0]
    heavy, without = Supervised(model, 92, 2.0, 0.9), Supervised(model, 92, 0.0, 0.9)
    with torch.no_grad():  # a head of zeros says one half everywhere: its loss is ln 2
        for weights in heavy.mask_head.parameters():
            weights.zero_()
        plain = without(PIXELS, LABELS, MASKS)["loss"]
        both = heavy(PIXELS, LABELS, MASKS)["loss"]
    assert float(both - plain) == pytest.approx(2 * 0.693147, abs=1e-4)
    assert not hasattr(without, "mask_head")


def test_ignored_images_have_no_part_in_the_loss() -> None:
    model = make_model("config", TINY)[0]
    one = Supervised(model, 92, 0.0, 0.0)
    with torch.no_grad():
        with_four = one(PIXELS, LABELS)["loss"]
        with_three = one(PIXELS[:3], LABELS[:3])["loss"]
    assert float(with_four) == pytest.approx(float(with_three), abs=1e-5)


def test_the_mean_follows_and_is_what_is_evaluated_and_kept() -> None:
    model = make_model("config", TINY)[0]
    supervised = Supervised(model, 92, 0.0, decay=0.75)
    supervised.follow()
    before = supervised.trained.classifier.bias.clone()
    with torch.no_grad():
        model.classifier.bias += 4.0
    supervised.follow()
    assert torch.allclose(supervised.trained.classifier.bias, before + 1.0)
    supervised.eval()
    kept = supervised.trained(pixel_values=PIXELS).logits
    assert torch.equal(supervised(PIXELS)["logits"], kept)
    supervised.train()
    assert not torch.equal(supervised(PIXELS)["logits"], kept)


def test_only_the_live_weights_learn() -> None:
    supervised = Supervised(make_model("config", TINY)[0], 92, 1.0, 0.9)
    learning = {
        name.split(".")[0] for name, one in supervised.named_parameters() if one.requires_grad
    }
    assert learning == {"model", "mask_head"}


def test_tokens_become_a_map_without_the_first() -> None:
    tokens = torch.arange(2 * 10 * 5.0).reshape(2, 10, 5)
    places = to_map(tokens)
    assert places.shape == (2, 5, 3, 3)
    assert torch.equal(places[0, :, 0, 1], tokens[0, 2])
    assert to_map(places) is places


def test_a_vision_transformer_is_supervised_alike() -> None:
    design = Architecture((2,), (64,), stem_pixels=16, side_pixels=64, kind="vit")
    supervised = Supervised(make_model("config", design)[0], 64, 1.0, 0.9)
    loss = supervised(PIXELS[..., :64, :64], LABELS, MASKS[:, :64, :64])["loss"]
    loss.backward()
    assert supervised.mask_head.weight.grad is not None


class Told:
    """Photos that remember which epochs they were told."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def test_the_photos_are_told_the_epoch_also_after_a_stop() -> None:
    told = Told()
    supervised = Supervised(make_model("config", TINY)[0], 92, 0.0, 0.9)
    companion = Accompany(told, supervised)
    for epoch in (None, 1.0, 1.9999999, 2.5):
        companion.on_epoch_begin(None, SimpleNamespace(epoch=epoch), None)
    assert told.epochs == [0, 1, 2, 2]


def test_a_backbone_with_other_channels_than_its_head_is_measured() -> None:
    model, _ = open_lite0(64)
    supervised = Supervised(model, 64, 1.0, 0.9)
    assert supervised.mask_head.in_channels == 320
    assert model.training is False


def test_a_batch_of_padding_alone_teaches_nothing_and_breaks_nothing() -> None:
    model = Supervised(make_model("config", TINY)[0], 92, 0.0, 0.9)
    found = model(PIXELS, torch.full((4,), IGNORED))
    assert found["loss"] == 0
    found["loss"].backward()
    assert all(torch.isfinite(one.grad).all() for one in model.parameters() if one.grad is not None)


def test_a_pretrained_network_keeps_its_statistics() -> None:
    model = make_model("lite0", Architecture((1,), (1,), 4, 64))[0]
    supervised = Supervised(model, 64, 0.0, 0.9).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    assert any("running_mean" in name for name in before)
    supervised(PIXELS[:, :, :64, :64], LABELS, MASKS)["loss"].backward()
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())
    assert model.classifier.weight.grad is not None
