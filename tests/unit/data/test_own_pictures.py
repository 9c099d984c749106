"""Own pictures: who stays together, what is learned side by side, what gives the label away."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs.labels import LabelReader
from faceproof.data.own_pictures import (
    Picture,
    deal_pairs,
    divide_pictures,
    look_for_shortcuts,
    tie,
)
from faceproof.errors import DatasetError

READER = LabelReader()


def picture(name: str, label: int, rng: np.random.Generator, group: str = "") -> Picture:
    return Picture(
        name=name,
        label=label,
        group=group or name,
        square=(0, 0, 64),
        hash=rng.integers(0, 256, (2, 32)).astype(np.uint8),
        facts={"size_bytes": 1000.0 + rng.integers(100), "format": "JPEG"},
        views={"thumbnail": rng.normal(size=64), "border": rng.normal(size=24)},
        sha256=name,
    )


def count(components: np.ndarray) -> int:
    return len(set(components.tolist()))


def test_stated_groups_and_near_copies_stay_together(rng: np.random.Generator) -> None:
    pictures = [picture(f"{n}.jpg", n % 2, rng, group=f"g{n // 4}") for n in range(12)]
    assert count(tie(pictures, READER)) == 3
    copy = replace(pictures[11], hash=pictures[0].hash)
    components = tie([*pictures[:11], copy], READER)
    assert count(components) == 2
    assert components[0] == components[11] == components[8]


def test_folders_of_people_are_groups(rng: np.random.Generator) -> None:
    names = [f"{label}/p{person:02}x/{n}.jpg" for person in range(9) for label in ("real", "fake")
             for n in range(2)]  # fmt: skip
    pictures = [picture(name, int(name.startswith("fake")), rng) for name in names]
    assert count(tie(pictures, READER)) == 9


@pytest.mark.parametrize(
    "names",
    [
        [f"{label}/{n}.jpg" for label in ("real", "fake") for n in range(10)],
        [f"{place}/{n}.jpg" for place in ("real/camera", "fake/maker") for n in range(10)],
        [f"{place}/{n}.jpg" for place in ("real", "fake/maker") for n in range(10)],
    ],
    ids=["no folder names anybody", "two folders are no people", "depths differ"],
)
def test_where_nobody_is_known_it_is_said_what_that_cannot_guarantee(
    names: list[str], rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = [picture(name, int("fake" in name), rng) for name in names]
    assert count(tie(pictures, READER)) == 20
    assert "other pictures of the same person may stand in two" in caplog.text


def test_pairs_are_dealt_to_the_rarer_label_and_within_people_where_these_have_both() -> None:
    labels = np.array([0, 0, 1, 1, 0, 1])
    components = np.array(["b", "a", "b", "a", "c", "c"])
    pairs = deal_pairs(labels, components)
    assert pairs.tolist() == [1, 0, 1, 0, 2, 2]
    many = deal_pairs(np.array([0] * 7 + [1] * 2), np.array(list("abcdefghi")))
    assert sorted(many[:7].tolist()) == [0, 0, 0, 0, 1, 1, 1]
    assert sorted(many[7:].tolist()) == [0, 1]


def test_a_file_that_tells_the_label_is_warned_of(
    rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = [picture(str(n), n % 2, rng) for n in range(60)]
    groups = np.array([one.name for one in pictures])
    found = {one.code: one.outcome for one in look_for_shortcuts(pictures, groups, 0)}
    assert "fail" not in found.values()
    assert not caplog.records
    told = [
        replace(one, facts={**one.facts, "format": ("PNG", "JPEG")[one.label]}) for one in pictures
    ]
    found = {one.code: one.outcome for one in look_for_shortcuts(told, groups, 0)}
    assert found["shortcut_file"] == "fail"
    assert "sees the file alone: 1.00" in caplog.text


def test_too_few_groups_are_no_reason_to_stop(rng: np.random.Generator) -> None:
    pictures = [picture(str(n), n % 2, rng) for n in range(6)]
    outcomes = {one.outcome for one in look_for_shortcuts(pictures, np.array(list("abcabc")), 0)}
    assert outcomes == {"underpowered"}


@pytest.fixture
def mixed(tmp_path: Path, face: Pixels) -> Path:
    """A photo, a broken file, a picture without a face, and one of no label."""
    for name, data in {
        "real/a.jpg": encode_jpeg(face, 90, 0),
        "real/broken.jpg": b"no image",
        "fake/flat.jpg": encode_jpeg(np.full((80, 80, 3), 90, np.uint8), 90, 0),
        "c.jpg": encode_jpeg(face, 90, 0),
    }.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


def test_every_picture_is_kept_or_dropped_with_a_reason(
    mixed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(DatasetError, match="real and fake pictures with faces are needed"):
        divide_pictures(str(mixed), READER, tmp_path / "out", 0)
    assert "1 pictures kept, 3 dropped, 1 no_face, 1 no_label, 1 " in caplog.text
