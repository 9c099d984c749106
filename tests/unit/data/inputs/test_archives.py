import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from faceproof.data.inputs import walks
from faceproof.data.inputs.archives import Truth, open_archive, write_zip
from faceproof.data.inputs.labels import parse_labels
from faceproof.errors import ImageError, InputError

JPEG = b"\xff\xd8\xff\xe0rest"


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def names(path: Path) -> list[str]:
    return [image.name for image in open_archive(path).images]


def test_every_image_file_is_listed_and_nothing_else(tmp_path: Path) -> None:
    members = {
        "b.JPG": JPEG, "a/c.png": b"", "a/été 顔.jpeg": JPEG, "no_extension": JPEG,
        "notes": b"text",
        "holiday#1.jpg": b"", "a#b/x.png": b"", "Mr. Smith": JPEG, "12:30.jpg": JPEG,
        "a/readme.txt": b"text", "__MACOSX/a/c.png": JPEG, "a/._c.png": JPEG, "folder/": b"",
    }  # fmt: skip
    expected = sorted(
        ["b.JPG", "a/c.png", "a/été 顔.jpeg", "no_extension", "holiday#1.jpg", "a#b/x.png",
         "Mr. Smith", "12:30.jpg"]
    )  # fmt: skip
    assert names(make_zip(tmp_path / "x.zip", members)) == expected
    folder = tmp_path / "x"
    for name, data in members.items():
        if not name.endswith("/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    assert names(folder) == expected


def test_a_name_that_is_not_utf8_is_listed_in_writable_form(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(path)).write_bytes(JPEG)
    (name,) = names(tmp_path)
    assert name == "caf\ufffd.jpg"
    assert open_archive(tmp_path).images[0].read() == JPEG


def test_two_members_of_one_name_both_keep_a_row(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jpg", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.jpg", b"two")
    read = {image.name: image.read() for image in open_archive(tmp_path / "x.zip").images}
    assert read == {"a.jpg": b"one", "a.jpg#2": b"two"}


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png"])
def test_a_path_that_leaves_the_archive_is_not_read(tmp_path: Path, name: str) -> None:
    (image,) = open_archive(make_zip(tmp_path / "x.zip", {name: JPEG})).images
    with pytest.raises(ImageError) as refused:
        image.read()
    assert refused.value.code == "unsafe_path"


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_file_beyond_the_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_zip: bool
) -> None:
    monkeypatch.setattr(walks, "MAX_FILE_BYTES", 10)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.jpg").write_bytes(bytes(11))
    path = make_zip(tmp_path / "x.zip", {"a.jpg": bytes(11)}) if is_zip else tmp_path / "f"
    with pytest.raises(ImageError) as refused:
        open_archive(path).images[0].read()
    assert refused.value.code == "too_large"


def test_a_damaged_member_is_refused_alone(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", {"a.jpg": os.urandom(1000), "b.jpg": b"fine"})
    data = bytearray(path.read_bytes())
    data[100:110] = bytes(10)  # inside the first member's data
    path.write_bytes(bytes(data))
    first, second = open_archive(path).images
    with pytest.raises(ImageError) as refused:
        first.read()
    assert refused.value.code == "unreadable"
    assert second.read() == b"fine"


@pytest.mark.parametrize("name", [".", "", "//"], ids=["dot", "empty", "slashes"])
def test_a_member_without_a_name_stops_nothing(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jpg", JPEG)
        archive.writestr(zipfile.ZipInfo(name), b"text")
    assert "a.jpg" in names(tmp_path / "x.zip")


def test_a_damaged_lzma_member_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.jpg", os.urandom(1000))
    data = bytearray(path.read_bytes())
    data[60:400] = b"\xff" * 340
    path.write_bytes(bytes(data))
    (image,) = open_archive(path).images
    with pytest.raises(ImageError) as refused:
        image.read()
    assert refused.value.code == "unreadable"


def test_an_encrypted_member_is_refused_alone(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", {"a.jpg": JPEG})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag "encrypted" in the local header ...
    data[data.index(b"PK\x01\x02") + 8] |= 1  # ... and in the directory
    path.write_bytes(bytes(data))
    with pytest.raises(ImageError, match="encrypted"):
        open_archive(path).images[0].read()


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (image,) = open_archive(tmp_path).images
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(ImageError) as refused:
        image.read()
    assert refused.value.code == "unreadable"


@pytest.mark.parametrize("members", [{}, {"a.txt": b"x"}], ids=["empty", "no images"])
def test_an_archive_without_images_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="holds no image files"):
        open_archive(make_zip(tmp_path / "x.zip", members))


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_archive(tmp_path / "none")
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(InputError, match="not a folder or a readable zip"):
        open_archive(tmp_path / "x.zip")


def test_truth_comes_from_the_nearest_named_folder(tmp_path: Path) -> None:
    members = {"x/Real/a.jpg": JPEG, "fake/b.jpg": JPEG, "real/fake/c.jpg": JPEG, "real.jpg": JPEG}
    truth = open_archive(make_zip(tmp_path / "x.zip", members)).truth
    assert {name: one.label for name, one in truth.items()} == {
        "x/Real/a.jpg": "real", "fake/b.jpg": "fake", "real/fake/c.jpg": "fake",
    }  # fmt: skip


def test_a_manifest_gives_truth_and_groups(tmp_path: Path) -> None:
    manifest = b"\xef\xbb\xbfimage,label,component_id\na.jpg,Fake,p1\nb.jpg,real,\n"
    members = {"labels.csv": manifest, "a.jpg": JPEG, "b.jpg": JPEG}
    truth = open_archive(make_zip(tmp_path / "x.zip", members)).truth
    assert truth == {"a.jpg": Truth("fake", "p1"), "b.jpg": Truth("real", "b.jpg")}


def test_a_manifest_in_the_one_top_folder_counts_for_names_below_it(tmp_path: Path) -> None:
    manifest = b"image,label\n./a.jpg,fake\nsub\\b.jpg,real\ngone.jpg,real\n"
    members = {"rd/labels.csv": manifest, "rd/a.jpg": JPEG, "rd/sub/b.jpg": JPEG}
    truth = open_archive(make_zip(tmp_path / "x.zip", members)).truth
    assert {name: one.label for name, one in truth.items()} == {
        "rd/a.jpg": "fake", "rd/sub/b.jpg": "real",
    }  # fmt: skip


def test_json_lines_of_an_image_folder_give_truth(tmp_path: Path) -> None:
    lines = b'{"file_name": "a.jpg", "label": "Fake"}\n{"file_name": "b.jpg", "label": "real"}\n'
    members = {"train/metadata.jsonl": lines, "train/a.jpg": JPEG, "train/b.jpg": JPEG}
    truth = open_archive(make_zip(tmp_path / "x.zip", members)).truth
    assert {name: one.label for name, one in truth.items()} == {
        "train/a.jpg": "fake", "train/b.jpg": "real",
    }  # fmt: skip
    members["train/metadata.jsonl"] = b'{"file_name": "a.jpg", "label": "odd"}'
    with pytest.raises(InputError, match="line 1 says 'odd' where real or fake is expected"):
        open_archive(make_zip(tmp_path / "x.zip", members))
    members["train/metadata.jsonl"] = b'{"file_name": "a.jpg", "age": 30}'
    assert open_archive(make_zip(tmp_path / "x.zip", members)).truth == {}


def test_codes_of_json_lines_mean_what_the_user_says(tmp_path: Path) -> None:
    lines = b'{"file_name": "a.jpg", "label": 0}\n{"file_name": "b.jpg", "label": 1}\n'
    path = make_zip(tmp_path / "x.zip", {"metadata.jsonl": lines, "a.jpg": JPEG, "b.jpg": JPEG})
    truth = open_archive(path, parse_labels(["fake,real"])).truth
    assert [truth[name].label for name in ("a.jpg", "b.jpg")] == ["fake", "real"]


def test_two_tables_of_labels_in_one_folder_are_refused(tmp_path: Path) -> None:
    members = {
        "a.jpg": JPEG, "metadata.csv": b"file_name,label\na.jpg,real\n",
        "metadata.jsonl": b'{"file_name": "a.jpg", "label": "fake"}',
    }  # fmt: skip
    with pytest.raises(InputError, match=r"metadata\.csv and metadata\.jsonl, which both have"):
        open_archive(make_zip(tmp_path / "x.zip", members))


@pytest.mark.parametrize(
    "manifest",
    [
        b"image,label\na.jpg,real\na.jpg,fake\n",
        b"file,kind\n",
        b"image,label\na.jpg,maybe\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_bad_manifest_is_refused(tmp_path: Path, manifest: bytes) -> None:
    path = make_zip(tmp_path / "x.zip", {"labels.csv": manifest, "a.jpg": JPEG})
    with pytest.raises(InputError, match=r"labels\.csv cannot be used"):
        open_archive(path)


def test_a_written_zip_has_sums_and_repeats_byte_for_byte(tmp_path: Path) -> None:
    members = {"b.txt": b"two", "a.txt": b"one"}
    write_zip(tmp_path / "x.zip", members)
    write_zip(tmp_path / "y.zip", dict(reversed(members.items())))
    assert (tmp_path / "x.zip").read_bytes() == (tmp_path / "y.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        sums = archive.read("SHA256SUMS").decode()
    assert sums.splitlines()[0] == f"{hashlib.sha256(b'one').hexdigest()}  a.txt"
