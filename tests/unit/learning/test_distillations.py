from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import TINY
from torch import Tensor

from faceproof.errors import SettingsError
from faceproof.learning.backbones import open_lite0
from faceproof.learning.distillations import Distilled, measure_unexplained
from faceproof.learning.models import make_model
from faceproof.learning.pools import Pool
from faceproof.learning.processors import to_tensor

SIDE = 64
DESIGN = replace(TINY, side_pixels=SIDE)
VIT = replace(DESIGN, kind="vit", depths=(1,), hidden_sizes=(64,), stem_pixels=16)


def make_distilled() -> Distilled:
    torch.manual_seed(0)
    return Distilled(*make_model("config", DESIGN), *open_lite0(SIDE)).train()


def read_pictures(pool: Pool, count: int) -> Tensor:
    processor = make_model("config", DESIGN)[1]
    return to_tensor([pool.images.image(row) for row in range(count)], processor)


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
    distilled.eval()
    measured = measure_unexplained(distilled, [pixels], np.array(list("abcd")), 0)
    assert [one.value for one in measured.values()] == pytest.approx([0.0] * 5, abs=1e-6)


def test_to_begin_with_the_mean_is_given_and_everything_unexplained(pool: Pool) -> None:
    distilled, pixels = make_distilled(), read_pictures(pool, 16)
    with torch.no_grad():
        loss = float(distilled(pixels)["loss"])
    assert loss == pytest.approx(1.0, abs=1e-3)  # standardised by the same batch
    groups = np.repeat(list("abcd"), 4)
    measured = measure_unexplained(distilled.eval(), torch.split(pixels, 5), groups, 0)
    assert [one.value for one in measured.values()] == pytest.approx([1.0] * 4, abs=0.02)
    assert list(measured) == [f"unexplained_side_{side}" for side in (2, 4, 8, 16)]


def test_the_share_is_of_the_variance_of_the_measured_images(pool: Pool) -> None:
    """Worked out again, by channels in one array of everything."""
    distilled, pixels = make_distilled(), read_pictures(pool, 8)
    with torch.no_grad():
        distilled(pixels)
        distilled.eval()
        for head, _ in list_layers(distilled):
            head.bias += 0.5
        given, wanted = distilled.compare(pixels)[0]
    by_channel = wanted.transpose(0, 1).flatten(1)
    expected = (given - wanted).square().mean() / by_channel.var(dim=1, correction=0).mean()
    measured = measure_unexplained(distilled, torch.split(pixels, 3), np.arange(8).astype(str), 0)
    assert measured["unexplained_side_2"].value == pytest.approx(float(expected), rel=1e-5)


def test_the_student_learns_and_the_teacher_does_not(pool: Pool) -> None:
    distilled, pixels = make_distilled(), read_pictures(pool, 4)
    before = [one.clone() for one in distilled.teacher.state_dict().values()]
    stem = distilled.student.get_parameter("embeddings.patch_embeddings.weight")
    first = stem.detach().clone()
    learning = [one for one in distilled.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1e-2)
    for _ in range(20):
        loss = distilled(pixels)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.8
    assert float((stem.detach() - first).abs().max()) > 1e-2
    after = distilled.teacher.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_teacher_sees_what_its_own_processor_would_give(pool: Pool) -> None:
    model, processor = make_model("config", DESIGN)
    teacher, its_own = open_lite0(SIDE)
    distilled = Distilled(model, processor, teacher, its_own)
    ours, theirs = (to_tensor([pool.images.image(0)], one) for one in (processor, its_own))
    assert torch.allclose(
        ours * distilled.gain + distilled.shift, theirs, atol=0.05
    )  # they resample by different kernels
    picture = np.ascontiguousarray(pool.images.image(0)[:SIDE, :SIDE])
    ours, theirs = (to_tensor([picture], one, SIDE) for one in (processor, its_own))
    assert torch.allclose(ours * distilled.gain + distilled.shift, theirs, atol=1e-5)


def test_a_vit_learns_from_the_map_of_its_tokens() -> None:
    assert Distilled(*make_model("config", VIT), *open_lite0(SIDE)).sides == [SIDE // 16]


@pytest.mark.parametrize(
    "design",
    [replace(VIT, stem_pixels=19), replace(DESIGN, stem_pixels=8)],
    ids=["of odd tokens", "deeper than the teacher"],
)
def test_a_network_whose_last_layers_would_learn_nothing_is_refused(design: Any) -> None:
    with pytest.raises(SettingsError, match="so that its smallest is among them"):
        Distilled(*make_model("config", design), *open_lite0(SIDE))
