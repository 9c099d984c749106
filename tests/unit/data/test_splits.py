from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceproof.data.splits import (
    FEWEST_GROUPS,
    assign_splits,
    find_crossings,
    join_components,
    read_split,
)
from faceproof.errors import DatasetError
from faceproof.records import SPLITS


def test_links_join_through_others() -> None:
    joined = join_components([("a", "p1"), ("b", "p1"), ("c", "p2"), ("b", "d"), ("e", "p3")])
    assert joined["a"] == joined["b"] == joined["d"] == joined["p1"] == "a"
    assert joined["c"] == joined["p2"] != joined["e"]


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=20))
def test_components_do_not_depend_on_the_order_of_links(links: list[tuple[str, str]]) -> None:
    joined = join_components(links)
    assert joined == join_components(reversed(links))
    assert all(joined[first] == joined[second] for first, second in links)


@given(
    st.dictionaries(st.text("abcdef", min_size=1), st.sampled_from("xyz"), min_size=FEWEST_GROUPS),
    st.integers(0, 99),
)
def test_splits_are_60_20_20_of_components(strata: dict[str, str], seed: int) -> None:
    splits = assign_splits(strata, seed)
    counts = Counter(splits.values())
    assert set(splits) == set(strata)
    for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        assert abs(counts[name] - share * len(strata)) < 1


def test_every_stratum_is_divided_alike() -> None:
    strata = {f"{band}{number}": band for band in "ab" for number in range(20)}
    splits = assign_splits(strata, 0)
    counts = Counter((strata[component], split) for component, split in splits.items())
    assert counts["a", "train"] == counts["b", "train"] == 12


def test_another_seed_gives_another_division() -> None:
    strata = {f"p{number}": "all" for number in range(40)}
    assert assign_splits(strata, 1) == assign_splits(strata, 1) != assign_splits(strata, 2)


@pytest.mark.parametrize("count", [*range(FEWEST_GROUPS, 40), 97, 400])
def test_from_the_fewest_on_every_split_holds_two(count: int) -> None:
    splits = assign_splits({f"p{number}": "x" for number in range(count)}, 0)
    assert min(Counter(splits.values())[name] for name in SPLITS) >= 2


@pytest.mark.parametrize("count", [0, 2, FEWEST_GROUPS - 1])
def test_too_few_people_are_refused_with_the_number_that_is_enough(count: int) -> None:
    with pytest.raises(DatasetError, match=f"^{count} people .* at least {FEWEST_GROUPS}"):
        assign_splits({f"p{number}": "x" for number in range(count)}, 0)


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("Train", "train"),
        (" val ", "validation"),
        ("dev", "validation"),
        ("TEST", "test"),
        ("x", None),
    ],
)
def test_words_for_splits_are_known(word: str, split: str) -> None:
    assert read_split(word) == (split or None)


def test_crossings_name_the_group_and_its_splits() -> None:
    found = find_crossings([("a", "train"), ("b", "test"), ("a", "test"), ("b", "test")])
    assert found == {"a": ("train", "test")}
