import numpy as np
import pytest
from tests.conftest import TINY

from faceproof.data.images import Pixels
from faceproof.detector.models import make_model
from faceproof.training.evaluation import score_pictures, score_split
from faceproof.training.splits import LoadedSplit


def test_margins_come_in_order_whatever_stands_beside(pool: LoadedSplit) -> None:
    model, processor = make_model("config", TINY)
    model.eval()
    pictures = [pool.images.image(row) for row in range(11)]
    together = score_pictures(model, processor, pictures)
    alone = [float(score_pictures(model, processor, [one])[0]) for one in pictures]
    assert together.tolist() == pytest.approx(alone, abs=1e-5)
    assert score_pictures(model, processor, []).shape == (0,)


def test_changes_draw_by_row_so_that_any_choice_of_rows_scores_alike(pool: LoadedSplit) -> None:
    model, processor = make_model("config", TINY)
    model.eval()

    def add_noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return np.asarray(pixels // 2 + rng.integers(0, 99, pixels.shape), np.uint8)

    every = score_split(model, processor, pool, np.arange(8), add_noise).margins
    some = score_split(model, processor, pool, np.array([6, 1]), add_noise).margins
    assert some.tolist() == pytest.approx([every[6], every[1]], abs=1e-5)
    plain = score_split(model, processor, pool, np.array([6, 1])).margins
    assert not np.allclose(some, plain)
