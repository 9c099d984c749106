from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import TINY

from faceproof.errors import SettingsError
from faceproof.learning.augmentation import RECIPES
from faceproof.learning.backbones import open_lite0
from faceproof.learning.models import make_model, open_any, save_model
from faceproof.learning.pools import Pool
from faceproof.learning.pretraining import (
    Distilled,
    Faces,
    PretrainSettings,
    measure_unexplained,
    pretrain,
)
from faceproof.learning.processors import side_of, to_tensor

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


def list_layers(distilled: Distilled) -> list[Any]:
    """Of each size the linear map and the standardisation."""
    return list(zip(distilled.heads, distilled.scales, strict=True))


def test_a_network_that_gives_what_the_teacher_sees_leaves_nothing_unexplained(pool: Pool) -> None:
    model, processor = open_lite0(SIDE)
    distilled = Distilled(model, processor, *open_lite0(SIDE)).train()
    distilled.student.eval()
    pixels = to_tensor([pool.images.image(row) for row in range(4)], processor)
    layers = list_layers(distilled)
    with torch.no_grad():
        distilled(pixels)
        for head, scale in layers:  # the teacher's own maps, standardised by hand
            deviation = (scale.running_var + scale.eps).sqrt()
            head.weight.copy_(torch.diag(1 / deviation)[..., None, None])
            head.bias.copy_(-scale.running_mean / deviation)
        assert float(distilled.eval()(pixels)["loss"]) == pytest.approx(0.0, abs=1e-6)


def test_to_begin_with_the_mean_is_given_and_everything_unexplained(pool: Pool) -> None:
    model, processor = make_model("config", DESIGN)
    distilled = Distilled(model, processor, *open_lite0(SIDE)).train()
    pixels = to_tensor([pool.images.image(row) for row in range(16)], processor)
    with torch.no_grad():
        found = distilled(pixels)
    assert found["unexplained"].shape == (16, 4)
    # Channels that do not vary, as after a clipped activation, have no variance to explain.
    assert 0.8 < float(found["loss"]) <= 1.0


def test_the_teacher_sees_what_its_own_processor_would_give(pool: Pool) -> None:
    model, processor = make_model("config", DESIGN)
    teacher, its_own = open_lite0(SIDE)
    distilled = Distilled(model, processor, teacher, its_own)
    picture = np.ascontiguousarray(pool.images.image(0)[:SIDE, :SIDE])
    ours, theirs = (to_tensor([picture], one, picture.shape[0]) for one in (processor, its_own))
    assert torch.allclose(ours * distilled.gain + distilled.shift, theirs, atol=1e-5)


def test_the_teacher_does_not_learn(pool: Pool) -> None:
    model, processor = make_model("config", DESIGN)
    distilled = Distilled(model, processor, *open_lite0(SIDE)).train()
    assert not any(one.requires_grad for one in distilled.teacher.parameters())
    assert not any(one.training for one in distilled.teacher.modules())
    distilled(to_tensor([pool.images.image(0), pool.images.image(1)], processor))["loss"].backward()
    assert all(float(head.weight.grad.abs().sum()) > 0 for head, _ in list_layers(distilled))


def test_a_vit_learns_from_the_map_of_its_tokens() -> None:
    vit = replace(DESIGN, kind="vit", depths=(1,), hidden_sizes=(64,), stem_pixels=16)
    distilled = Distilled(*make_model("config", vit), *open_lite0(SIDE))
    assert distilled.sides == [SIDE // 16]


def test_networks_without_maps_of_one_size_are_refused() -> None:
    vit = replace(DESIGN, kind="vit", depths=(1,), hidden_sizes=(64,), stem_pixels=19)
    with pytest.raises(SettingsError, match=r"sides \[5\]"):
        Distilled(*make_model("config", vit), *open_lite0(SIDE))


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
    run = make_settings(tmp_path, epochs=2, leave_out="dcgan")
    done = pretrain(run, pool)
    assert done.facts["images"] == 12  # of four photos a face of nobody each is left out
    measured = measure_unexplained(done, pool, run)
    assert list(measured) == [f"unexplained_side_{side}" for side in (3, 6, 12, 24)]
    assert all(one.n == 12 and one.low <= one.value <= one.high for one in measured.values())
    save_model(done.model, done.processor, None, run.output)
    assert not hasattr(open_any(str(run.output))[0].config, "decision")
    model, processor = make_model(str(run.output), DESIGN)
    assert side_of(processor) == SIDE
    stem = "convnextv2.embeddings.patch_embeddings.weight"
    kept = {"made": model.state_dict()[stem], "learned": done.model.state_dict()[stem]}
    assert torch.equal(kept["made"], kept["learned"])


@pytest.mark.parametrize(
    ("field", "value"), [("epochs", 0), ("learning_rate", 0.0), ("depths", [1, 1])]
)
def test_values_that_make_no_run_are_refused(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=field):
        make_settings(tmp_path, **{field: value})
