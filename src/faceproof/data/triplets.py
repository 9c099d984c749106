"""Real, sham, fake: a triplet of roles, all images that come from one photo, one encoder.

Every photo gives one real record, one fake of each method, and shams: the photo after the null
version of a method, for one family drawn at random or for each. Sham is labelled real. All of them
share the codec settings and the file size, so neither can give the label away.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from faceproof.data.attributes import describe_photo
from faceproof.data.faces import find_largest
from faceproof.data.forgery.compositing import match_grey
from faceproof.data.forgery.forged import Forged, Method, Scene
from faceproof.data.forgery.synthesize import FAMILY
from faceproof.data.forgery.tensors import single_thread
from faceproof.data.images import Pixels, encode_jpeg, encode_mask, equalise_sizes
from faceproof.data.plans import PlannedPhoto, Stranger
from faceproof.data.settings import Shams
from faceproof.data.sources.photos import SourcePhoto, Terms, make_id
from faceproof.data.splits import derive_seed
from faceproof.records import BESIDE, NONE, SHAM, FaceRecord, PhotoLabels, Role

_QUALITIES = range(75, 96)  # JPEG quality of photos on the web, drawn per triplet
_SUBSAMPLINGS = (0, 2)  # 4:4:4 and 4:2:0
_AHEAD = 8  # photos each worker may be ahead of the writer: bounds memory


@dataclass(frozen=True)
class _Version:
    """One image of a triplet before encoding."""

    pixels: Pixels
    mask: Pixels | None
    role: Role
    family: str
    method: str
    parents: tuple[str, ...]
    seed: int | None
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    terms: Terms | None = None
    stranger: Stranger | None = None


def make_records(
    photos: Sequence[PlannedPhoto], methods: Mapping[str, Method], shams: Shams, workers: int = 1
) -> Iterator[FaceRecord]:
    """The records of all photos, photo by photo.

    Args:
        photos: with every donor they name.
        methods: one fake of each is made.
        shams: one per photo, of a family drawn at random, or one of each family.
        workers: photos forged at a time, by threads: the work is done outside Python's lock, and
            its draws are each photo's own, so any number gives the same bytes.
    """
    by_id = {photo.image_id: photo for photo in photos}

    def make(photo: PlannedPhoto) -> list[FaceRecord]:
        return list(_make_triplet(photo, by_id[photo.donor_id], methods, shams))

    with single_thread(), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(photos), workers * _AHEAD):
            for records in pool.map(make, photos[start : start + workers * _AHEAD]):
                yield from records


def _make_triplet(
    photo: PlannedPhoto, donor: PlannedPhoto, methods: Mapping[str, Method], shams: Shams
) -> Iterator[FaceRecord]:
    pixels, other = photo.read_pixels(), donor.read_pixels()
    points, donor_points = photo.crop.landmarks(), donor.crop.landmarks()
    forged = {}
    for name, method in methods.items():
        rng = np.random.default_rng(derive_seed(photo.seed, name))
        forged[name] = method.forge(Scene(pixels, points, other, donor_points, rng))
    versions = [
        _Version(pixels, None, "real", NONE, NONE, (), None),
        *_choose_shams(photo, forged, methods, shams),
        *_list_fakes(photo, forged, methods),
        *_list_strangers(photo, pixels),
    ]
    grey = [replace(one, pixels=match_grey(one.pixels, pixels)) for one in versions]
    yield from _encode(photo, grey)


def _choose_shams(
    photo: PlannedPhoto, forged: Mapping[str, Forged], methods: Mapping[str, Method], shams: Shams
) -> Iterator[_Version]:
    """Of a family with several methods one is drawn; its sham stands for the family.

    Synthesis has no null version: there is no photo to send through it. (What others made
    was at least resized, see `_list_strangers`.)
    """
    rng = np.random.default_rng(derive_seed(photo.seed, "sham"))
    families: dict[str, list[str]] = {}
    for name, method in methods.items():
        if not method.is_synthesis:
            families.setdefault(method.family, []).append(name)
    if not families:
        return
    chosen = list(families) if shams == "each" else [list(families)[rng.integers(len(families))]]
    for family in chosen:
        name = families[family][rng.integers(len(families[family]))]
        seed, parents = derive_seed(photo.seed, name), (photo.image_id,)
        one = forged[name]
        if one.sham is not None:
            yield _Version(one.sham, None, "sham", family, SHAM, parents, seed, one.parameters)


def _list_fakes(
    photo: PlannedPhoto, forged: Mapping[str, Forged], methods: Mapping[str, Method]
) -> Iterator[_Version]:
    for name, one in forged.items():
        method, seed = methods[name], derive_seed(photo.seed, name)
        parents = (photo.image_id, *((photo.donor_id,) if method.uses_donor else ()))
        parameters = one.parameters
        if method.is_synthesis:
            parents, parameters = (), {BESIDE: photo.image_id}
        yield _Version(
            one.fake, one.mask, "fake", method.family, name, parents, seed, parameters, method.terms
        )


def _list_strangers(photo: PlannedPhoto, pixels: Pixels) -> Iterator[_Version]:
    """Fakes that others made, in the photo's size; and the photo resized as the first of them was.

    Why the second: a fake that was resized beside a photo that was not could be told by that.
    """
    side = len(pixels)
    for one in photo.strangers:
        yield _Version(
            _resize(one.read_pixels(), side), np.full((side, side), 255, np.uint8), "fake", FAMILY,
            one.generator, (), None, {BESIDE: photo.image_id}, one.terms, one,
        )  # fmt: skip
    if photo.strangers:
        resized = _resize(_resize(pixels, photo.strangers[0].crop.side_pixels), side)
        yield _Version(resized, None, "sham", FAMILY, SHAM, (photo.image_id,), None)


def _resize(pixels: Pixels, side: int) -> Pixels:
    kernel = cv2.INTER_AREA if len(pixels) > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=kernel), np.uint8)


def _encode(photo: PlannedPhoto, versions: Sequence[_Version]) -> Iterator[FaceRecord]:
    rng = np.random.default_rng(derive_seed(photo.seed, "codec"))
    quality, subsampling = int(rng.choice(_QUALITIES)), int(rng.choice(_SUBSAMPLINGS))
    files = equalise_sizes([encode_jpeg(one.pixels, quality, subsampling) for one in versions])
    for version, data in zip(versions, files, strict=True):
        image_id = _name_version(photo, version)
        ids = (photo.image_id, photo.component_id, photo.identity_id)
        pair_id, component_id, identity_id = ids if version.terms is None else (image_id,) * 3
        yield FaceRecord(
            image=data,
            mask=None if version.mask is None else encode_mask(version.mask),
            label="fake" if version.role == "fake" else "real",
            role=version.role, family=version.family, method=version.method,
            image_id=image_id, pair_id=pair_id, component_id=component_id, identity_id=identity_id,
            parent_ids=version.parents,
            source=photo.source if version.stranger is None else version.stranger.source,
            seed=version.seed,
            parameters=json.dumps(dict(version.parameters), sort_keys=True),
            labels=photo.labels if version.terms is None else _label_nobody(version, version.terms),
        )  # fmt: skip


def _label_nobody(version: _Version, terms: Terms) -> PhotoLabels:
    """Labels of a synthesized face, measured in all of its own picture."""
    if version.stranger is None:
        crop = find_largest(version.pixels)
    else:
        crop = version.stranger.crop.scale(len(version.pixels))
    points = tuple((x + crop.left, y + crop.top) for x, y in crop.points)
    whole = replace(crop, left=0, top=0, side_pixels=len(version.pixels), points=points)
    return describe_photo(SourcePhoto("", "", Path(), "", terms), b"", version.pixels, whole)


def _name_version(photo: PlannedPhoto, version: _Version) -> str:
    if version.role == "real":
        return photo.image_id
    if version.stranger is not None:
        return version.stranger.image_id
    return make_id(photo.source, photo.image_id, version.role, version.family, version.method)
