import unicodedata

import pytest

from faceproof.data.inputs.names import NameIndex, find_column, fold, normalise


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("./a.jpg", "a.jpg"), ("x\\y.jpg", "x/y.jpg"), (" a.jpg ", "a.jpg"),
        ("x//./y.jpg", "x/y.jpg"), (unicodedata.normalize("NFD", "é.jpg"), "é.jpg"),
        ("/x/a.jpg", "/x/a.jpg"), ("../a.jpg", "../a.jpg"),
    ],
)  # fmt: skip
def test_a_path_has_one_spelling(name: str, same: str) -> None:
    assert normalise(name) == same


def test_a_file_is_found_by_other_spellings_where_it_alone_can_be_meant() -> None:
    index = NameIndex(["a.jpg", "./B.JPG", "x/c.png", "x/d.jpg", "x/d.png", "E.jpg", "e.jpg"])
    assert index.find("./a.jpg") == "a.jpg"
    assert index.find("b.jpg") == "./B.JPG"
    assert index.find("x\\c") == "x/c.png"
    assert index.find("x/d") is None  # two have this name without an ending
    assert index.find("E.JPG") is None  # two differ in case alone
    assert index.find("e.jpg") == "e.jpg"
    assert index.find("") is None


@pytest.mark.parametrize(
    ("header", "kind", "column"),
    [
        (["Image", "label"], "image", "Image"),
        (["file_name", "labels"], "image", "file_name"),
        (["file name", "Labels "], "label", "Labels "),
        (["person", "split"], "identity", "person"),
        (["Identity_ID"], "identity", "Identity_ID"),
        (["identity-id", "person"], "identity", "identity-id"),
        (["score"], "score", "score"),
        (["x"], "label", None),
    ],
)
def test_columns_are_found_by_their_usual_names(
    header: list[str], kind: str, column: str | None
) -> None:
    assert find_column(header, kind) == column


def test_a_person_is_one_in_any_case_with_any_spaces() -> None:
    assert fold(" Anna  B ") == fold("anna b")
    assert fold("Anna") != fold("Anne")
