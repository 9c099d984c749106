import pytest

from faceproof.data.inputs.labels import (
    LabelReader,
    describe_unknown,
    guess_label,
    is_hidden,
    is_same,
    parse_labels,
)
from faceproof.errors import InputError
from faceproof.records import Label

READER = LabelReader()


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("real", "real"), ("REAL", "real"), (" Real ", "real"), ("0_real", "real"),
        ("training_real", "real"), ("Real Faces", "real"), ("Celeb-real", "real"),
        ("original_sequences", "real"), ("Original", "real"), ("bona fide", "real"),
        ("authentic", "real"), ("human", "real"), ("fake", "fake"), ("1_Fake", "fake"),
        ("training-fake", "fake"), ("Deepfakes", "fake"), ("manipulated_sequences", "fake"),
        ("Celeb-synthesis", "fake"), ("AI-generated", "fake"), ("ai", "fake"),
        ("FaceSwap", "fake"), ("synthetic images", "fake"), ("generated", "fake"),
        ("unreal", None), ("not real", None), ("not_fake", None), ("non-ai", None),
        ("real_vs_fake", None), ("realfake", None), ("surreal", None), ("edited", None),
        ("true", None), ("1", None), ("LABEL_1", None), ("", None), ("Bob", None),
    ],
)  # fmt: skip
def test_words_of_the_field_are_known_and_others_are_not_guessed(
    word: str, label: Label | None
) -> None:
    assert READER.read(word) == label


def test_users_may_say_what_their_words_mean() -> None:
    reader = parse_labels(["edited=fake", "camera=real"])
    assert [reader.read(word) for word in ("Edited", "camera", "ai", "x")] == [
        "fake", "real", "fake", None,
    ]  # fmt: skip
    by_code = parse_labels(["fake,real"])
    assert [by_code.read(value) for value in (0, 1, "0", False, True)] == [
        "fake", "real", "fake", "fake", "real",
    ]  # fmt: skip


@pytest.mark.parametrize("entry", ["x", "x=maybe", "real,maybe", "a=real,fake", ""])
def test_what_says_nothing_of_real_and_fake_is_refused(entry: str) -> None:
    with pytest.raises(InputError, match="says nothing"):
        parse_labels([entry])


@pytest.mark.parametrize("value", [None, -1, float("nan"), "", "  "])
def test_a_hidden_label_is_no_label(value: object) -> None:
    assert is_hidden(value)
    assert READER.read_values([value, "fake"], None, "it") == [None, "fake"]


def test_class_codes_mean_what_their_names_say() -> None:
    assert READER.read_values([0, 1, -1], ["fake", "real"], "it") == ["fake", "real", None]
    with pytest.raises(InputError, match="has the classes ai, human, edited; say what edited mean"):
        READER.read_values([0], ["ai", "human", "edited"], "it")


@pytest.mark.parametrize("value", [0, 1, True, 0.0, "maybe", 7])
def test_a_value_that_says_nothing_is_refused_by_name(value: object) -> None:
    with pytest.raises(InputError, match="--labels"):
        READER.read_values([value], None, "it")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["x/Real/a", "x/FAKE/b"], ["real", "fake"]),
        (["train/0_real/a", "train/1_fake/b", "c"], ["real", "fake", None]),
        (["a/Original/1", "a/Deepfake/2"], ["real", "fake"]),
        (["Original/real/1", "Original/fake/2"], ["real", "fake"]),
        (["real/fake/1", "real/2"], ["fake", "real"]),
        (["fake/real/1", "fake/2"], [None, "fake"]),
        (["Ai/1", "Bob/2", "Carla/3"], [None, None, None]),
        (["original/1", "original/2"], [None, None]),
        (["/abs/real/1", "/abs/fake/2"], ["real", "fake"]),
    ],
)
def test_the_nearest_folder_that_says_something_counts(
    names: list[str], labels: list[Label | None]
) -> None:
    found = READER.read_folders(names).labels
    assert [found.get(name) for name in names] == labels


@pytest.mark.parametrize(
    ("names", "unknown"),
    [
        (["real/1", "tampered2/2", "shopped/3"], ("shopped",)),
        (["camera/1", "shop/2"], ("camera", "shop")),
        (["train/1", "test/2"], ()),
        (
            ["train/x/1", "train/y/2", "val/x/3", "val/y/4"],
            ("train/x", "train/y", "val/x", "val/y"),
        ),
        (["train/x/1", "train/y/2", "val/x/3"], ()),
        (["a/x/1", "a/y/2", "b/x/3", "b/y/4"], ()),
        (["anna/1", "ben/2", "carla/3"], ()),
        (["real/1", "fake/2"], ()),
    ],
)
def test_folders_that_may_be_classes_are_named(names: list[str], unknown: tuple[str, ...]) -> None:
    found = READER.read_folders(names)
    assert found.unknown == unknown
    if unknown:
        assert f"--labels {unknown[0].rpartition('/')[2]}=fake" in describe_unknown(unknown)


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("an image made by AI", "fake"), ("Photo of a human", "real"), ("not a deepfake", None),
        ("real or fake", None), ("aigenerated", "fake"), ("cat", None),
    ],
)  # fmt: skip
def test_class_names_of_other_models_are_guessed_with_care(phrase: str, label: str | None) -> None:
    assert guess_label(phrase) == label


def test_spellings_of_one_class_are_the_same() -> None:
    assert is_same("LABEL_1", "label-1")
    assert not is_same("LABEL_1", "LABEL_0")


def test_a_minus_or_a_dot_makes_another_number() -> None:
    reader = parse_labels(["real,fake"])
    assert reader.read_values(["-1", "1", "1.0", "0"], None, "c") == [None, "fake", "fake", "real"]
    with pytest.raises(InputError, match="'10'"):
        reader.read_values(["10"], None, "c")
    with pytest.raises(InputError, match="'-2'"):
        reader.read_values(["-2"], None, "c")
    with pytest.raises(InputError, match="'\\?'"):
        reader.read_values(["?"], None, "c")
    assert not is_same("1234567", "1234568")
    assert not is_same("1.5", "15")


@pytest.mark.parametrize("entries", [["+=fake"], ["A b=real", "a-b=fake"], ["real,fake", "1=real"]])
def test_words_that_say_nothing_or_two_things_are_refused(entries: list[str]) -> None:
    with pytest.raises(InputError, match="says nothing, or two things"):
        parse_labels(entries)
