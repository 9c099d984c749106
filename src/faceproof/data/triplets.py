"""Real, sham, fake: a triplet of roles, all images that come from one photo, one encoder.

Every photo gives one real record, one fake of each method, and shams: the photo after the null
version of a method, for one family drawn at random or for each. Sham is labelled real. All of them
share the codec settings and the file size, so neither can give the label away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from faceproof.data.forgery.forged import Forged, Method, Scene
from faceproof.data.images import Pixels, encode_jpeg, encode_mask, equalise_sizes
from faceproof.data.plans import PlannedPhoto, derive_seed
from faceproof.data.sources.photos import make_id
from faceproof.records import FaceRecord, Role

Shams = Literal["one", "each"]

_QUALITIES = range(75, 96)  # JPEG quality of photos on the web, drawn per triplet
_SUBSAMPLINGS = (0, 2)  # 4:4:4 and 4:2:0
NO_METHOD = "none"
SHAM_METHOD = "sham"


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


def make_records(
    photos: Sequence[PlannedPhoto], methods: Mapping[str, Method], shams: Shams
) -> Iterator[FaceRecord]:
    """The records of all photos, photo by photo.

    Args:
        photos: with every donor they name.
        methods: one fake of each is made.
        shams: one per photo, of a family drawn at random, or one of each family.
    """
    by_id = {photo.image_id: photo for photo in photos}
    for photo in photos:
        donor = by_id[photo.donor_id]
        pixels, other = photo.read_pixels(), donor.read_pixels()
        forged = {
            name: method.forge(
                Scene(
                    photo=pixels,
                    points=photo.crop.landmarks(),
                    donor=other,
                    donor_points=donor.crop.landmarks(),
                    rng=np.random.default_rng(derive_seed(photo.seed, name)),
                )
            )
            for name, method in methods.items()
        }
        versions = [
            _Version(pixels, None, "real", NO_METHOD, NO_METHOD, (), None),
            *_choose_shams(photo, forged, methods, shams),
            *_list_fakes(photo, forged, methods),
        ]
        grey = [replace(one, pixels=_match_grey(one.pixels, pixels)) for one in versions]
        yield from _encode(photo, grey)


def _choose_shams(
    photo: PlannedPhoto, forged: Mapping[str, Forged], methods: Mapping[str, Method], shams: Shams
) -> Iterator[_Version]:
    """Of a family with several methods one is drawn; its sham stands for the family."""
    rng = np.random.default_rng(derive_seed(photo.seed, "sham"))
    families: dict[str, list[str]] = {}
    for name, method in methods.items():
        families.setdefault(method.family, []).append(name)
    chosen = list(families) if shams == "each" else [list(families)[rng.integers(len(families))]]
    for family in chosen:
        name = families[family][rng.integers(len(families[family]))]
        seed, parents = derive_seed(photo.seed, name), (photo.image_id,)
        yield _Version(forged[name].sham, None, "sham", family, SHAM_METHOD, parents, seed)


def _list_fakes(
    photo: PlannedPhoto, forged: Mapping[str, Forged], methods: Mapping[str, Method]
) -> Iterator[_Version]:
    for name, result in forged.items():
        donors = (photo.donor_id,) if methods[name].uses_donor else ()
        parents = (photo.image_id, *donors)
        seed, family = derive_seed(photo.seed, name), methods[name].family
        yield _Version(result.fake, result.mask, "fake", family, name, parents, seed)


def _match_grey(pixels: Pixels, photo: Pixels) -> Pixels:
    """A grey photo's fakes stay grey: a tint would give them away."""
    if not (photo == photo[..., :1]).all():
        return pixels
    grey = np.rint(pixels.mean(axis=2, keepdims=True)).astype(np.uint8)
    return np.repeat(grey, 3, axis=2)


def _encode(photo: PlannedPhoto, versions: Sequence[_Version]) -> Iterator[FaceRecord]:
    rng = np.random.default_rng(derive_seed(photo.seed, "codec"))
    quality, subsampling = int(rng.choice(_QUALITIES)), int(rng.choice(_SUBSAMPLINGS))
    files = equalise_sizes(
        [encode_jpeg(version.pixels, quality, subsampling) for version in versions]
    )
    for version, data in zip(versions, files, strict=True):
        yield FaceRecord(
            image=data,
            mask=None if version.mask is None else encode_mask(version.mask),
            label="fake" if version.role == "fake" else "real",
            role=version.role,
            family=version.family,
            method=version.method,
            image_id=_name_version(photo, version),
            pair_id=photo.image_id,
            component_id=photo.component_id,
            identity_id=photo.identity_id,
            parent_ids=version.parents,
            source=photo.source,
            seed=version.seed,
        )


def _name_version(photo: PlannedPhoto, version: _Version) -> str:
    if version.role == "real":
        return photo.image_id
    return make_id(photo.source, photo.image_id, version.role, version.family, version.method)
