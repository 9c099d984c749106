from pathlib import Path

import pytest

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.sources import collection
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.errors import InputError

HEAD = "path,label,set,generator,identity,sex,birth_or_age,licence,terms\n"


def read(folder: Path, table: str, terms: str | None = None) -> list[SourcePhoto]:
    (folder / "metadata.csv").write_text(table)
    request = SourceRequest(folder, folder / "work", terms=terms)
    return list(collection.read(request))


def test_reals_are_photos_and_fakes_say_what_made_them(tmp_path: Path, face: Pixels) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(face, 90, 0))
    table = HEAD + (
        "a.jpg,real,album,,anna,F,b1950,CC0,open\n"
        "b.jpg,fake,made,StyleGAN2-based (part 2),,,,MIT,open\n"
    )
    photo, stranger = read(tmp_path, table)
    assert (photo.source, photo.sex, photo.birth_year) == ("album", "female", 1950)
    assert photo.generator is None
    assert photo.terms.licence == "CC0"
    assert photo.path == tmp_path / "a.jpg"
    assert "anna" not in str(photo.identity_id)
    assert stranger.generator == "made_stylegan2_based"
    assert stranger.path.read_bytes() == b""  # not there: counted in, dropped by reason


def test_rows_of_other_terms_are_left_out(tmp_path: Path) -> None:
    table = HEAD + "a.jpg,real,x,,,,,CC0,open\nb.jpg,real,y,,,,,NC,closed\n"
    assert [photo.source for photo in read(tmp_path, table, "open")] == ["x"]
    with pytest.raises(InputError, match=r"no row .* terms none"):
        read(tmp_path, table, "none")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,label,set\n", "no column licence"),
        (HEAD, "lists no images"),
        (HEAD + "a.jpg,real,x,,,,,CC0,open\n./a.jpg,fake,x,,,,,CC0,open\n", "line 3 .* twice"),
        (HEAD + "../a.jpg,real,x,,,,,CC0,open\n", "line 2 .* leads out"),
        (HEAD + "/etc/passwd,real,x,,,,,CC0,open\n", "line 2 .* leads out"),
        (HEAD + "a.jpg,maybe,x,,,,,CC0,open\n", "line 2 .* real or fake"),
    ],
)
def test_a_bad_table_is_refused_by_its_line(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, table)


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"metadata\.csv"):
        list(collection.read(SourceRequest(tmp_path, tmp_path / "work")))
    with pytest.raises(InputError, match="--input"):
        list(collection.read(SourceRequest(None, tmp_path / "work")))
