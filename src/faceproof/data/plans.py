"""The plan of a build: every photo with its crop, group, split, donor and seed.

It is made before any pixel is changed, and it is a file, so that a build can be inspected and
repeated.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceproof.console import progress
from faceproof.data.attributes import describe_photo
from faceproof.data.checks.duplicates import Hash, find_near, hash_photo
from faceproof.data.faces import Crop, find_largest, refuse_small
from faceproof.data.images import Pixels, decode
from faceproof.data.sources.photos import SourcePhoto, Terms
from faceproof.data.splits import (
    Candidate,
    assign_splits,
    derive_seed,
    draw_donors,
    find_crossings,
    join_components,
)
from faceproof.errors import DatasetError, ImageError
from faceproof.records import PhotoLabels, Split
from faceproof.storage import replacing

_LIGHT_BANDS = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stranger:
    """A fake face that others made, stood beside a photo whose light, size and codec it takes."""

    image_id: str
    generator: str
    source: str
    path: str
    crop: Crop
    terms: Terms

    def read_pixels(self) -> Pixels:
        """The face, cut out of its file, (side, side, 3) uint8 RGB."""
        return self.crop.cut(decode(Path(self.path).read_bytes()))


@dataclass(frozen=True)
class PlannedPhoto:
    """A kept photo and all that was decided about it."""

    image_id: str
    identity_id: str
    component_id: str
    split: Split
    source: str
    path: str
    crop: Crop
    donor_id: str
    seed: int
    labels: PhotoLabels
    strangers: tuple[Stranger, ...] = ()

    def read_pixels(self) -> Pixels:
        """The face, cut out of its file, (side, side, 3) uint8 RGB."""
        return self.crop.cut(decode(Path(self.path).read_bytes()))


@dataclass(frozen=True)
class Plan:
    """The kept photos and, for each reason, how many were dropped."""

    photos: tuple[PlannedPhoto, ...]
    dropped: dict[str, int]

    @property
    def counted_in(self) -> int:
        """Images that entered the build."""
        strangers = sum(len(photo.strangers) for photo in self.photos)
        return len(self.photos) + strangers + sum(self.dropped.values())


@dataclass(frozen=True)
class _Face:
    photo: SourcePhoto
    crop: Crop
    labels: PhotoLabels
    hash: Hash


def make_plan(photos: Iterable[SourcePhoto], seed: int, hosts: Sequence[str] = ()) -> Plan:
    """Find faces, group people and copies, split the groups, draw donors.

    Args:
        photos: real photos, and fakes that others made; unusable ones are dropped with a reason
            and counted.
        seed: of the splits, the donors and every later draw.
        hosts: sets beside whose photos stand the fakes of sets that have no photos; empty: all.

    Raises:
        DatasetError: too few people are left, a group would cross splits, or a host has no photos.
    """
    everybody, dropped = _find_faces(photos)
    faces = [face for face in everybody if face.photo.generator is None]
    if not faces:
        raise DatasetError(f"no usable photo among {sum(dropped.values())}: {dict(dropped)}")
    components = join_components(_link(faces))
    groups = [components[face.photo.image_id] for face in faces]
    splits = assign_splits(_stratify(groups, [face.labels.brightness for face in faces]), seed)
    candidates = [
        Candidate(face.photo.image_id, group, splits[group], face.crop.landmarks(), face.labels)
        for face, group in zip(faces, groups, strict=True)
    ]
    beside = _place_strangers(everybody, seed, hosts)
    planned = tuple(
        PlannedPhoto(
            image_id=one.image_id, identity_id=face.photo.identity_id,
            component_id=one.component_id, split=one.split, source=face.photo.source,
            path=str(face.photo.path), crop=face.crop, donor_id=donor,
            seed=derive_seed(seed, one.image_id), labels=face.labels,
            strangers=tuple(beside.get(one.image_id, ())),
        )
        for face, one, donor in zip(faces, candidates, draw_donors(candidates, seed), strict=True)
    )  # fmt: skip
    plan = Plan(planned, dict(sorted(dropped.items())))
    refuse_leaks(plan.photos)
    logger.info(
        "planned %d photos of %d, dropped %s", len(planned), plan.counted_in, dropped or "none"
    )
    return plan


def refuse_leaks(photos: Sequence[PlannedPhoto]) -> None:
    """Stop a plan in which a person, a component or a donor stands on two sides of a split.

    Raises:
        DatasetError: with the names.
    """
    split_of = {photo.image_id: photo.split for photo in photos}
    leaks = {
        "people": sorted(find_crossings((photo.identity_id, photo.split) for photo in photos)),
        "groups": sorted(find_crossings((photo.component_id, photo.split) for photo in photos)),
        "donors of": [one.image_id for one in photos if split_of[one.donor_id] != one.split],
    }
    for what, names in leaks.items():
        if names:
            raise DatasetError(f"the splits leak: {what} {', '.join(names)} stand in two splits")


def write(plan: Plan, path: Path) -> None:
    """Write the plan as JSON, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(asdict(plan), indent=1) + "\n")


def read(path: Path) -> Plan:
    """Read a plan written by `write`."""
    document = json.loads(path.read_text())
    return Plan(tuple(map(_read_photo, document["photos"])), document["dropped"])


def _read_photo(entry: dict[str, Any]) -> PlannedPhoto:
    crop, labels = _read_crop(entry["crop"]), PhotoLabels(**entry["labels"])
    strangers = tuple(
        Stranger(**{**one, "crop": _read_crop(one["crop"]), "terms": Terms(**one["terms"])})
        for one in entry["strangers"]
    )
    return PlannedPhoto(**{**entry, "crop": crop, "labels": labels, "strangers": strangers})


def _read_crop(entry: dict[str, Any]) -> Crop:
    points = tuple((float(x), float(y)) for x, y in entry["points"])
    return Crop(**{**entry, "points": points, "box": tuple(entry["box"])})


def _find_faces(photos: Iterable[SourcePhoto]) -> tuple[list[_Face], Counter[str]]:
    """Kept faces in the order of the photos; the networks run outside Python's lock, so threads."""
    listed = list(photos)
    faces: list[_Face] = []
    dropped: Counter[str] = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        examined = pool.map(_examine, listed)
        for found in progress(examined, "finding faces", "photos", len(listed)):
            if isinstance(found, _Face):
                faces.append(found)
            else:
                dropped[found.code] += 1
    return faces, dropped


def _examine(photo: SourcePhoto) -> _Face | ImageError:
    data = photo.path.read_bytes()
    try:
        pixels = decode(data)
        crop = find_largest(pixels)
        refuse_small(crop)
    except ImageError as error:
        logger.warning("dropped %s: %s", photo.image_id, error)
        return error
    labels = describe_photo(photo, data, pixels, crop)
    return _Face(photo, crop, labels, hash_photo(pixels))


def _place_strangers(
    faces: Sequence[_Face], seed: int, hosts: Sequence[str]
) -> dict[str, list[Stranger]]:
    """Beside which photo each fake of others stands: of its own set where that has photos.

    Why: a set's reals and its fakes were gathered and encoded alike, so nothing but the forgery
    tells them apart. Where a set has fakes only, photos of the hosts take turns. They should look
    like the fakes: a portrait beside a fake that is none lets the kind of photo tell.

    Raises:
        DatasetError: a host has no photos.
    """
    rng = np.random.default_rng(derive_seed(seed, "strangers"))
    photos = [face.photo for face in faces if face.photo.generator is None]
    by_set: dict[str, list[str]] = {}
    for photo in photos:
        by_set.setdefault(photo.source, []).append(photo.image_id)
    missing = sorted(set(hosts) - set(by_set))
    if missing:
        raise DatasetError(
            f"hosts names {', '.join(missing)}; there are photos of {', '.join(sorted(by_set))}"
        )
    others = [photo.image_id for photo in photos if not hosts or photo.source in hosts]
    strangers: dict[str, list[_Face]] = {}
    for face in faces:
        if face.photo.generator is not None:
            strangers.setdefault(face.photo.source, []).append(face)
    placed: dict[str, list[Stranger]] = {}
    for source, members in sorted(strangers.items()):
        turns = rng.permutation(by_set.get(source, others))
        for number, place in enumerate(rng.permutation(len(members)).tolist()):
            host = str(turns[number % len(turns)])
            placed.setdefault(host, []).append(_to_stranger(members[place]))
    return placed


def _to_stranger(face: _Face) -> Stranger:
    one = face.photo
    path, generator = str(one.path), one.generator or ""
    return Stranger(one.image_id, generator, one.source, path, face.crop, one.terms)


def _link(faces: Sequence[_Face]) -> Iterator[tuple[str, str]]:
    """What must stay together: a photo and its person, and photos that are copies of each other."""
    yield from ((face.photo.image_id, face.photo.identity_id) for face in faces)
    for first, second in find_near([face.hash for face in faces]):
        yield faces[first].photo.image_id, faces[second].photo.image_id


def _stratify(components: Sequence[str], lights: Sequence[float]) -> dict[str, str]:
    """Bands of mean brightness, so that no split is the dark one.

    Labels need no stratum: every photo brings its own real, sham and fakes.
    """
    values: dict[str, list[float]] = {}
    for component, light in zip(components, lights, strict=True):
        values.setdefault(component, []).append(light)
    means = {component: float(np.mean(light)) for component, light in values.items()}
    edges = np.quantile(list(means.values()), np.linspace(0, 1, _LIGHT_BANDS + 1)[1:-1])
    return {component: f"light-{np.searchsorted(edges, mean)}" for component, mean in means.items()}
