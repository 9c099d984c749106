import errno
import os
import zipfile
from pathlib import Path

import pytest

from faceproof.data.inputs import walks
from faceproof.data.inputs.walks import walk
from faceproof.errors import ImageError, InputError

JPEG = b"\xff\xd8\xff\xe0rest"
HEIF = b"\0\0\0\x18ftypheic" + bytes(40)


def put(folder: Path, names: dict[str, bytes]) -> Path:
    for name, data in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def names(path: Path) -> list[str]:
    return [image.name for image in walk(path).images]


def test_first_bytes_decide_where_a_name_does_not(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "plain": JPEG, "photo.heif_": HEIF, "x.HIF": HEIF, "odd.dat": b"RIFF\0\0\0\0WEBPVP8 ",
            "note": b"BM is how this sentence begins, of more than eighteen bytes",
            "sound": b"RIFF\0\0\0\0WAVEfmt ", "broken.jpg": b"", "labels.csv": JPEG,
            "drawing.svg": b"<svg/>", "vector": b'<?xml version="1.0"?><svg xmlns="x"/>',
        },
    )  # fmt: skip
    assert names(tmp_path) == sorted(
        ["plain", "photo.heif_", "x.HIF", "odd.dat", "broken.jpg", "drawing.svg", "vector"]
    )
    assert dict(walk(tmp_path).left_out) == {"no images": 3}


def test_hidden_and_thumbnail_folders_are_left_out_counted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(
        tmp_path,
        {
            "a.jpg": JPEG, ".ipynb_checkpoints/a.jpg": JPEG, "x/@eaDir/a.jpg/THUMB.jpg": JPEG,
            "__MACOSX/a.jpg": JPEG, "._a.jpg": JPEG, ".DS_Store": b"",
        },
    )  # fmt: skip
    found = walk(tmp_path)
    assert [one.name for one in found.images] == ["a.jpg"]
    assert dict(found.left_out) == {"hidden": 3, "in thumbnail folders": 2}
    assert "left out 3 hidden, 2 in thumbnail folders" in caplog.text


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    put(tmp_path, {"elsewhere/a.jpg": JPEG, "set/fake/b.jpg": JPEG})
    for link, target in (
        ("set/real", "../elsewhere"), ("set/fake/loop", ".."), ("set/fake/broken.jpg", "nowhere"),
        ("set/fake/round", "round"),
    ):  # fmt: skip
        (tmp_path / link).symlink_to(target)
    found = walk(tmp_path / "set")
    assert [one.name for one in found.images] == ["fake/b.jpg", "fake/broken.jpg", "real/a.jpg"]
    assert found.left_out["links that lead back"] == 2
    with pytest.raises(ImageError, match="the link leads nowhere"):
        found.images[1].read()


def test_a_file_that_links_reach_too_comes_in_once_and_by_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, {"set/real/a.jpg": JPEG, "set/real/old/b.jpg": JPEG, "elsewhere/x/c.jpg": JPEG})
    for link, target in (
        ("set/again", "real"), ("set/again.jpg", "real/old/b.jpg"), ("set/0", "../elsewhere/x"),
        ("set/1", "../elsewhere"), ("set/2", "../elsewhere/x/c.jpg"), ("set/up", "../../"),
    ):  # fmt: skip
        (tmp_path / link).symlink_to(target)
    found = walk(tmp_path / "set")
    assert [one.name for one in found.images] == ["0/c.jpg", "real/a.jpg", "real/old/b.jpg"]
    assert found.left_out == {"links to what is listed already": 4, "links that lead back": 1}


def test_a_file_behind_a_link_is_not_listed_again_with_its_folder(tmp_path: Path) -> None:
    put(tmp_path, {"elsewhere/a.jpg": JPEG, "elsewhere/b.jpg": JPEG})
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "1.jpg").symlink_to("../elsewhere/a.jpg")
    (tmp_path / "set" / "2").symlink_to("../elsewhere")
    assert names(tmp_path / "set") == ["1.jpg", "2/b.jpg"]
    assert walk(tmp_path / "set").left_out == {"links to what is listed already": 1}


def test_a_link_into_a_hidden_folder_is_followed_and_one_inside_is_not(tmp_path: Path) -> None:
    put(tmp_path, {".git/annex/k1": JPEG, ".git/annex/k2/k2": JPEG, "seen/.kept.jpg": JPEG})
    for link, target in (
        ("a.jpg", ".git/annex/k1"), ("b", ".git/annex/k2"), ("c.jpg", "seen/.kept.jpg"),
        (".git/loop", "annex"),
    ):  # fmt: skip
        (tmp_path / link).symlink_to(target)
    assert names(tmp_path) == ["a.jpg", "b/k2", "c.jpg"]
    assert walk(tmp_path).left_out == {"hidden": 4}


def test_a_pipe_is_counted_and_never_read(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": JPEG})
    os.mkfifo(tmp_path / "b.jpg")
    assert names(tmp_path) == ["a.jpg"]
    assert walk(tmp_path).left_out["no regular files"] == 1


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder name that the system refuses to list, whoever asks."""
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return "closed"


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, closed: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, {"a.jpg": JPEG, f"{closed}/b.jpg": JPEG})
    assert names(tmp_path) == ["a.jpg"]
    assert f"{closed} cannot be read: Permission denied" in caplog.text
    with pytest.raises(InputError, match="Permission denied"):
        walk(tmp_path / closed)


def test_zips_are_walked_alike(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("real\\a.jpg", ".hidden/b.jpg", "thumbs/c.jpg", "d"):
            archive.writestr(name, JPEG)
    assert names(tmp_path / "x.zip") == ["d", "real/a.jpg"]


@pytest.mark.parametrize("is_zip", [True, False])
def test_only_the_first_bytes_of_other_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_zip: bool
) -> None:
    monkeypatch.setattr(walks, "MAX_FILE_BYTES", 1)  # a whole read would be refused
    if is_zip:
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("a", b"G")
    else:
        put(tmp_path / "x.zip", {"a": JPEG * 1000})
    assert len(names(tmp_path / "x.zip")) == (not is_zip)
