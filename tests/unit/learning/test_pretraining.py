from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import TINY

from faceproof.audit.classifiers import open_classifier
from faceproof.errors import ModelError, SettingsError
from faceproof.learning.augmentation import RECIPES
from faceproof.learning.models import Seen, load_model, make_model, save_backbone
from faceproof.learning.pools import Pool
from faceproof.learning.pretraining import Faces, PretrainSettings, measure, pretrain

SIDE = 96
DESIGN = replace(TINY, side_pixels=SIDE)


def make_settings(folder: Path, **others: object) -> PretrainSettings:
    places = ("dataset", "output", "work", "cache", "results", "history")
    words: dict[str, Any] = {
        **{name: folder / name for name in places},
        "depths": list(DESIGN.depths),
        "hidden_sizes": list(DESIGN.hidden_sizes),
        "side_pixels": SIDE,
        "batch": 4,
        **others,
    }
    return PretrainSettings(**words)


def test_an_image_is_drawn_anew_each_epoch_and_alike_for_one_seed(pool: Pool) -> None:
    processor = make_model("config", DESIGN)[1]
    rows = pool.rows_without(None)
    faces = Faces(rows, pool.images, processor, RECIPES["wild"], 7)
    first = faces[3]["pixel_values"]
    assert first.shape == (1, 3, SIDE, SIDE)
    assert torch.equal(first, faces[3]["pixel_values"])
    faces.set_epoch(1)
    assert not torch.equal(first, faces[3]["pixel_values"])
    assert set(faces[3]) == {"pixel_values"}


def test_what_was_pretrained_is_fine_tuned_and_does_not_judge(pool: Pool, tmp_path: Path) -> None:
    run = make_settings(tmp_path, epochs=1, leave_out="dcgan")
    done = pretrain(run, pool)
    assert done.facts["images"] == 12  # of four photos a face of nobody each is left out
    measured = measure(done, pool, run)
    assert all(one.n == 12 and one.low <= one.value <= one.high for one in measured.values())

    learned = done.model.base_model.state_dict()
    save_backbone(done.model, done.processor, Seen(pool.fingerprint, "dcgan"), run.output)
    place = str(run.output)
    with pytest.raises(ModelError, match="LABEL_0"):
        load_model(place)
    with pytest.raises(ModelError, match="LABEL_0"):
        open_classifier(place)
    first, second = (make_model(place, DESIGN)[0] for _ in range(2))
    assert first.config.id2label == {0: "real", 1: "fake"}
    assert not torch.equal(first.classifier.weight, second.classifier.weight)  # a fresh head
    assert float(first.classifier.weight.detach().abs().max()) < 0.1  # and a small one
    kept = first.base_model.state_dict()
    assert all(torch.equal(kept[name], learned[name]) for name in learned)


def test_nothing_to_learn_from_is_refused(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="without here there are no images"):
        pretrain(make_settings(tmp_path, leave_out="here"), pool)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"depths": [1, 1]}, "depths and hidden_sizes"),
        ({"kind": "vit"}, "a vit has one"),
        ({"side_pixels": 32}, "64 or more"),
    ],
    ids=str,
)
def test_values_that_make_no_run_are_refused(
    tmp_path: Path, words: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        make_settings(tmp_path, **words)
