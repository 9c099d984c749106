"""The plan of a build: every photo with its crop, group, split, donor and seed.

It is made before any pixel is changed, and it is a file, so that a build can be inspected and
repeated.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceproof.console import progress
from faceproof.data.checks.duplicates import Hash, find_near, hash_photo
from faceproof.data.faces import Crop, find_largest, refuse_small
from faceproof.data.images import Pixels, decode
from faceproof.data.sources.photos import SourcePhoto
from faceproof.data.splits import assign_splits, find_crossings, join_components
from faceproof.errors import DatasetError, ImageError
from faceproof.records import Split
from faceproof.storage import replacing

_LIGHT_WEIGHT = 1.0  # of a full step from black to white against one unit of landmark distance
_NEAREST = 3  # donors to draw among: the closest look best, one alone would repeat
_LIGHT_BANDS = 2

logger = logging.getLogger(__name__)


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
        """Photos that entered the build."""
        return len(self.photos) + sum(self.dropped.values())


@dataclass(frozen=True)
class _Face:
    photo: SourcePhoto
    crop: Crop
    light: float
    hash: Hash


def make_plan(photos: Iterable[SourcePhoto], seed: int) -> Plan:
    """Find faces, group people and copies, split the groups, draw donors.

    Args:
        photos: real photos; unusable ones are dropped with a reason and counted.
        seed: of the splits, the donors and every later draw.

    Raises:
        DatasetError: too few people are left, or a group would cross splits.
    """
    faces, dropped = _find_faces(photos)
    if not faces:
        raise DatasetError(f"no usable photo among {sum(dropped.values())}: {dict(dropped)}")
    components = join_components(_link(faces))
    photo_components = [components[face.photo.image_id] for face in faces]
    splits = assign_splits(_stratify(photo_components, [face.light for face in faces]), seed)
    photo_splits = [splits[component] for component in photo_components]
    donors = _draw_donors(faces, photo_components, photo_splits, seed)
    planned = tuple(
        PlannedPhoto(
            image_id=face.photo.image_id,
            identity_id=face.photo.identity_id,
            component_id=component,
            split=split,
            source=face.photo.source,
            path=str(face.photo.path),
            crop=face.crop,
            donor_id=faces[donor].photo.image_id,
            seed=derive_seed(seed, face.photo.image_id),
        )
        for face, component, split, donor in zip(
            faces, photo_components, photo_splits, donors, strict=True
        )
    )
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
    people = find_crossings((photo.identity_id, photo.split) for photo in photos)
    components = find_crossings((photo.component_id, photo.split) for photo in photos)
    donors = [photo.image_id for photo in photos if split_of[photo.donor_id] != photo.split]
    for what, names in (
        ("people", sorted(people)),
        ("groups", sorted(components)),
        ("donors of", donors),
    ):
        if names:
            raise DatasetError(f"the splits leak: {what} {', '.join(names)} stand in two splits")


def derive_seed(seed: int, *names: str) -> int:
    """A seed of its own for each name, 0 to 2^63 - 1: the same on every machine."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def write(plan: Plan, path: Path) -> None:
    """Write the plan as JSON, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(asdict(plan), indent=1) + "\n")


def read(path: Path) -> Plan:
    """Read a plan written by `write`."""
    document = json.loads(path.read_text())
    photos = tuple(
        PlannedPhoto(**{**entry, "crop": _read_crop(entry["crop"])}) for entry in document["photos"]
    )
    return Plan(photos, document["dropped"])


def _read_crop(entry: dict[str, Any]) -> Crop:
    return Crop(**{**entry, "points": tuple((float(x), float(y)) for x, y in entry["points"])})


def _find_faces(photos: Iterable[SourcePhoto]) -> tuple[list[_Face], Counter[str]]:
    faces: list[_Face] = []
    dropped: Counter[str] = Counter()
    for photo in progress(photos, "finding faces", "photos"):
        try:
            pixels = decode(photo.path.read_bytes())
            crop = find_largest(pixels)
            refuse_small(crop)
        except ImageError as error:
            dropped[error.code] += 1
            logger.warning("dropped %s: %s", photo.image_id, error)
            continue
        light = float(crop.cut(pixels).mean()) / 255
        faces.append(_Face(photo, crop, light, hash_photo(pixels)))
    return faces, dropped


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


def _draw_donors(
    faces: Sequence[_Face], components: Sequence[str], splits: Sequence[Split], seed: int
) -> list[int]:
    """For each face one of the nearest in pose and light, another component of the same split."""
    shapes = np.stack([_shape(face.crop.landmarks()) for face in faces])
    lights = np.array([face.light for face in faces])
    groups, split_names = np.array(components), np.array(splits)
    donors = []
    for index, face in enumerate(faces):
        distance = np.linalg.norm(shapes - shapes[index], axis=1)
        distance += _LIGHT_WEIGHT * np.abs(lights - lights[index])
        allowed = np.flatnonzero((split_names == split_names[index]) & (groups != groups[index]))
        if not len(allowed):
            raise DatasetError(
                f"split {splits[index]} holds one person only; add people to swap with"
            )
        nearest = allowed[np.argsort(distance[allowed], kind="stable")[:_NEAREST]]
        rng = np.random.default_rng(derive_seed(seed, "donor", face.photo.image_id))
        donors.append(int(rng.choice(nearest)))
    return donors


def _shape(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Landmarks without place and size, shape (10,): what is left is pose (Kendall 1984)."""
    centred = (points - points.mean(axis=0)).astype(np.float64)
    return np.asarray((centred / np.linalg.norm(centred)).ravel(), np.float64)
