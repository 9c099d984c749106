"""Every place that any command writes to: what is not ours, or is an input, is refused unread."""

import importlib
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

import faceproof
from faceproof import settings
from faceproof.errors import FaceProofError
from faceproof.settings import _CHECKS
from faceproof.storage import _MARKS, MARKER, PAGE_MARK

WRITTEN = set(_CHECKS)
USES = {*WRITTEN, "input", "inside"}
# What a class needs beside its places, so that nothing else refuses the words.
NEEDED: dict[str, list[str]] = {
    "ViewSettings": ["--uniform", "5"],
    "ProtocolSettings": ["--sources", "portraits=nowhere"],
}


def find_settings() -> Iterator[type]:
    """Every dataclass of the package whose fields name places."""
    for module in pkgutil.walk_packages(faceproof.__path__, "faceproof."):
        if module.name == "benchmarks.loaders.contenders":  # of another process
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if name.endswith(("Settings", "Push")) and is_dataclass(kind):
                assert isinstance(kind, type)
                if kind.__module__ == module.name:
                    yield kind


ALL = sorted(find_settings(), key=lambda kind: (kind.__module__, kind.__name__))


@dataclass(frozen=True)
class Place:
    """A field of a settings class."""

    kind: type
    field: "Field[Any]"

    @property
    def use(self) -> str:
        return str(self.field.metadata["place"])

    def __str__(self) -> str:
        return f"{self.kind.__name__}.{self.field.name}"


PLACES = [Place(kind, one) for kind in ALL for one in fields(kind) if "place" in one.metadata]
OUTPUTS = [one for one in PLACES if one.use in WRITTEN]


def list_words(place: Place, value: Path, root: Path) -> list[str]:
    """Words that give one place a value, and every other place that is needed a free one."""
    words = [f"--{place.field.name}", str(value)]
    for one in fields(place.kind):
        is_needed = one.default is MISSING and one.default_factory is MISSING
        if is_needed and one.name != place.field.name and "place" in one.metadata:
            words += [f"--{one.name}", str(root / "free" / one.name)]
    return words + NEEDED.get(place.kind.__name__, [])


def read_tree(folder: Path) -> dict[str, object]:
    """Everything below a folder: bytes of files, targets of links, kinds of all else."""
    found: dict[str, object] = {}
    for one in sorted(folder.rglob("*")):
        name = one.relative_to(folder).as_posix()
        if one.is_symlink():
            found[name] = one.readlink()
        else:
            found[name] = one.read_bytes() if one.is_file() else oct(one.lstat().st_mode)
    return found


def test_every_path_of_every_command_says_what_it_is_for() -> None:
    assert len(ALL) > 15
    assert {one.use for one in PLACES} == USES
    nameless = [
        f"{kind.__name__}.{one.name}"
        for kind in ALL
        for one in fields(kind)
        if "Path" in str(one.type) and "place" not in one.metadata
    ]
    assert nameless == []


NAMES = st.text("abcXYZ.-_ é", min_size=1, max_size=8).filter(lambda name: name.strip(". ") != "")
DATA = st.binary(min_size=1, max_size=40).filter(lambda data: not any(map(data.count, _MARKS)))
TREES = st.dictionaries(NAMES, DATA, min_size=1, max_size=3)


@pytest.mark.parametrize("place", OUTPUTS, ids=str)
@limits(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tree=TREES, is_folder=st.booleans())
def test_somebody_elses_files_are_refused_and_stay_as_they_are(
    place: Place, tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], is_folder: bool
) -> None:
    root = tmp_path_factory.mktemp("theirs")
    target = root / "target"
    if is_folder:
        target.mkdir()
        for name, data in tree.items():
            (target / name).write_bytes(data)
    else:
        target.write_bytes(next(iter(tree.values())))
    before = read_tree(root)
    with pytest.raises(FaceProofError, match=r"cannot (write|replace)"):
        settings.read(place.kind, None, list_words(place, target, root))
    assert read_tree(root) == before


@pytest.mark.parametrize("place", OUTPUTS, ids=str)
@pytest.mark.parametrize("what", ["pipe", "device", "broken link"])
def test_what_is_no_place_to_write_to_is_refused(place: Place, tmp_path: Path, what: str) -> None:
    target = tmp_path / "target"
    if what == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to("/dev/null" if what == "device" else "nowhere")
    before = read_tree(tmp_path)
    with pytest.raises(FaceProofError, match="cannot write"):
        settings.read(place.kind, None, list_words(place, target, tmp_path))
    assert read_tree(tmp_path) == before


@pytest.mark.parametrize("place", OUTPUTS, ids=str)
@pytest.mark.parametrize("how", ["the same", "inside", "around"])
def test_an_output_is_no_input(place: Place, tmp_path: Path, how: str) -> None:
    source = next((one for one in PLACES if one.kind is place.kind and one.use == "input"), None)
    if source is None:
        return
    given_source = tmp_path / "outer" / "inner"
    given_source.mkdir(parents=True)
    (given_source.parent / MARKER).touch()
    (given_source / MARKER).touch()
    target = {
        "the same": given_source, "inside": given_source / "new", "around": given_source.parent
    }[how]  # fmt: skip
    words = list_words(place, target, tmp_path)
    name = f"--{source.field.name}"
    if name in words:
        words[words.index(name) + 1] = str(given_source)
    else:
        words += [name, str(given_source)]
    before = read_tree(tmp_path)
    with pytest.raises(FaceProofError, match="the input"):
        settings.read(place.kind, None, words)
    assert read_tree(tmp_path) == before


@pytest.mark.parametrize("place", [one for one in PLACES if one.use != "inside"], ids=str)
def test_an_empty_place_is_refused(place: Place, tmp_path: Path) -> None:
    words = list_words(place, tmp_path / "x", tmp_path)
    words[1] = ""
    with pytest.raises(FaceProofError, match=f"--{place.field.name} is empty"):
        settings.read(place.kind, None, words)


@pytest.mark.parametrize("place", OUTPUTS, ids=str)
def test_a_tilde_is_the_home_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    run: object = settings.read(place.kind, None, list_words(place, Path("~/new"), tmp_path))
    assert Path(str(getattr(run, place.field.name))) == tmp_path / "home/new"


@pytest.mark.parametrize("place", [one for one in OUTPUTS if one.use != "store"], ids=str)
@pytest.mark.parametrize("address", ["s3://b/x", "gs://b/x", "S3://b/x", "s3:/b"])
def test_an_address_is_no_file_or_folder(place: Place, tmp_path: Path, address: str) -> None:
    words = list_words(place, tmp_path / "x", tmp_path)
    words[1] = address
    with pytest.raises(FaceProofError, match="is an address"):
        settings.read(place.kind, None, words)


@pytest.mark.parametrize("place", OUTPUTS, ids=str)
def test_what_we_wrote_ourselves_may_be_replaced(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if place.use == "file":
        target.write_text(f"text {PAGE_MARK}")
    else:
        target.mkdir()
        (target / MARKER).write_text("title\nours.txt\n")
        (target / "ours.txt").touch()
    settings.read(place.kind, None, list_words(place, target, tmp_path))
