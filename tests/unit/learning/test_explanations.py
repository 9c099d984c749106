import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import TINY

from faceproof.data.images import Pixels
from faceproof.learning.explanations import draw_heat, find_heat, name_map
from faceproof.learning.models import Architecture, make_model

VIT = Architecture((2,), (64,), stem_pixels=16, side_pixels=64, kind="vit")


@pytest.mark.parametrize("design", [TINY, VIT], ids=["convnext", "vit"])
def test_heat_covers_the_picture_from_0_to_1(design: Architecture, face: Pixels) -> None:
    torch.manual_seed(1)
    model, processor = make_model("config", design)
    heat = find_heat(model.eval(), processor, face)
    assert heat.shape == face.shape[:2]
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1.0) or heat.max() == 0.0


def test_heat_lies_where_the_evidence_is(face: Pixels) -> None:
    """A network whose only evidence for fake is brightness: the bright corner must be hot."""
    model, processor = make_model("config", TINY)
    picture = np.zeros((92, 92, 3), np.uint8)
    picture[:40, :40] = 255
    heats = []
    for sign in (1.0, -1.0):
        with torch.no_grad():
            model.classifier.weight.copy_(sign * model.classifier.weight)
        heats.append(find_heat(model.eval(), processor, picture))
    corner = [float(heat[:30, :30].mean()) for heat in heats]
    rest = [float(heat[60:, 60:].mean()) for heat in heats]
    assert corner != rest  # the flat rest says nothing about where the corner is
    assert not np.allclose(heats[0], heats[1])  # what speaks for fake speaks against real


def test_a_map_shows_the_picture_beside_its_heat(face: Pixels) -> None:
    drawn = np.asarray(Image.open(io.BytesIO(draw_heat(face, np.zeros((112, 92), np.float32)))))
    assert drawn.shape == (112, 184, 3)
    assert (drawn[:, :92] == face).all()
    assert (drawn[:, 92:] == face).all()  # no heat, no colour


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("a/b.jpg", "a__b.jpg.png"), ("../../evil.jpg", "evil.jpg.png"),
        ("/etc/x.png", "etc__x.png.png"), ("a\\..\\b.gif", "a__b.gif.png"),
    ],
)  # fmt: skip
def test_a_map_never_leaves_its_folder(image: str, name: str) -> None:
    assert name_map(image) == name
