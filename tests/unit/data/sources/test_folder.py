import zipfile
from pathlib import Path

import pytest

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.sources import folder
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.errors import InputError


def read(tmp_path: Path, members: dict[str, bytes]) -> list[SourcePhoto]:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return list(folder.read(SourceRequest(tmp_path / "photos.zip", tmp_path / "work")))


def test_a_folder_is_a_person(tmp_path: Path, face: Pixels) -> None:
    jpeg = encode_jpeg(face, 90, 0)
    photos = read(tmp_path, {"x/anna/1.jpg": jpeg, "x/anna/2.jpg": jpeg, "x/ben/1.jpg": jpeg})
    assert len({photo.identity_id for photo in photos}) == 2
    assert photos[0].identity_id == photos[1].identity_id
    assert photos[0].path.read_bytes() == jpeg
    assert "anna" not in str(photos)


@pytest.mark.parametrize("place", ["", "holiday/", "real/"])
def test_photos_in_one_place_are_people_of_their_own(
    tmp_path: Path, face: Pixels, place: str
) -> None:
    jpeg = encode_jpeg(face, 90, 0)
    photos = read(tmp_path, {f"{place}{number}.jpg": jpeg for number in range(3)})
    assert len({photo.identity_id for photo in photos}) == 3


def test_what_is_called_fake_is_left_out_and_said(
    tmp_path: Path, face: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    jpeg = encode_jpeg(face, 90, 0)
    photos = read(tmp_path, {"real/a.jpg": jpeg, "real/b.jpg": jpeg, "fake/c.jpg": jpeg})
    assert len(photos) == 2
    assert "left out 1 images" in caplog.text


def test_an_unreadable_member_is_still_counted_in(tmp_path: Path, face: Pixels) -> None:
    photos = read(tmp_path, {"../evil.jpg": b"x", "a.jpg": encode_jpeg(face, 90, 0)})
    assert sorted(photo.path.stat().st_size == 0 for photo in photos) == [False, True]
    assert {photo.path.parent for photo in photos} == {tmp_path / "work"}


def test_an_input_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give --input"):
        next(folder.read(SourceRequest(None, tmp_path)))


@pytest.mark.parametrize("folders", [["altered"], ["swapped", "morphed", "gan"], ["x/altered"]])
def test_folders_that_all_read_like_fakes_are_refused(
    tmp_path: Path, face: Pixels, folders: list[str]
) -> None:
    data = encode_jpeg(face, 90, 0)
    members = {f"{folder}/{number}.jpg": data for folder in folders for number in range(3)}
    with pytest.raises(InputError, match="say nothing of real or fake that is known"):
        read(tmp_path, members)


def test_two_folders_below_every_split_are_not_taken_for_two_people(
    tmp_path: Path, face: Pixels
) -> None:
    data = encode_jpeg(face, 90, 0)
    members = {f"{split}/{name}/1.jpg": data for split in ("train", "val") for name in "xy"}
    with pytest.raises(InputError, match="say which is which with --labels x=real y=fake"):
        read(tmp_path, members)


@pytest.mark.parametrize(
    "table",
    [
        b"file_name,label\na.jpg,real\nb.jpg,fake\n",
        b'"file_name";"label"\n"a.jpg";"real"\n"b.jpg";"fake"\n',
    ],
)
def test_a_table_of_metadata_says_what_is_fake(tmp_path: Path, face: Pixels, table: bytes) -> None:
    data = encode_jpeg(face, 90, 0)
    (photo,) = read(tmp_path, {"a.jpg": data, "b.jpg": data, "metadata.csv": table})
    assert photo.path.read_bytes() == data


def test_a_table_without_labels_says_nothing(tmp_path: Path, face: Pixels) -> None:
    data = encode_jpeg(face, 90, 0)
    table = b"file_name,age\na.jpg,30\nb.jpg,40\n"
    assert len(read(tmp_path, {"a.jpg": data, "b.jpg": data, "metadata.csv": table})) == 2
