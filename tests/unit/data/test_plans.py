from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import PHOTOS_EACH

from faceproof.data import plans
from faceproof.data.images import decode, encode_jpeg
from faceproof.data.sources.photos import SourcePhoto
from faceproof.data.splits import FEWEST_GROUPS
from faceproof.errors import DatasetError


@pytest.fixture(scope="module")
def plan(photos: list[SourcePhoto]) -> plans.Plan:
    return plans.make_plan(photos, seed=5)


def test_people_and_donors_stay_in_their_split(plan: plans.Plan) -> None:
    split_of_person = {photo.identity_id: photo.split for photo in plan.photos}
    by_id = {photo.image_id: photo for photo in plan.photos}
    for photo in plan.photos:
        donor = by_id[photo.donor_id]
        assert photo.split == split_of_person[photo.identity_id] == donor.split
        assert donor.component_id != photo.component_id


def test_every_photo_is_counted_in_and_out(photos: list[SourcePhoto], tmp_path: Path) -> None:
    bad = {
        "text.pgm": b"not a picture",
        "none.pgm": b"",
        "wall.pgm": b"P5 64 64 255\n" + bytes(4096),
    }
    extra = []
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
        extra.append(SourcePhoto(name, "nobody", tmp_path / name, "test"))
    plan = plans.make_plan([*photos, *extra], seed=5)
    assert plan.counted_in == len(photos) + 3
    assert len(plan.photos) == len(photos)
    assert plan.dropped == {"empty": 1, "no_face": 1, "not_an_image": 1}


def test_the_same_seed_gives_the_same_plan(photos: list[SourcePhoto], plan: plans.Plan) -> None:
    assert plans.make_plan(photos, seed=5) == plan
    assert plans.make_plan(photos, seed=6) != plan


def test_a_plan_survives_its_file(plan: plans.Plan, tmp_path: Path) -> None:
    plans.write(plan, tmp_path / "plan.json")
    assert plans.read(tmp_path / "plan.json") == plan


@pytest.mark.parametrize("field", ["identity_id", "component_id"])
def test_a_person_in_two_splits_is_refused_by_name(plan: plans.Plan, field: str) -> None:
    train = next(photo for photo in plan.photos if photo.split == "train")
    test = next(photo for photo in plan.photos if photo.split == "test")
    moved = replace(test, **{field: getattr(train, field)})
    leaking = [moved if photo == test else photo for photo in plan.photos]
    with pytest.raises(DatasetError, match=getattr(train, field)):
        plans.refuse_leaks(leaking)


def test_a_donor_from_another_split_is_refused_by_name(plan: plans.Plan) -> None:
    train = next(photo for photo in plan.photos if photo.split == "train")
    test = next(photo for photo in plan.photos if photo.split == "test")
    leaking = [
        replace(photo, donor_id=train.image_id) if photo == test else photo for photo in plan.photos
    ]
    with pytest.raises(DatasetError, match=test.image_id):
        plans.refuse_leaks(leaking)


def test_a_mirrored_copy_under_another_name_joins_its_original(
    photos: list[SourcePhoto], tmp_path: Path
) -> None:
    original = decode(photos[0].path.read_bytes())
    (tmp_path / "copy").write_bytes(encode_jpeg(original[:, ::-1].copy(), 60, 2))
    copy = SourcePhoto("copy", "somebody else", tmp_path / "copy", "test")
    plan = plans.make_plan([*photos, copy], seed=5)
    by_id = {photo.image_id: photo for photo in plan.photos}
    joined = (by_id["copy"], by_id[photos[0].image_id])
    assert len({(photo.component_id, photo.split) for photo in joined}) == 1


def test_a_face_too_small_to_alter_is_dropped_by_reason(
    photos: list[SourcePhoto], tmp_path: Path
) -> None:
    small = decode(photos[0].path.read_bytes())[::2, ::2].copy()
    (tmp_path / "small").write_bytes(encode_jpeg(small, 95, 0))
    plan = plans.make_plan([*photos, SourcePhoto("s", "s", tmp_path / "small", "test")], seed=5)
    assert sum(plan.dropped.values()) == 1
    assert set(plan.dropped) <= {"face_too_small", "no_face"}


def test_the_fewest_people_are_enough_and_one_less_is_refused(photos: list[SourcePhoto]) -> None:
    enough = FEWEST_GROUPS * PHOTOS_EACH
    plan = plans.make_plan(photos[:enough], seed=0)
    assert len({photo.identity_id for photo in plan.photos}) == FEWEST_GROUPS
    with pytest.raises(DatasetError, match=f"at least {FEWEST_GROUPS} are needed"):
        plans.make_plan(photos[: enough - PHOTOS_EACH], seed=0)


def test_photos_without_faces_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.pgm"
    path.touch()
    with pytest.raises(DatasetError, match="no usable photo"):
        plans.make_plan([SourcePhoto("a", "b", path, "test")], seed=0)
