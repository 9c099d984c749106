import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceproof.data import plans, triplets
from faceproof.data.forgery import AUTOENCODER, reconstruct
from faceproof.data.forgery.forged import Method
from faceproof.data.forgery.methods import locate_checkpoint, open_methods
from faceproof.data.images import decode
from faceproof.data.settings import Shams
from faceproof.data.sources.photos import SourcePhoto
from faceproof.errors import DatasetError
from faceproof.records import FaceRecord


def make_records(plan: plans.Plan, methods: dict[str, Method], shams: Shams) -> list[FaceRecord]:
    return list(triplets.make_records(plan.photos, methods, shams))


@pytest.fixture(scope="module")
def records(
    photos: list[SourcePhoto], tmp_path_factory: pytest.TempPathFactory
) -> list[FaceRecord]:
    plan = plans.make_plan(photos, seed=5)
    networks = tmp_path_factory.mktemp("forger")
    crop = plan.photos[0].read_pixels()
    photos_of = [(crop, plan.photos[0].crop.landmarks())]
    reconstruct.train(photos_of, 30, 0, locate_checkpoint(networks, AUTOENCODER), "")
    methods = open_methods(["swap", "autoencoder"], networks)
    return make_records(plan, methods, "one")


def test_a_sham_of_each_family_can_be_had(photos: list[SourcePhoto], tmp_path: Path) -> None:
    names = ["swap", "self_blend", "expression", "hole"]
    plan = plans.make_plan(photos, seed=5)
    methods = open_methods(names, tmp_path / "none")
    records = make_records(plan, methods, "each")
    shams = Counter(one.family for one in records if one.role == "sham")
    assert shams == {"blend": 30, "warp": 30, "inpaint": 30}
    assert len({one.image_id for one in records}) == len(records) == 30 * 8
    assert Counter(len(one.parent_ids) for one in records if one.method == "swap") == {2: 30}


def test_each_photo_gives_one_real_one_sham_and_a_fake_of_each_method(
    records: list[FaceRecord], photos: list[SourcePhoto]
) -> None:
    by_pair: dict[str, list[FaceRecord]] = {}
    for record in records:
        by_pair.setdefault(record.pair_id, []).append(record)
    assert set(by_pair) == {photo.image_id for photo in photos}
    for members in by_pair.values():
        assert Counter(one.role for one in members) == {"real": 1, "sham": 1, "fake": 2}
        assert {one.method for one in members} == {"none", "sham", "swap", "autoencoder"}
        assert len({(one.identity_id, one.component_id) for one in members}) == 1


def test_labels_families_parents_and_seeds_follow_the_roles(records: list[FaceRecord]) -> None:
    for one in records:
        assert one.label == ("fake" if one.role == "fake" else "real")
        assert (one.mask is not None) == (one.role == "fake")
        assert (one.seed is None) == (one.role == "real")
        if one.role == "real":
            assert (one.family, one.image_id, one.parent_ids) == ("none", one.pair_id, ())
        else:
            assert one.parent_ids[0] == one.pair_id != one.image_id
            assert len(one.parent_ids) == (2 if one.method == "swap" else 1)


def test_shams_come_from_both_families(records: list[FaceRecord]) -> None:
    families = {one.family for one in records if one.role == "sham"}
    assert families == {"blend", "reconstruct"}


def test_nothing_about_the_file_differs_within_a_photo(records: list[FaceRecord]) -> None:
    facts: dict[str, set[object]] = {}
    for one in records:
        picture = Image.open(io.BytesIO(one.image))
        tables = str(picture.quantization)  # type: ignore[attr-defined]  # a JPEG
        entry = (len(one.image), picture.size, picture.mode, tables, "exif" in picture.info)
        facts.setdefault(one.pair_id, set()).add(entry)
    assert all(len(entries) == 1 for entries in facts.values())
    assert len({entry for entries in facts.values() for entry in entries}) > 5  # drawn per photo


def test_fakes_of_grey_photos_are_grey(records: list[FaceRecord]) -> None:
    for one in records:
        pixels = decode(one.image)
        assert (pixels == pixels[..., :1]).all()


def test_a_mask_has_the_size_of_its_image_and_marks_something(records: list[FaceRecord]) -> None:
    for one in records:
        if one.mask is not None:
            mask = np.asarray(Image.open(io.BytesIO(one.mask)))
            assert mask.shape == decode(one.image).shape[:2]
            assert mask.max() == 255


def test_ids_are_unique_and_tell_no_role(records: list[FaceRecord]) -> None:
    assert len({one.image_id for one in records}) == len(records)
    assert {len(one.image_id) for one in records} == {len("orl-") + 12}


def test_a_synthesized_face_is_its_own_pair_person_and_group(
    photos: list[SourcePhoto], tmp_path: Path
) -> None:
    plan = plans.make_plan(photos, seed=5)
    few = [replace(photo, donor_id=photo.image_id) for photo in plan.photos[:3]]
    methods = open_methods(["hole", "dcgan"], tmp_path)
    made = list(triplets.make_records(few, methods, "each", workers=2))
    assert made == list(triplets.make_records(few, methods, "each"))
    assert Counter(one.role for one in made) == {"real": 3, "sham": 3, "fake": 6}
    by_id = {one.image_id: one for one in made}
    for one in (one for one in made if one.method == "dcgan"):
        assert one.image_id == one.pair_id == one.component_id == one.identity_id
        assert (one.parent_ids, one.family) == ((), "synthesize")
        assert one.mask is not None
        assert (decode(one.mask) == 255).all()
        beside = by_id[json.loads(one.parameters)["beside"]]
        assert len(one.image) == len(beside.image)
        assert decode(one.image).shape == decode(beside.image).shape
        assert one.labels.consent == "shows nobody"
    assert {one.family for one in made if one.role == "sham"} == {"inpaint"}


def test_all_records_of_a_photo_carry_its_labels(records: list[FaceRecord]) -> None:
    by_pair = {one.pair_id: one.labels for one in records}
    assert all(one.labels == by_pair[one.pair_id] for one in records)


def test_fakes_of_others_stand_beside_photos_of_their_own_set(
    photos: list[SourcePhoto], tmp_path: Path
) -> None:
    """With the photo's size and codec; nothing but their pixels is theirs."""
    album = {photo.identity_id for photo in photos[:15]}
    sorted_in = [
        replace(one, source="album" if one.identity_id in album else "archive") for one in photos
    ]
    sources = ["album", "nowhere"] * 15
    made = [
        replace(one, image_id=f"made-{number}", source=source, generator="gan")
        for number, (one, source) in enumerate(zip(photos, sources, strict=True))
    ]
    plan = plans.make_plan([*sorted_in, *made], seed=5)
    assert len(plan.photos) == len(photos)
    assert plan.counted_in == len(photos) + len(made)
    plans.write(plan, tmp_path / "plan.json")
    assert plans.read(tmp_path / "plan.json") == plan
    records = make_records(plan, open_methods(["hole"], tmp_path), "one")
    strangers = {one.image_id: one for one in records if one.method == "gan"}
    assert len(strangers) == len(made)
    by_id = {one.image_id: one for one in records}
    hosts: Counter[str] = Counter()
    for one in strangers.values():
        beside = by_id[json.loads(one.parameters)["beside"]]
        hosts[f"{one.source} {beside.image_id}"] += 1
        assert one.source == "nowhere" or beside.source == "album"
        assert len(one.image) == len(beside.image)
        assert decode(one.image).shape == decode(beside.image).shape
        assert (one.label, one.family, one.parent_ids, one.seed) == ("fake", "synthesize", (), None)
        assert one.pair_id == one.component_id == one.image_id
        assert one.labels.face_pixels == beside.labels.face_pixels
    shams = [one for one in records if (one.family, one.method) == ("synthesize", "sham")]
    assert {one.pair_id for one in shams} == {name.partition(" ")[2] for name in hosts}
    for sham in shams:
        assert (sham.label, sham.mask, sham.parent_ids) == ("real", None, (sham.pair_id,))
        assert decode(sham.image).shape == decode(by_id[sham.pair_id].image).shape
    assert max(hosts.values()) == 1  # 15 of each set, at least as many hosts

    hosted = plans.make_plan([*sorted_in, *made], seed=5, hosts=["archive"])
    sets = {(one.source, photo.source) for photo in hosted.photos for one in photo.strangers}
    assert sets == {("album", "album"), ("nowhere", "archive")}
    with pytest.raises(DatasetError, match="hosts names nowhere; there are photos of album, arch"):
        plans.make_plan([*sorted_in, *made], seed=5, hosts=["nowhere"])
