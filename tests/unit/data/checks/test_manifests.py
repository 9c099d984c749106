import csv
import zipfile
from pathlib import Path

import pytest
from tests.conftest import run_script

from faceproof.data.checks.manifests import Looked, read_manifest, refuse_leaks
from faceproof.data.images import decode, encode_jpeg
from faceproof.data.settings import ManifestSettings
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import DatasetError, InputError

COLUMNS = ("image", "split", "identity_id", "component_id", "image_id", "parent_ids")
Rows = list[dict[str, str]]


@pytest.fixture
def rows(photos: list[SourcePhoto], tmp_path: Path) -> Rows:
    """Six people, two photos each; the fifth validates, the sixth tests; one swap in training."""
    listed = []
    for number, photo in enumerate(one for one in photos[:18] if one.path.stem in "12"):
        name = f"{number}.jpg"
        (tmp_path / name).write_bytes(encode_jpeg(decode(photo.path.read_bytes()), 90, 0))
        split = {8: "val", 9: "val", 10: "test", 11: "test"}.get(number, "train")
        listed.append(
            {"image": name, "split": split, "identity_id": photo.identity_id,
             "image_id": f"i{number}", "parent_ids": "i1 i2" if number == 0 else ""}
        )  # fmt: skip
    return listed


def check(rows: Rows, folder: Path) -> Looked:
    with (folder / "metadata.csv").open("w", newline="") as sink:
        writer = csv.DictWriter(sink, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return refuse_leaks(read_manifest(ManifestSettings(folder)), folder)


def test_a_sound_split_passes(rows: Rows, tmp_path: Path) -> None:
    assert check(rows, tmp_path) == Looked(12, 12, 6)


def test_a_person_on_both_sides_is_refused_by_name(rows: Rows, tmp_path: Path) -> None:
    rows[11]["identity_id"] = rows[0]["identity_id"]
    with pytest.raises(DatasetError, match=rf"people: {rows[0]['identity_id']} \(train, test\)"):
        check(rows, tmp_path)


@pytest.mark.parametrize("how", ["resized", "encoded again", "mirrored"])
def test_a_near_copy_in_another_split_is_refused_by_name(
    rows: Rows, tmp_path: Path, how: str
) -> None:
    pixels = decode((tmp_path / "0.jpg").read_bytes())
    if how == "resized":
        pixels = pixels[::2, ::2].copy()
    if how == "mirrored":
        pixels = pixels[:, ::-1].copy()
    (tmp_path / "11.jpg").write_bytes(encode_jpeg(pixels, 50, 2))
    with pytest.raises(DatasetError, match=r"near copies: 0.jpg \(train\) and 11.jpg \(test\)"):
        check(rows, tmp_path)


def test_a_donor_from_another_split_is_refused_by_name(rows: Rows, tmp_path: Path) -> None:
    rows[0]["parent_ids"] = "i1 i10"
    with pytest.raises(
        DatasetError, match=r"parents: 0.jpg \(train\) made from i10 \(train, test\)"
    ):
        check(rows, tmp_path)


def test_a_parent_that_is_not_listed_may_not_serve_two_splits(rows: Rows, tmp_path: Path) -> None:
    rows[0]["parent_ids"] = rows[11]["parent_ids"] = "elsewhere"
    with pytest.raises(DatasetError, match=r"made from elsewhere \(train, test\)"):
        check(rows, tmp_path)


def test_a_component_in_two_splits_is_refused_by_name(rows: Rows, tmp_path: Path) -> None:
    rows[0]["component_id"] = rows[11]["component_id"] = "twins"
    with pytest.raises(DatasetError, match=r"components: twins \(train, test\)"):
        check(rows, tmp_path)


def test_what_cannot_be_decoded_is_left_out_and_what_is_missing_refused(
    rows: Rows, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    assert check(rows, tmp_path).compared == 11
    assert "3.jpg cannot be compared" in caplog.text
    (tmp_path / "4.jpg").unlink()
    with pytest.raises(DatasetError, match=r"lacks images of its manifest: 4.jpg"):
        check(rows, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"image\na.jpg\n", "columns image and split"),
        (b"image,split\n", "no rows"),
        (b"", "columns image and split"),
        (b"split,image\ntrain\n", "a line without an image"),
        (b"image,split\na.jpg,moon\n", "has the split 'moon'"),
        (b"image,split\n\xff,train\n", "cannot be read as CSV"),
        (b'image,split\n"a,train\n', "cannot be read as CSV"),
    ],
    ids=[
        "a column short",
        "no rows",
        "empty",
        "a short row",
        "unknown split",
        "not text",
        "an open quote",
    ],
)
def test_a_bad_manifest_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(text)
    with pytest.raises(InputError, match=said):
        read_manifest(ManifestSettings(tmp_path))
    with pytest.raises(InputError, match="cannot read"):
        read_manifest(ManifestSettings(tmp_path, tmp_path / "none.csv"))


def test_a_zip_without_a_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("a.jpg", b"")
    done = run_script("dataset_builder/check_splits.py", "--data", str(tmp_path / "faces.zip"))
    assert done.returncode == 1
    assert done.stderr.endswith("faces.zip holds no metadata.csv\n")
