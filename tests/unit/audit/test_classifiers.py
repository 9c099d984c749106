from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    ConvNextImageProcessorPil,
    ConvNextV2Config,
    ConvNextV2ForImageClassification,
)

from faceproof.audit.classifiers import Classifier, open_classifier
from faceproof.data.images import Pixels
from faceproof.errors import ModelError


def save_foreign(folder: Path, labels: list[str]) -> ConvNextV2ForImageClassification:
    """A model of others: other labels, other size, no stored decision."""
    torch.manual_seed(3)
    config = ConvNextV2Config(
        num_stages=2, depths=[1, 1], hidden_sizes=[4, 8], image_size=48, num_labels=len(labels),
        id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)},
        initializer_range=0.5,
    )  # fmt: skip
    model = ConvNextV2ForImageClassification(config).eval()
    model.save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 48}, crop_pct=1.0).save_pretrained(folder)
    return model


@pytest.mark.parametrize(
    ("labels", "fakes"),
    [
        (["Fake", "Real"], [0]),
        (["realism", "deepfake"], [1]),
        (["human", "ai-generated"], [1]),
        (["Real", "Swap", "Morph"], [1, 2]),
        (["real", "deepfake", "diffusion"], [1, 2]),
    ],
)
def test_other_labels_are_understood(
    tmp_path: Path, face: Pixels, labels: list[str], fakes: list[int]
) -> None:
    model = save_foreign(tmp_path, labels)
    classifier = open_classifier(str(tmp_path))
    assert classifier.decision is None
    with torch.inference_mode():
        logits = model(pixel_values=classifier.prepare([face])).logits[0].double()
    share = torch.softmax(logits, 0)[fakes].sum().item()
    margin = classifier.score([face])[0]
    assert 1 / (1 + np.exp(-margin)) == pytest.approx(share, abs=1e-6)


def test_labels_that_say_nothing_ask_for_a_name(tmp_path: Path, face: Pixels) -> None:
    save_foreign(tmp_path, ["LABEL_0", "LABEL_1"])
    with pytest.raises(ModelError, match="--fake_label"):
        open_classifier(str(tmp_path))
    one, other = (
        open_classifier(str(tmp_path), name).score([face]) for name in ("label_0", "LABEL_1")
    )
    assert one == -other


def test_one_logit_speaks_for_its_label(tmp_path: Path, face: Pixels) -> None:
    save_foreign(tmp_path / "a", ["fake"])
    save_foreign(tmp_path / "b", ["real"])
    assert (
        open_classifier(str(tmp_path / "a")).score([face])
        == -open_classifier(str(tmp_path / "b")).score([face])
    ).all()


def test_a_name_that_is_not_there_is_refused(tmp_path: Path) -> None:
    save_foreign(tmp_path, ["real"])
    with pytest.raises(ModelError, match="not fake"):
        open_classifier(str(tmp_path), "fake")


def test_half_precision_weights_are_scored_in_single(tmp_path: Path, face: Pixels) -> None:
    model = save_foreign(tmp_path, ["real", "fake"])
    model.half().save_pretrained(tmp_path)
    assert np.isfinite(open_classifier(str(tmp_path)).score([face])).all()


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_classifier(str(tmp_path))


def test_our_own_model_brings_its_decision(model: Path) -> None:
    found = open_classifier(str(model)).decision
    assert found is not None
    assert found.temperature == 2.0


def test_heat_lies_where_the_margin_comes_from(face: Pixels) -> None:
    """A classifier that looks at one corner only."""
    looks = Classifier(
        "corner",
        lambda pictures: torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float(),
        lambda values: values[:, :, :14, :14].mean(dim=(1, 2, 3)),
    )
    bright = face.copy()
    bright[:14, :14] = 255
    heat = looks.find_heat(bright)
    assert heat.shape == face.shape[:2]
    assert heat[:20, :20].sum() > 0.8 * heat.sum()


def test_scores_do_not_depend_on_neighbours(model: Path, face: Pixels) -> None:
    classifier = open_classifier(str(model))
    pictures = [np.roll(face, number, axis=1) for number in range(20)]
    together = classifier.score(iter(pictures))
    alone = np.concatenate([classifier.score([one]) for one in pictures])
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(classifier.score([])) == 0
