from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.conftest import TINY
from torch import Tensor, nn

from faceproof.data.images import Pixels
from faceproof.detector.heatmap import draw_heat, find_heat, name_map
from faceproof.detector.models import Architecture, make_model
from faceproof.detector.preprocessing import fit

VIT = Architecture((2,), (64,), stem_pixels=16, side_pixels=64, kind="vit")


class Brightness(nn.Module):
    """Sees brightness in squares of 8 pixels; what is bright is fake, or real with sign -1."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(sign))

    def forward(self, pixel_values: Tensor, output_hidden_states: bool) -> SimpleNamespace:
        places = nn.functional.avg_pool2d(pixel_values.mean(dim=1, keepdim=True), 8)
        places = (places - places.min()) * self.scale.abs()
        margin = self.scale * places.mean(dim=(1, 2, 3))
        logits = torch.stack([-margin, margin], dim=1)
        return SimpleNamespace(logits=logits, hidden_states=(pixel_values, places))


def test_heat_lies_on_what_speaks_for_fake_and_nowhere_else() -> None:
    _, processor = make_model("config", TINY)
    picture = np.zeros((92, 92, 3), np.uint8)
    picture[:40, :40] = 255
    heat = find_heat(Brightness(1.0), processor, picture)
    assert heat.shape == (92, 92)
    assert heat[:32, :32].min() > 0.9
    assert heat[60:, 60:].max() < 0.05
    assert find_heat(Brightness(-1.0), processor, picture).max() == 0.0


def test_a_vision_transformer_has_heat_too(face: Pixels) -> None:
    torch.manual_seed(1)
    heats = []
    for _ in range(6):
        model, processor = make_model("config", VIT)
        heats.append(find_heat(model.eval(), processor, fit(face, processor)))
    assert all(heat.shape == (64, 64) and heat.min() >= 0 for heat in heats)
    assert any(heat.max() == pytest.approx(1.0) for heat in heats)  # not every draw speaks for fake


def test_a_map_shows_the_picture_beside_its_heat(face: Pixels) -> None:
    drawn = draw_heat(face, np.zeros((112, 92), np.float32))
    assert drawn.shape == (112, 184, 3)
    assert (drawn[:, :92] == face).all()
    assert (drawn[:, 92:] == face).all()  # no heat, no colour


@pytest.mark.parametrize(
    "image",
    ["../../evil.jpg", "/etc/x.png", "a\\..\\b.gif", "x" * 5000, "\0nul", "..", "顔/1.jpg", ""],
)
def test_a_map_has_a_name_that_any_folder_takes(image: str, tmp_path: Path) -> None:
    name = name_map(image)
    (tmp_path / name).write_bytes(b"")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_two_images_share_a_map() -> None:
    images = ["a/b.jpg", "a_b.jpg", "a__b.jpg", "A/b.jpg", "x" * 99, "x" * 98]
    assert len({name_map(image) for image in images}) == len(images)
