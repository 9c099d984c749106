from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_records import LABELS

from faceproof.data.splits import (
    FEWEST_GROUPS,
    Candidate,
    assign_splits,
    draw_donors,
    find_crossings,
    join_components,
    read_split,
)
from faceproof.errors import DatasetError
from faceproof.records import SPLITS, PhotoLabels


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


POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def make_faces(labels: list[PhotoLabels]) -> list[Candidate]:
    return [
        Candidate(f"i{number}", f"c{number}", "train", POINTS, one)
        for number, one in enumerate(labels)
    ]


def test_donors_are_of_the_same_sex_while_there_are_any() -> None:
    faces = make_faces(
        [replace(LABELS, sex="female" if number % 2 else "male") for number in range(12)]
    )
    for face, donor in zip(faces, draw_donors(faces, 0), strict=True):
        assert int(donor[1:]) % 2 == int(face.image_id[1:]) % 2
    lonely = make_faces([replace(LABELS, sex="male"), LABELS, LABELS])
    assert draw_donors(lonely, 0)[0] != "i0"  # better another sex than oneself


def test_donors_are_near_in_pose_and_light() -> None:
    turned = POINTS.copy()
    turned[2, 0] += 15
    faces = make_faces([LABELS] * 8)
    posed = [
        replace(face, points=turned) if number % 2 else face for number, face in enumerate(faces)
    ]
    lit = make_faces([replace(LABELS, brightness=0.2 + 0.6 * (number % 2)) for number in range(8)])
    for set_of_faces in (posed, lit):
        for face, donor in zip(set_of_faces, draw_donors(set_of_faces, 0), strict=True):
            assert int(donor[1:]) % 2 == int(face.image_id[1:]) % 2


def test_donors_are_near_in_tone_and_grey_goes_with_grey() -> None:
    tones: list[float | None] = [50, 48, 46, 44, -20, -22, -24, -26, None, None, None, None]
    faces = make_faces([replace(LABELS, ita_degrees=tone) for tone in tones])
    for face, donor in zip(faces, draw_donors(faces, 0), strict=True):
        assert int(donor[1:]) // 4 == int(face.image_id[1:]) // 4


def test_a_split_of_one_group_is_refused() -> None:
    faces = [replace(face, component_id="c") for face in make_faces([LABELS, LABELS])]
    with pytest.raises(DatasetError, match="one person only"):
        draw_donors(faces, 0)
