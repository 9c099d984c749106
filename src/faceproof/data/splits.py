"""Who goes where: whole groups of people into train, validation and test."""

from collections.abc import Iterable, Mapping

import numpy as np

from faceproof.errors import DatasetError
from faceproof.records import SPLITS, Split

_SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "dev": "validation",
    "val": "validation", "valid": "validation", "validation": "validation", "eval": "validation",
}  # fmt: skip
FEWEST_GROUPS = 9  # from here on every split holds two, so that faces can be swapped inside it
SHARES: Mapping[Split, float] = {"train": 0.6, "validation": 0.2, "test": 0.2}


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
