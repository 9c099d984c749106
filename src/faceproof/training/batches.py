"""From rows of the dataset to tensors: draw, crop, augment, normalise as the model wants."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.forgery.blend import blend_with_itself
from faceproof.data.forgery.forged import Scene
from faceproof.data.forgery.synthesize import FAMILY
from faceproof.data.images import Pixels
from faceproof.detector.preprocessing import fit, to_tensor
from faceproof.metrics import Rows
from faceproof.records import BESIDE, FAKE, LABELS, NONE, ROLES
from faceproof.training.augmentation import RECIPES, Policy
from faceproof.training.settings import Arguments
from faceproof.training.splits import LoadedSplit

_SELF_BLENDS = ("blend", "self_blend")  # the family and the method of online self-blends
_PHOTO = ROLES.index("real")
_REAL = LABELS.index("real")  # whatever else there is was forged
IGNORED = -100  # torch's own mark for a label that no loss is taken of
_SEEN_SHARE = 0.02  # of a crop that must be forged, or nobody could call it fake
_AT_ONCE = 2  # photos that are made ready side by side
_EASY = 2.5  # times the usual difference of a self-blend, at the start of the curriculum


_Drawn = tuple[Pixels, Pixels, int]  # image, mask, label


class Batch(TypedDict, total=False):
    """`pixel_values` (N, 3, H, W) float32, normalised by the processor; `labels` (N,) int64.

    In training also `masks` (N, H, W) float32, 0 untouched to 1 replaced, and labels of `IGNORED`
    where the crop shows nothing of the forgery.
    """

    pixel_values: Tensor
    labels: Tensor
    masks: Tensor


@dataclass(frozen=True)
class Treatment:
    """What is done to training images; the same draws for all images of one photo.

    `images_of_each` of the photo's reals (photo and shams) and as many fakes are drawn.
    `crop_pixels` is the side of a random square cut at native scale; None leaves images whole, for
    models that want a size of their own. Over `epochs` self-blends go from easy to hard.
    """

    policy: Policy
    images_of_each: int
    crop_pixels: int | None
    epochs: float
    seed: int


def plan_treatment(run: Arguments) -> Treatment:
    """What training images of a run go through.

    Online self-blends are forgeries of the family `blend`: where that is left out, or the method
    itself, there are none.
    """
    policy = RECIPES[run.data.augmentation]
    if run.data.leave_out in _SELF_BLENDS:
        policy = replace(policy, self_blends=0.0)
    crop_pixels = run.data.crop_pixels if run.has_crops else None
    epochs, seed = run.training.num_train_epochs, run.training.seed
    return Treatment(policy, run.data.images_of_each, crop_pixels, epochs, seed)


class Images(torch.utils.data.Dataset[Batch]):
    """One item per image, untreated, in the order of the rows: for validation and test."""

    def __init__(
        self, rows: Sequence[int], pool: LoadedSplit, processor: BaseImageProcessor
    ) -> None:
        """Take some rows of a split, and the model's processor."""
        self._rows, self._pool, self._processor = rows, pool, processor

    def __len__(self) -> int:
        """Number of images."""
        return len(self._rows)

    def __getitem__(self, index: int) -> Batch:
        """One image as a batch of one."""
        row = self._rows[index]
        return {
            "pixel_values": to_tensor([self._pool.images.image(row)], self._processor),
            "labels": torch.tensor([self._pool.labels[row]]),
        }


@dataclass(frozen=True)
class PhotoRows:
    """Rows that belong to one photo; `photo` is that of the photo itself, None where left out.

    `reals` are its shams and itself, `plain` of them itself and what was resized alone. `forged`
    are its forgeries by family, so that a family of many methods is not seen more often; `beside`
    are faces of nobody in its size and codec.
    """

    photo: int | None
    plain: tuple[int, ...]
    reals: tuple[int, ...]
    forged: tuple[tuple[int, ...], ...]
    beside: tuple[int, ...]


def group_rows(table: pd.DataFrame, kept: Rows) -> list[PhotoRows]:
    """Rows by the photo they were made from, or made beside, where both labels are there.

    Args:
        table: of a split, with `label`, `role`, `pair_id` and `parameters`.
        kept: which of its rows may be used.
    """
    labels, roles = np.asarray(table["label"]), np.asarray(table["role"])
    families = np.asarray(table["family"])
    besides = [json.loads(text).get(BESIDE) for text in table["parameters"]]
    owners = [beside or pair for beside, pair in zip(besides, table["pair_id"], strict=True)]
    photos: dict[str, list[int]] = {}
    for row in kept.tolist():
        photos.setdefault(owners[row], []).append(row)
    groups = [
        PhotoRows(
            photo=next((row for row in members if roles[row] == _PHOTO), None),
            plain=tuple(
                row for row in members if labels[row] == _REAL and families[row] in (NONE, FAMILY)
            ),
            reals=tuple(row for row in members if labels[row] == _REAL),
            forged=_part(
                [row for row in members if labels[row] != _REAL and besides[row] is None], families
            ),
            beside=tuple(row for row in members if besides[row] is not None),
        )
        for _, members in sorted(photos.items())
    ]
    return [group for group in groups if group.reals and (group.forged or group.beside)]


def _part(rows: Sequence[int], families: NDArray[np.str_]) -> tuple[tuple[int, ...], ...]:
    parts: dict[str, list[int]] = {}
    for row in rows:
        parts.setdefault(families[row], []).append(row)
    return tuple(tuple(part) for _, part in sorted(parts.items()))


class PhotoGroups(torch.utils.data.Dataset[Batch]):
    """One item per photo, treated: reals and fakes of it together.

    Why: images of one photo differ by the forgery alone, so in one batch everything else cancels.
    What is drawn depends on seed, epoch and photo only: a run that was stopped goes on alike.
    """

    def __init__(
        self, groups: Sequence[PhotoRows], pool: LoadedSplit, processor: BaseImageProcessor,
        treatment: Treatment,
    ) -> None:  # fmt: skip
        """Take the photos of `group_rows` and their split."""
        self._groups, self._store, self._labels = groups, pool.images, pool.labels
        self._processor, self._treatment = processor, treatment
        self._points = pool.images.find_points() if treatment.policy.self_blends else {}
        self._epoch = 0

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._groups)

    def count_photos(self, images: int) -> int:
        """How many photos give about so many images; one at least."""
        most = self._treatment.images_of_each
        given = [
            min(most, len(one.reals)) + min(most, len(one.beside) + sum(map(len, one.forged)))
            for one in self._groups
        ]
        return max(1, round(images / float(np.mean(given))))

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer: new draws, and self-blends a step harder."""
        self._epoch = epoch

    def __getitems__(self, indices: list[int]) -> list[Batch]:
        """The photos of a batch, two at a time: reading and encoding leave Python's lock."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self.__getitem__, indices))

    def __getitem__(self, index: int) -> Batch:
        """Some images of one photo, as many reals as fakes where there are enough.

        They are chosen, framed and augmented by the same draws, then made tensors.
        """
        policy, crop_pixels = self._treatment.policy, self._treatment.crop_pixels
        rng = np.random.default_rng([self._treatment.seed, self._epoch, index])
        drawn = self._draw(self._groups[index], rng)
        frame, seed = policy.draw_frame(crop_pixels, rng), int(rng.integers(2**63))
        pictures = [
            policy.apply(frame.cut(pixels), np.random.default_rng(seed)) for pixels, _, _ in drawn
        ]
        side = None if crop_pixels is None else pictures[0].shape[0]
        masks = [self._fit_mask(frame.cut(mask), side) for _, mask, _ in drawn]
        labels = [label for _, _, label in drawn]
        return {
            "pixel_values": to_tensor(pictures, self._processor, side),
            "labels": torch.tensor(list(map(_label_seen, masks, labels))),
            "masks": torch.from_numpy(np.stack(masks)).float() / 255,
        }

    def _fit_mask(self, mask: Pixels, side: int | None) -> Pixels:
        """Resized and cut as its image is, so that it lies on it."""
        if mask.shape == (side, side):  # a crop: nothing to do
            return mask
        return fit(np.repeat(mask[..., None], 3, axis=2), self._processor, side)[..., 0]

    def _draw(self, group: PhotoRows, rng: np.random.Generator) -> list[_Drawn]:
        """Reals and fakes of a photo; by chance one of each gives way to a fresh self-blend.

        The photo itself comes always, at times resized, and a face from beside it: those two show
        what a generator leaves, the others what altering leaves.
        """
        asked = ((group.plain, (group.reals,)), (group.beside, group.forged))
        wanted = self._treatment.images_of_each
        reals, fakes = (
            [self._read(row) for row in _choose(first, parts, wanted, rng)]
            for first, parts in asked
        )
        share = self._treatment.policy.self_blends
        if group.photo is not None and group.photo in self._points and rng.random() < share:
            sham, fake = self._blend(group.photo, rng)
            reals, fakes = [*reals[:1], sham, *reals[2:]], [*fakes[:1], fake, *fakes[2:]]
        return [*reals, *fakes]

    def _read(self, row: int) -> _Drawn:
        return self._store.image(row), self._store.mask(row), int(self._labels[row])

    def _blend(self, photo: int, rng: np.random.Generator) -> tuple[_Drawn, _Drawn]:
        """A sham and a fake; from easy to hard over the epochs."""
        pixels, points = np.ascontiguousarray(self._store.image(photo)), self._points[photo]
        done = min(1.0, self._epoch / max(1, self._treatment.epochs - 1))
        scene = Scene(pixels, points, pixels, points, rng)
        blended = blend_with_itself(scene, _EASY + (1 - _EASY) * done)
        sham = pixels if blended.sham is None else blended.sham
        return (sham, np.zeros_like(blended.mask), _REAL), (blended.fake, blended.mask, FAKE)


def _choose(
    first: Sequence[int], parts: Sequence[Sequence[int]], wanted: int, rng: np.random.Generator
) -> list[int]:
    """Different rows: one of `first`, then one of each part in a drawn order, and so on."""
    if wanted == 1:  # then nothing comes always
        first, parts = (), (first, *parts)
    mixed: list[list[int]] = [rng.permutation(part).tolist() for part in (first, *parts)]
    chosen: list[int] = mixed[0][:1]
    for turn in range(max(map(len, mixed))):
        for place in rng.permutation(len(parts)) + 1:
            chosen += [row for row in mixed[place][turn : turn + 1] if row not in chosen]
    return (chosen + mixed[0][1:])[:wanted]


def _label_seen(mask: Pixels, label: int) -> int:
    """The label, but `IGNORED` for a fake that the crop shows nothing of."""
    is_hidden = label != _REAL and (mask > 0).mean() < _SEEN_SHARE
    return IGNORED if is_hidden else label


class Ahead:
    """A loader that makes the next batch ready while the present one is learned from.

    Everything else of the loader is as it was, the order of the batches too: the first one, with
    which the order is drawn, is made before any thread is started.
    """

    def __init__(self, loader: DataLoader[Batch]) -> None:
        """Wrap a loader."""
        self._loader = loader

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._loader)

    def __getattr__(self, name: str) -> Any:  # the loader's own
        """What the Trainer asks of a loader."""
        return getattr(self._loader, name)

    def __iter__(self) -> Iterator[Batch]:
        """The batches in the loader's order."""
        batches = iter(self._loader)
        batch = next(batches, None)
        with ThreadPoolExecutor(1) as pool:
            while batch is not None:
                following = pool.submit(next, batches, None)
                yield batch
                batch = following.result()


def collate(items: Sequence[Batch]) -> Batch:
    """Items to one flat batch."""
    return {name: torch.cat([item[name] for item in items]) for name in items[0]}  # type: ignore[literal-required, return-value]  # the names are those of Batch
