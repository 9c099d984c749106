import numpy as np
import pandas as pd
from question_01 import demonstration
from question_01.demonstration import arrange_sheet

from faceproof.data.exports import FILTERS, ShownImage


def show(role: str, family: str, method: str) -> ShownImage:
    labels = dict.fromkeys(FILTERS, "x") | {"role": role, "family": family, "method": method}
    name = f"{role} {family} {method}".encode()
    label = "fake" if role == "fake" else "real"
    return ShownImage(name, b"mask" if role == "fake" else None, label, labels)


REAL, SWAP = show("real", "none", "none"), show("fake", "blend", "swap")
WHOLE = show("fake", "reconstruct", "autoencoder")


def test_each_family_s_sham_has_a_row_of_its_own() -> None:
    photo = [SWAP, show("sham", "warp", "sham"), show("sham", "blend", "sham"), REAL]
    (column,) = arrange_sheet([photo])
    assert list(column) == ["real", "sham blend", "sham warp", "swap", "swap mask"]
    assert column["sham warp"] == b"sham warp sham"


def test_where_each_photo_has_one_sham_they_share_a_row() -> None:
    first = [REAL, show("sham", "warp", "sham"), SWAP, WHOLE]
    second = [REAL, show("sham", "blend", "sham"), SWAP, WHOLE]
    columns = arrange_sheet([first, second])
    assert [list(column) for column in columns] == [
        ["real", "sham", "swap", "swap mask", "autoencoder"]
    ] * 2  # a mask of the whole picture is not shown


CELLS = np.repeat([0, 1, 2], [60, 30, 10])


def test_a_quota_is_even_to_one(rng: np.random.Generator) -> None:
    counts = np.bincount(CELLS[demonstration.draw_quota(CELLS, 40, rng)])
    assert sorted(counts) == [13, 13, 14]


def test_without_replacement_no_image_comes_twice_and_small_cells_run_dry(
    rng: np.random.Generator,
) -> None:
    few = [demonstration.draw_without_replacement(CELLS, 6, rng) for _ in range(400)]
    assert all(len(set(rows.tolist())) == 6 for rows in few)
    counts = np.mean([np.bincount(CELLS[rows], minlength=3) for rows in few], axis=0)
    assert np.abs(counts - 2).max() < 0.35  # nearly even while no cell runs dry
    assert len(demonstration.draw_without_replacement(CELLS, 500, rng)) == 100


def test_any_image_follows_the_collection(rng: np.random.Generator) -> None:
    counts = np.bincount(CELLS[demonstration.draw_any(CELLS, 10_000, rng)])
    assert np.abs(counts / 10_000 - [0.6, 0.3, 0.1]).max() < 0.02


def test_raking_evens_the_margins_and_keeps_the_association() -> None:
    labels = pd.DataFrame({"a": list("xxxyyy"), "b": list("uuvuvv")})
    weights = demonstration.rake(labels)
    for column in labels:
        np.testing.assert_allclose(pd.Series(weights).groupby(labels[column]).sum(), 0.5)
    # odds ratio of counts (2, 1, 1, 2) is 4; with even margins p / (0.5 - p) = 2, so p = 1/3
    joint = pd.Series(weights).groupby([labels["a"], labels["b"]]).sum()
    np.testing.assert_allclose(joint, [1 / 3, 1 / 6, 1 / 6, 1 / 3])
