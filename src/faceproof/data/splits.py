"""Who goes where: whole groups of people into train, validation and test, donors inside a split.

A donor is alike, of another group and the same split. Donors unlike the photo make irregular faces
that give a swap away and, because likeness is uneven over groups of people, make errors uneven too
(Trinh and Liu 2021).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceproof.errors import DatasetError
from faceproof.records import SPLITS, PhotoLabels, Split

_SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "dev": "validation",
    "val": "validation", "valid": "validation", "validation": "validation", "eval": "validation",
}  # fmt: skip
FEWEST_GROUPS = 9  # from here on every split holds two, so that faces can be swapped inside it
SHARES: Mapping[Split, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}
_LIGHT_WEIGHT = 1.0  # of a full step from black to white against one unit of landmark distance
_TONE_DEGREES = 60.0  # of typology angle that count like one unit of landmark distance
_GREY_TONE = -300.0  # grey photos have none: alike among each other, unlike any in colour
_OTHER_SEX = 10.0  # more than any other distance: only where a split holds nobody else
_NEAREST = 3  # donors to draw among: the closest look best, one alone would repeat


def read_split(text: str) -> Split | None:
    """The split that a word names, in any case; None for other words."""
    return _SPLIT_WORDS.get(text.strip().lower())


def join_components(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name the connected component of every photo.

    Args:
        links: pairs that must stay together: photo and identity, photo and near-duplicate.

    Returns:
        For each name in `links`, the smallest name of its component.

    Source: union-find with path halving (Tarjan and van Leeuwen 1984).
    """
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second in links:
        low, high = sorted((find(first), find(second)))
        parent[high] = low
    return {name: find(name) for name in list(parent)}


def assign_splits(strata: Mapping[str, str], seed: int) -> dict[str, Split]:
    """Give each component a split, in the shares 60/20/20 within every stratum.

    Components are shuffled inside their stratum; the strata are laid end to end and cut by
    cumulated shares, so that small strata do not lose their share to rounding.

    Args:
        strata: component to stratum.
        seed: of the shuffle.

    Raises:
        DatasetError: too few components to give every split two.
    """
    if len(strata) < FEWEST_GROUPS:
        raise DatasetError(
            f"{len(strata)} people (or groups that near copies tie together) are too few; at "
            f"least {FEWEST_GROUPS} are needed, so that each of three splits holds two"
        )
    rng = np.random.default_rng(seed)
    drawn = {component: rng.random() for component in sorted(strata)}
    order = sorted(strata, key=lambda component: (strata[component], drawn[component]))
    assigned: dict[str, Split] = {}
    given = dict.fromkeys(SPLITS, 0)
    for place, component in enumerate(order, start=1):
        split = max(SPLITS, key=lambda name: SHARES[name] * place - given[name])
        assigned[component] = split
        given[split] += 1
    return assigned


def find_crossings(groups: Iterable[tuple[str, Split]]) -> dict[str, tuple[Split, ...]]:
    """Groups that stand in more than one split, with the splits they stand in."""
    seen: dict[str, set[Split]] = {}
    for group, split in groups:
        seen.setdefault(group, set()).add(split)
    return {
        group: tuple(name for name in SPLITS if name in splits)
        for group, splits in seen.items()
        if len(splits) > 1
    }


@dataclass(frozen=True)
class Candidate:
    """A face that needs a donor and may be one; `points` are five landmarks, (5, 2) float32."""

    image_id: str
    component_id: str
    split: Split
    points: NDArray[np.float32]
    labels: PhotoLabels


def draw_donors(faces: Sequence[Candidate], seed: int) -> list[str]:
    """For each face the image id of one of the nearest in sex, tone, pose and light.

    Args:
        faces: all faces of a build.
        seed: of the draw among the nearest.

    Raises:
        DatasetError: a split holds a single component.
    """
    shapes = np.stack([_shape(face.points) for face in faces])
    labels = [face.labels for face in faces]
    sexes = np.array([one.sex for one in labels])
    lights = np.array([one.brightness for one in labels])
    tones = np.array([_GREY_TONE if one.ita_degrees is None else one.ita_degrees for one in labels])
    groups = np.array([face.component_id for face in faces])
    splits = np.array([face.split for face in faces])
    donors = []
    for index, face in enumerate(faces):
        distance = np.linalg.norm(shapes - shapes[index], axis=1)
        distance += _LIGHT_WEIGHT * np.abs(lights - lights[index])
        distance += np.abs(tones - tones[index]) / _TONE_DEGREES
        distance += _OTHER_SEX * (sexes != sexes[index])
        allowed = np.flatnonzero((splits == splits[index]) & (groups != groups[index]))
        if not len(allowed):
            raise DatasetError(f"split {face.split} holds one person only; add photos of others")
        nearest = allowed[np.argsort(distance[allowed], kind="stable")[:_NEAREST]]
        rng = np.random.default_rng(derive_seed(seed, "donor", face.image_id))
        donors.append(faces[int(rng.choice(nearest))].image_id)
    return donors


def derive_seed(seed: int, *names: str) -> int:
    """A seed of its own for each name, 0 to 2^63 - 1: the same on every machine."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _shape(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Landmarks without place and size, shape (10,): what is left is pose (Kendall 1984)."""
    centred = (points - points.mean(axis=0)).astype(np.float64)
    return np.asarray((centred / np.linalg.norm(centred)).ravel(), np.float64)
