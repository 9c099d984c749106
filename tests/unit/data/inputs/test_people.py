import pytest

from faceproof.data.inputs.people import find_people
from faceproof.errors import InputError


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (["s1/2020/0", "s1/2021/1", "s2/2020/2"], [0, 0, 1]),
        (["s1/real/0", "s1/real/1", "s2/real/2"], [0, 0, 1]),
        (["train/anna/0", "test/anna/1", "test/ben/2"], [0, 0, 1]),
        (["x/anna/0", "x/Anna /1", "x/ben/2"], [0, 0, 1]),
        (["anna/session 1/0", "anna/Session_2/1", "ben/session 1/2"], [0, 0, 1]),
        (["anna/2020-01-02/0", "anna/1", "ben/2"], [0, 0, 1]),
        (["0001/0", "0001/1", "0002/2"], [0, 0, 1]),
        (["lfw/0001/0", "lfw/0001/1", "lfw/0002/2"], [0, 0, 1]),
        (["clip 1/0", "clip 1/1", "clip 2/2"], [0, 0, 1]),
        (["fold1/anna/0", "fold2/anna/1", "fold2/ben/2"], [0, 0, 1]),
        (["train_set/anna/0", "test_set/anna/1", "test_set/ben/2"], [0, 0, 1]),
        (["groupA/anna/0", "groupB/anna/1", "groupB/ben/2"], [0, 0, 1]),
        (["train/anna/0", "train/ben/1", "train/carla/2"], [0, 1, 2]),
        (["anna/train/0", "anna/test/1", "ben/test/2"], [0, 0, 1]),
        (["train/clip 1/0", "train/clip 2/1"], [0, 1]),
        (["jan/0", "may/1", "runa/2"], [0, 1, 2]),
        (["20240105/001/0", "20240106/001/1", "20240106/002/2"], [0, 0, 1]),
        (["a", "b", "c"], [0, 1, 2]),
        (["real/a", "real/b", "real/c"], [0, 1, 2]),
        (["holiday/a", "holiday/b", "holiday/c"], [0, 1, 2]),
        (["../a", "b"], [0, 1]),
    ],
)
def test_the_folder_that_names_a_person_is_found(names: list[str], people: list[int]) -> None:
    found = find_people(names)
    known = list(dict.fromkeys(found.person_of[name] for name in names))
    assert [known.index(found.person_of[name]) for name in names] == people
    assert found.describe().startswith(f"{max(people) + 1} people in {len(names)} photos, ")


def test_the_level_is_said_with_examples() -> None:
    said = find_people(["set/anna/real/1", "set/ben/real/2"]).describe()
    assert said == "2 people in 2 photos, by the names at folder level 2 (anna, ben)"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["anna/1", "anna/x/2"], "different depths"),
        (["anna/1", "2"], "different depths"),
        (["anna/paris/1", "anna/rome/2", "ben/oslo/3"], "two levels of folders"),
        (["anna/paris/0", "anna/rome/1", "ben/paris/2"], "two levels of folders"),
        (["jan/anna/0", "feb/anna/1", "feb/ben/2"], "two levels of folders"),
        (["NIKON/anna/0", "CANON/anna/1", "CANON/ben/2"], "two levels of folders"),
    ],
)
def test_what_is_not_clear_is_refused(names: list[str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        find_people(names)


@pytest.mark.parametrize(
    "names",
    [
        ["train/x/0", "train/y/1", "val/x/2", "val/y/3"],
        ["faces/train/x/0", "faces/train/y/1"],
        ["Train/X/0", "Train/y/1", "test/x/2", "test/Y /3"],
        ["train/0/a", "train/1/b", "test/0/c", "test/1/d"],
    ],
)
def test_a_pair_of_folders_below_splits_is_taken_for_classes(names: list[str]) -> None:
    with pytest.raises(InputError, match=r"say which is which with --labels .*=fake"):
        find_people(names)
