import pytest

from faceproof.data.inputs.spreadsheets import read_json_lines, read_spreadsheet
from faceproof.errors import InputError


@pytest.mark.parametrize(
    "data",
    [
        b"image,label\na,real\nb,fake\n",
        b"\xef\xbb\xbfimage,label\r\na,real\r\nb,fake\r\n",
        "image,label\na,real\nb,fake\n".encode("utf-16"),
        b"Image;Label\na;real\nb;fake\n",
        b"image\tlabel\n\na\treal\n\t\nb\tfake\n",
        b'"image","label"\n"a","real"\n"b","fake"\n',
        b"note,image,label\n,a,real\nx,b,fake\n",
    ],
    ids=["plain", "marked", "utf-16", "semicolons", "tabs and empty lines", "quoted", "more"],
)
def test_the_usual_forms_are_read(data: bytes) -> None:
    sheet = read_spreadsheet(data, "it", ("image", "label"))
    assert sheet.column("image") == ["a", "b"]
    assert sheet.column("label") == ["real", "fake"]
    assert sheet.column("split") is None


def test_a_short_row_has_empty_cells() -> None:
    assert read_spreadsheet(b"image,label\na\n", "it", ("image",)).column("label") == [""]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"image,label\n\xff\xfe,real\n", "cannot be read as CSV"),
        (b'image,label\n"a,real\n', "cannot be read as CSV"),
        (b"image,kind\na,real\n", r"label is not there \(looked for: label, labels"),
        (b"", "image is not there"),
    ],
    ids=["no text", "an open quote", "a column short", "empty"],
)
def test_what_is_no_table_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_spreadsheet(data, "it", ("image", "label"))


def test_json_lines_are_a_table_whose_columns_are_all_the_names() -> None:
    data = (
        b'\xef\xbb\xbf{"file_name": "a", "label": 1}\n\n{"label": null, "file_name": "b"}\r\n'
        b'{"file_name": "\\ud800", "label": true, "age": 3}'
    )
    sheet = read_json_lines(data, "it", ("image", "label"))
    assert sheet.header == ("file_name", "label", "age")
    assert sheet.column("image") == ["a", "b", "?"]
    assert sheet.column("label") == ["1", "", "True"]
    assert [row["age"] for row in sheet.rows] == ["", "", "3"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"file_name": "a", "label": }', "cannot be read as JSON lines"),
        (b'{"file_name": "a", "label": "\xff"}', "cannot be read as JSON lines"),
        (b"[" * 100_000, "cannot be read as JSON lines"),
        (b'{"file_name": "a", "label": ' + b"1" * 5000 + b"}", "cannot be read as JSON lines"),
        (b'["a", "real"]', "no JSON object"),
        (b'{"file_name": "a"}', "label is not there"),
        (b"", "image is not there"),
    ],
    ids=["broken", "no text", "deep", "a huge number", "a list", "a column short", "empty"],
)
def test_what_is_no_table_of_json_lines_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_json_lines(data, "it", ("image", "label"))
