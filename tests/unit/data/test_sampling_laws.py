import numpy as np
import pandas as pd

from faceproof.data import sampling

CELLS = np.repeat([0, 1, 2], [60, 30, 10])


def test_a_quota_is_even_to_one(rng: np.random.Generator) -> None:
    counts = np.bincount(CELLS[sampling.draw_quota(CELLS, 40, rng)])
    assert sorted(counts) == [13, 13, 14]


def test_without_replacement_no_image_comes_twice_and_small_cells_run_dry(
    rng: np.random.Generator,
) -> None:
    few = [sampling.draw_without_replacement(CELLS, 6, rng) for _ in range(400)]
    assert all(len(set(rows.tolist())) == 6 for rows in few)
    counts = np.mean([np.bincount(CELLS[rows], minlength=3) for rows in few], axis=0)
    assert np.abs(counts - 2).max() < 0.35  # nearly even while no cell runs dry
    assert len(sampling.draw_without_replacement(CELLS, 500, rng)) == 100


def test_any_image_follows_the_collection(rng: np.random.Generator) -> None:
    counts = np.bincount(CELLS[sampling.draw_any(CELLS, 10_000, rng)])
    assert np.abs(counts / 10_000 - [0.6, 0.3, 0.1]).max() < 0.02


def test_raking_evens_the_margins_and_keeps_the_association() -> None:
    labels = pd.DataFrame({"a": list("xxxyyy"), "b": list("uuvuvv")})
    weights = sampling.rake(labels)
    for column in labels:
        np.testing.assert_allclose(pd.Series(weights).groupby(labels[column]).sum(), 0.5)
    # odds ratio of counts (2, 1, 1, 2) is 4; with even margins p / (0.5 - p) = 2, so p = 1/3
    joint = pd.Series(weights).groupby([labels["a"], labels["b"]]).sum()
    np.testing.assert_allclose(joint, [1 / 3, 1 / 6, 1 / 6, 1 / 3])
