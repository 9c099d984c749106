from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs import streams
from faceproof.data.inputs.archives import write_zip
from faceproof.data.inputs.streams import open_stream
from faceproof.errors import ImageError, InputError


@pytest.fixture
def jpeg(face: Pixels) -> bytes:
    return encode_jpeg(face, 90, 0)


def test_a_folder_a_zip_and_a_pattern_give_the_same_images(tmp_path: Path, jpeg: bytes) -> None:
    folder = tmp_path / "faces"
    for name in ("real/a.jpg", "fake/b.jpg"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(jpeg)
    (folder / "notes.txt").write_text("no image")
    write_zip(tmp_path / "faces.zip", {"real/a.jpg": jpeg, "fake/b.jpg": jpeg})
    for place in (str(folder), str(tmp_path / "faces.zip"), str(folder / "**" / "*")):
        stream = open_stream(place)
        images = list(stream.images)
        assert stream.count == len(images) == 2
        assert {image.read() for image in images} == {jpeg}
        assert sorted(truth.label for truth in stream.truth.values()) == ["fake", "real"]


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="matches no image files"):
        open_stream(str(tmp_path / "*.jpg"))


@pytest.mark.parametrize("pattern", ["**.jpg", "*" * 300 + "x" * 300])
def test_a_pattern_that_means_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="pattern"):
        open_stream(str(tmp_path / pattern))


def test_rows_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch, jpeg: bytes) -> None:
    rows = Dataset.from_dict(
        {"image": [{"bytes": jpeg, "path": None}] * 3, "image_id": ["a", "b", "a"]},
        features=Features({"image": Image(), "image_id": Value("string")}),
    )
    offer(monkeypatch, rows)
    assert [image.name for image in open_stream("some/faces").images] == ["a", "b", "a#2"]


def test_a_place_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_stream(str(tmp_path / "nothing"))


def offer(monkeypatch: pytest.MonkeyPatch, rows: Dataset) -> dict[str, object]:
    asked: dict[str, object] = {}

    def open_rows(name: str, mapping: dict[str, str], features: object) -> object:
        asked.update({"name": name, **mapping})
        return rows.to_iterable_dataset()

    monkeypatch.setattr(streams, "open_rows", open_rows)
    return asked


def test_a_hub_dataset_is_streamed_and_its_labels_are_the_truth(
    monkeypatch: pytest.MonkeyPatch, jpeg: bytes
) -> None:
    rows = Dataset.from_dict(
        {
            "image": [{"bytes": jpeg, "path": None}] * 3,
            "label": [1, 0, 1],
            "component_id": ["p", "p", "q"],
            "other": [1, 2, 3],
        },
        features=Features(
            {
                "image": Image(), "label": ClassLabel(names=["Real", "fake"]),
                "component_id": Value("string"), "other": Value("int64"),
            }
        ),
    )  # fmt: skip
    asked = offer(monkeypatch, rows)
    stream = open_stream("someone/faces@v2:validation")
    assert asked == {"name": "someone/faces", "split": "validation", "revision": "v2"}
    assert stream.count is None
    images = list(stream.images)
    assert [image.name for image in images] == [f"validation/{n}" for n in range(3)]
    assert images[0].read() == jpeg
    assert [stream.truth[image.name].label for image in images] == ["fake", "real", "fake"]
    assert stream.truth["validation/0"].group == "p"


@pytest.mark.parametrize(
    ("labels", "kind", "known"),
    [
        ([1, -1, None], ClassLabel(names=["real", "fake"]), {0: "fake"}),
        (["Fake", "real", "who knows"], Value("string"), {0: "fake", 1: "real"}),
        ([0, 1, 2], Value("int64"), {}),
        ([0, 1, 2], ClassLabel(names=["cat", "real", "dog"]), {}),
    ],
    ids=["hidden", "text", "numbers without names", "other names"],
)
def test_a_label_that_says_nothing_is_no_truth(
    monkeypatch: pytest.MonkeyPatch, jpeg: bytes, labels: list[object], kind: object,
    known: dict[int, str],
) -> None:  # fmt: skip
    rows = Dataset.from_dict(
        {"image": [{"bytes": jpeg, "path": None}] * 3, "label": labels},
        features=Features({"image": Image(), "label": kind}),
    )
    offer(monkeypatch, rows)
    stream = open_stream("someone/faces")
    assert len(list(stream.images)) == 3
    found = {name: truth.label for name, truth in stream.truth.items()}
    assert found == {f"test/{number}": label for number, label in known.items()}


def test_a_hub_dataset_without_images_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, Dataset.from_dict({"text": ["a"]}))
    with pytest.raises(InputError, match="no column image"):
        open_stream("someone/texts")


def test_a_row_without_an_image_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch, jpeg: bytes
) -> None:
    rows = Dataset.from_dict(
        {"image": [{"bytes": jpeg, "path": None}, {"bytes": None, "path": "/no/such.jpg"}]},
        features=Features({"image": Image()}),
    )
    offer(monkeypatch, rows)
    _, missing = open_stream("someone/faces").images
    with pytest.raises(ImageError, match="unreadable"):
        missing.read()


def write_table(place: Path, jpeg: bytes) -> None:
    rows = {"image": [{"bytes": jpeg, "path": None}] * 2, "label": ["real", "fake"]}
    features = Features({"image": Image(), "label": Value("string"), "group": Value("string")})
    Dataset.from_dict({**rows, "group": ["g", None]}, features=features).to_parquet(place)


@pytest.mark.parametrize("name", ["faces.parquet", "train-0.parquet", "validation.parquet"])
def test_a_parquet_file_is_a_dataset(tmp_path: Path, jpeg: bytes, name: str) -> None:
    (tmp_path / "other.txt").write_text("beside it")
    write_table(tmp_path / name, jpeg)
    stream = open_stream(str(tmp_path / name), split="train")
    images = list(stream.images)
    assert [stream.truth[image.name].label for image in images] == ["real", "fake"]
    groups = [stream.truth[image.name].group for image in images]
    assert groups == ["g", images[1].name]  # where none is stated, an image is by itself


def test_of_a_dataset_the_wanted_split_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jpeg: bytes
) -> None:
    for name in ("train", "test"):
        write_table(tmp_path / f"{name}.parquet", jpeg)
    names = {split: next(iter(open_stream(str(tmp_path), split=split).images)).name
             for split in ("train", "test")}  # fmt: skip
    assert names == {"train": "train/0", "test": "test/0"}
    asked = offer(monkeypatch, Dataset.from_dict({"image": [b"x"]}))
    open_stream("someone/faces", split="train")
    assert asked["split"] == "train"
