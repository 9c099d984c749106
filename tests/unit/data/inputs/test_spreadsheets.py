import pytest

from faceproof.data.inputs.spreadsheets import read_spreadsheet
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
