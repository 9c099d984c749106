import numpy as np
import pandas as pd
import pytest

from faceproof.data.sampling import sample_uniform
from faceproof.errors import DatasetError

LABELS = pd.DataFrame({"sex": list("ffffm"), "label": ["real", "real", "real", "fake", "fake"]})


def test_each_cell_is_drawn_equally_often() -> None:
    draw = sample_uniform(LABELS, 9000, seed=0)
    assert draw.cells == 3
    counts = np.bincount(draw.rows, minlength=5)
    # cells (f, real) = rows 0-2, (f, fake) = row 3, (m, fake) = row 4: 3000 each, sd 45
    assert np.abs(counts[[3, 4]] - 3000).max() < 200
    assert np.abs(counts[:3] - 1000).max() < 150


def test_a_draw_tells_what_it_is_worth() -> None:
    draw = sample_uniform(LABELS, 9000, seed=0)
    assert draw.distinct == 5
    # shares 1/9, 1/9, 1/9, 1/3, 1/3: 1 / sum of squares = 1 / (3/81 + 2/9) = 27/7
    assert draw.effective_size == pytest.approx(27 / 7, rel=0.05)
    assert sample_uniform(LABELS, 1, seed=0).effective_size == 1


def test_the_seed_decides() -> None:
    assert (sample_uniform(LABELS, 50, 1).rows == sample_uniform(LABELS, 50, 1).rows).all()
    assert (sample_uniform(LABELS, 50, 1).rows != sample_uniform(LABELS, 50, 2).rows).any()


@pytest.mark.parametrize("labels", [LABELS[:0], LABELS.replace("m", None)])
def test_nothing_to_draw_from_and_missing_labels_are_refused(labels: pd.DataFrame) -> None:
    with pytest.raises(DatasetError, match="no missing label"):
        sample_uniform(labels, 3, 0)
