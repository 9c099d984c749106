"""Real, sham, fake: a triplet of roles, all images that come from one photo, one encoder.

Every photo gives one real record, one fake of each method, and one sham: the photo after the
null version of a method drawn at random. Sham is labelled real. All of them share the codec
settings and the file size, so neither can give the label away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceproof.data.forgery import blend, reconstruct
from faceproof.data.forgery.forged import Forged
from faceproof.data.images import Pixels, encode_jpeg, encode_mask, equalise_sizes
from faceproof.data.plans import PlannedPhoto, derive_seed
from faceproof.data.sources.photos import make_id
from faceproof.records import FaceRecord, Role

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


def make_records(
    photos: Sequence[PlannedPhoto], autoencoder: reconstruct.Autoencoder
) -> Iterator[FaceRecord]:
    """The records of all photos, photo by photo. `photos` must hold every donor they name."""
    by_id = {photo.image_id: photo for photo in photos}
    for photo in photos:
        pixels = photo.read_pixels()
        donor = by_id[photo.donor_id]
        forged = {
            (blend.FAMILY, blend.METHOD): (
                blend.swap(
                    pixels, photo.crop.landmarks(), donor.read_pixels(), donor.crop.landmarks()
                ),
                (photo.image_id, donor.image_id),
            ),
            (reconstruct.FAMILY, reconstruct.METHOD): (
                autoencoder.reconstruct(pixels, np.random.default_rng(photo.seed)),
                (photo.image_id,),
            ),
        }
        yield from _encode(photo, _choose_versions(photo, pixels, forged))


def _choose_versions(
    photo: PlannedPhoto,
    pixels: Pixels,
    forged: Mapping[tuple[str, str], tuple[Forged, tuple[str, ...]]],
) -> list[_Version]:
    versions = [_Version(pixels, None, "real", NO_METHOD, NO_METHOD, ())]
    rng = np.random.default_rng(derive_seed(photo.seed, "sham"))
    family, method = list(forged)[rng.integers(len(forged))]
    sham = forged[family, method][0].sham
    versions.append(_Version(sham, None, "sham", family, SHAM_METHOD, (photo.image_id,)))
    for (family, method), (result, parents) in forged.items():
        versions.append(_Version(result.fake, result.mask, "fake", family, method, parents))
    return [replace(version, pixels=_match_grey(version.pixels, pixels)) for version in versions]


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
        is_photo = version.role == "real"
        yield FaceRecord(
            image=data,
            mask=None if version.mask is None else encode_mask(version.mask),
            label="fake" if version.role == "fake" else "real",
            role=version.role,
            family=version.family,
            method=version.method,
            image_id=photo.image_id
            if is_photo
            else make_id(photo.source, photo.image_id, version.role, version.method),
            pair_id=photo.image_id,
            component_id=photo.component_id,
            identity_id=photo.identity_id,
            parent_ids=version.parents,
            source=photo.source,
            seed=None if is_photo else photo.seed,
        )
