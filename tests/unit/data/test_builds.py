from collections.abc import Iterator
from pathlib import Path

import pytest
from datasets import (
    Dataset,
    DatasetDict,
    DatasetInfo,
    Features,
    GeneratorBasedBuilder,
    Image,
    SplitGenerator,
    Value,
)

from faceproof.data import builds
from faceproof.data.images import Pixels, decode, encode_jpeg
from faceproof.data.settings import BuildSettings
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import DatasetError, SettingsError

SCHEMA = Features({"image": Image(), "mask": Image(), "family": Value("string")})


def make_rows(pictures: list[Pixels], family: str) -> Dataset:
    rows = [
        {"image": {"bytes": encode_jpeg(one, 90, 0), "path": None}, "mask": None, "family": family}
        for one in pictures
    ]
    return Dataset.from_list(rows, features=SCHEMA)


@pytest.mark.parametrize(
    ("family", "dropped", "left"), [("synthesize", 1, (4, 2, 1)), ("none", 0, (5, 2, 1))]
)
def test_a_synthesized_face_that_another_split_has_is_left_out_of_the_larger(
    photos: list[SourcePhoto], family: str, dropped: int, left: tuple[int, ...]
) -> None:
    faces = [decode(photo.path.read_bytes()) for photo in photos[::3]]
    splits = DatasetDict(
        {
            "train": make_rows([*faces[:4], faces[8][:, ::-1].copy()], family),
            "validation": make_rows([faces[5], faces[5]], family),  # alike, but in one split
            "test": make_rows([faces[8]], family),
        }
    )
    kept, number = builds.drop_copies(splits)
    assert (number, tuple(kept.num_rows.values())) == (dropped, left)


@pytest.mark.parametrize("field", ["workers", "generator_steps", "limit"])
def test_numbers_that_make_no_build_are_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        BuildSettings(tmp_path, tmp_path, tmp_path, **{field: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"terms": "open"}, {"hosts": ["album"]}])
def test_what_is_of_a_collection_is_refused_of_other_sources(
    tmp_path: Path, given: dict[str, str | list[str]]
) -> None:
    with pytest.raises(SettingsError, match="are of a collection; the source is orl"):
        BuildSettings(tmp_path, tmp_path, tmp_path, **given)  # type: ignore[arg-type]


class Refusing(GeneratorBasedBuilder):  # type: ignore[misc]  # published without types
    """A builder in which one of our own errors comes up."""

    def _info(self) -> DatasetInfo:
        return DatasetInfo(features=Features({"text": Value("string")}))

    def _split_generators(self, dl_manager: object) -> list[SplitGenerator]:
        return [SplitGenerator(name="train", gen_kwargs={})]

    def _generate_examples(self) -> Iterator[tuple[str, dict[str, str]]]:
        yield "a", {"text": "a"}
        raise DatasetError("no face was drawn")


def test_what_a_builder_refuses_is_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^no face was drawn$"):
        builds.generate(Refusing(cache_dir=str(tmp_path)))


def test_of_each_person_the_first_photos_are_taken(tmp_path: Path) -> None:
    settings = BuildSettings(
        output=tmp_path / "d", exports=tmp_path / "e", results=tmp_path / "r.json", photos_each=2,
        limit=7,
    )  # fmt: skip
    taken = list(builds.read_photos(settings))
    assert [one.path.parent.name for one in taken] == ["s1", "s1", "s2", "s2", "s3", "s3", "s4"]
