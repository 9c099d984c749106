import numpy as np
import pandas as pd
import pytest

from faceproof.data.sampling import CellPolicy, sample_uniform
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


CELLS = pd.DataFrame(
    {"sex": list("ffffffmm"), "age": ["20", "20", "20", "40", "40", "40", "20", "40"]}
)


def test_small_cells_are_kept_dropped_merged_or_refused_as_declared() -> None:
    def draw(**policy: object) -> tuple[int, set[int], tuple[str, ...]]:
        made = sample_uniform(CELLS, 400, 0, CellPolicy(smallest=2, **policy))  # type: ignore[arg-type]
        return made.cells, set(made.rows.tolist()), made.small

    assert draw(small="keep") == (4, set(range(8)), ("m/20", "m/40"))
    assert draw(small="drop") == (2, set(range(6)), ("m/20", "m/40"))
    assert draw(small="merge", merge_along="age") == (3, set(range(8)), ("m/20", "m/40"))
    for policy in ({"small": "fail"}, {"small": "merge", "merge_along": "size"}):
        with pytest.raises(DatasetError, match="fewer than 2 images of m/20, m/40"):
            draw(**policy)
    with pytest.raises(DatasetError, match="fewer than 2 images"):  # still one alone
        sample_uniform(CELLS[:7], 4, 0, CellPolicy(2, "merge", "age"))


def test_empty_cells_are_named_and_refused_if_asked() -> None:
    assert sample_uniform(LABELS, 5, 0).empty == ("m/real",)
    with pytest.raises(DatasetError, match="no images of m/real"):
        sample_uniform(LABELS, 5, 0, CellPolicy(empty="fail"))
