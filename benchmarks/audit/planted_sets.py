"""Classifiers whose fault is known, because it was planted; and sound ones.

ORL photos get smooth colours and, in the fakes, a patch of coloured texture under a soft mask: a
clean signal that is a forgery's only trace. A fault is planted in the data, the training or the
classifier itself; where a shortcut is planted, the patch leaves no trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, List, Value
from numpy.typing import NDArray

from faceproof.audit.evidence import Evidence, gather
from faceproof.audit.interventions import find_middle
from faceproof.data.images import Pixels, decode, encode_jpeg, encode_mask, encode_webp
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from faceproof.records import LABELS, SPLITS, Split

Fault = Literal[
    "jpeg_quality", "resolution", "codec", "identity_leak", "near_duplicate_leak", "background",
    "border_mark", "label_noise", "miscalibration", "subgroup_failure", "single_generator",
]  # fmt: skip

MEANT_FOR: Mapping[Fault, str] = {  # the check that must find it
    "jpeg_quality": "shortcut_quality",
    "resolution": "shortcut_size",
    "codec": "shortcut_codec",
    "identity_leak": "leak_identity",
    "near_duplicate_leak": "leak_near_copy",
    "background": "follows_background",
    "border_mark": "shortcut_border",
    "label_noise": "label_noise",
    "miscalibration": "calibration",
    "subgroup_failure": "subgroup_gap",
    "single_generator": "worst_method",
}
SHORTCUTS: tuple[Fault, ...] = ("jpeg_quality", "resolution", "codec", "background", "border_mark")
COHORT = "cohort"

_SIDE = 92
_PEOPLE: Mapping[Split, int] = {"train": 14, "validation": 6, "test": 20}
_DIM = 0.5  # brightness of the photos of one cohort
_TINT_LEVELS = 14.0  # of the smooth colours that every photo gets
_PATCH_LEVELS = 44.0
_TURN_DEGREES = 6.0
_NOISE = 0.2  # share of labels that are flipped
_LEAKED_PEOPLE, _LEAKED_PHOTOS = 3, 20
_SMALLER = 76  # side of fakes where size is the shortcut

_FEATURES = Features(
    {
        "image": Image(decode=False), "mask": Image(decode=False),
        "label": ClassLabel(names=list(LABELS)), "role": Value("string"),
        "family": Value("string"), "method": Value("string"), "image_id": Value("string"),
        "pair_id": Value("string"), "component_id": Value("string"),
        "identity_id": Value("string"), "parent_ids": List(Value("string")),
        "source": Value("string"), COHORT: Value("string"),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """A real photo in a split: (92, 92, 3) uint8 RGB, its person and cohort."""

    name: str
    person: str
    cohort: str
    split: Split
    pixels: Pixels


def build_evidence(fault: Fault | None, seed: int) -> Evidence:
    """A small dataset, real and fake of every photo, with a fault planted or none.

    Args:
        fault: what is wrong; None for a sound one.
        seed: of the people's splits and of every draw.
    """
    return gather(build_splits(fault, seed), "planted", [COHORT])


def build_splits(fault: Fault | None, seed: int, people_seed: int | None = None) -> DatasetDict:
    """The same as splits of a dataset; `people_seed` splits the people where `seed` shall not."""
    rng = np.random.default_rng(seed)
    splits = _split_people(np.random.default_rng(seed if people_seed is None else people_seed))
    photos = _leak(_draw_photos(splits, rng), fault, rng)
    rows: dict[Split, list[dict[str, object]]] = {name: [] for name in SPLITS}
    for number, photo in enumerate(photos):
        method = _choose_method(photo, number, fault)
        rows[photo.split] += _make_pair(photo, method, fault, rng)
    if fault == "label_noise":
        for row in (row for part in rows.values() for row in part):
            row["label"] = int(str(row["label"])) ^ int(rng.random() < _NOISE)
    return DatasetDict(
        {name: Dataset.from_list(part, features=_FEATURES) for name, part in rows.items()}
    )


def _choose_method(photo: Photo, number: int, fault: Fault | None) -> str:
    """Two kinds of forgery; where only one is known, training never meets the other."""
    if fault != "single_generator":
        return ("stripes", "rings")[number % 2]
    return "stripes" if photo.split != "test" or number % 3 == 0 else "turn"


@cache
def _read_photos() -> tuple[tuple[str, str, Pixels], ...]:
    """Name, person and the square middle of every ORL photo."""
    photos = orl.read(SourceRequest(input=None, folder=Path("unused")))
    top = (112 - _SIDE) // 2
    return tuple(
        (one.image_id, one.identity_id, decode(one.path.read_bytes())[top : top + _SIDE])
        for one in photos
    )


def _split_people(rng: np.random.Generator) -> dict[str, tuple[int, Split]]:
    """Number and split of each person."""
    people = rng.permutation(sorted({person for _, person, _ in _read_photos()})).tolist()
    splits = [name for name, count in _PEOPLE.items() for _ in range(count)]
    return dict(zip(people, enumerate(splits), strict=True))


def _draw_photos(splits: Mapping[str, tuple[int, Split]], rng: np.random.Generator) -> list[Photo]:
    photos = []
    for name, person, grey in _read_photos():
        number, split = splits[person]
        is_dim = number % 2 == 0
        pixels = _colour(grey, rng)
        pixels = np.asarray(pixels * _DIM, np.uint8) if is_dim else pixels
        photos.append(Photo(name, person, "dim" if is_dim else "bright", split, pixels))
    return photos


def _colour(grey: Pixels, rng: np.random.Generator) -> Pixels:
    """Smooth colours over a grey photo: what a forgery's colours must be told from."""
    field = cv2.resize(rng.normal(size=(3, 3, 3)), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return _clip(grey + _TINT_LEVELS * (field - field.mean(axis=2, keepdims=True)))


def _leak(photos: list[Photo], fault: Fault | None, rng: np.random.Generator) -> list[Photo]:
    """People, or copies of photos under new names, that training knows from the test."""
    test = [one for one in photos if one.split == "test"]
    if fault == "identity_leak":
        people = sorted({one.person for one in test})[:_LEAKED_PEOPLE]
        leaked = {one.name for one in test if one.person in people and rng.random() < 0.5}
        return [replace(one, split="train") if one.name in leaked else one for one in photos]
    if fault == "near_duplicate_leak":
        chosen = [test[int(place)] for place in rng.permutation(len(test))[:_LEAKED_PHOTOS]]
        return photos + [
            replace(one, name=f"{one.name}-copy", person=f"{one.person}-twin", split="train",
                    pixels=decode(encode_jpeg(one.pixels, 80, 0)))
            for one in chosen
        ]  # fmt: skip
    return photos


def _make_pair(
    photo: Photo, method: str, fault: Fault | None, rng: np.random.Generator
) -> list[dict[str, object]]:
    """The photo and its fake, encoded alike but for what the fault plants."""
    mask = _draw_mask(rng)
    forged = photo.pixels if fault in SHORTCUTS else _forge(photo.pixels, mask, method, rng)
    quality = int(rng.integers(80, 96))
    files = [
        _write(_plant(pixels, label, fault), label, fault, quality)
        for label, pixels in enumerate((photo.pixels, forged))
    ]
    shared = {
        "pair_id": photo.name, "component_id": photo.person, "identity_id": photo.person,
        "source": "orl", COHORT: photo.cohort,
    }  # fmt: skip
    real: dict[str, object] = {
        "image": {"bytes": files[0], "path": None}, "mask": None, "label": 0, "role": "real",
        "family": "none", "method": "none", "image_id": photo.name, "parent_ids": [],
    }  # fmt: skip
    small = cv2.resize(mask, _size_of(files[1]), interpolation=cv2.INTER_AREA)
    fake: dict[str, object] = {
        "image": {"bytes": files[1], "path": None},
        "mask": {"bytes": encode_mask(_clip(small * 255)), "path": None}, "label": 1,
        "role": "fake", "family": "texture", "method": method, "image_id": f"{photo.name}-fake",
        "parent_ids": [photo.name],
    }  # fmt: skip
    return [{**real, **shared}, {**fake, **shared}]


def _size_of(data: bytes) -> tuple[int, int]:
    height, width = decode(data).shape[:2]
    return width, height


def _draw_mask(rng: np.random.Generator) -> NDArray[np.float32]:
    """A soft ellipse somewhere in the middle of the face, 0 to 1, (92, 92)."""
    mask = np.zeros((_SIDE, _SIDE), np.float32)
    centre = tuple(int(one) for one in rng.integers(34, 58, 2))
    axes = tuple(int(one) for one in rng.integers(13, 19, 2))
    cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.0), np.float32)


def _forge(
    pixels: Pixels, mask: NDArray[np.float32], method: str, rng: np.random.Generator
) -> Pixels:
    """Under the mask: coloured stripes or rings, or the face turned a little."""
    rows, columns = np.mgrid[:_SIDE, :_SIDE].astype(np.float64)
    length, phase, angle = rng.uniform(10, 13), rng.uniform(0, 2 * np.pi), rng.uniform(0, np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    if method == "rings":
        along = np.hypot(rows - rng.uniform(30, 62), columns - rng.uniform(30, 62))
    wave = np.sin(2 * np.pi * along / length + phase)
    if method == "turn":
        middle = (
            float((columns * mask).sum() / mask.sum()),
            float((rows * mask).sum() / mask.sum()),
        )
        turn = cv2.getRotationMatrix2D(middle, _TURN_DEGREES, 1.0)
        turned = cv2.warpAffine(pixels, turn, (_SIDE, _SIDE), borderMode=cv2.BORDER_REFLECT)
        return _clip(pixels * (1 - mask[..., None]) + turned * mask[..., None])
    colour = np.array([1.0, -0.6, -0.8])
    return _clip(pixels + _PATCH_LEVELS * (mask * wave)[..., None] * colour)


def _plant(pixels: Pixels, label: int, fault: Fault | None) -> Pixels:
    """What is drawn into the fakes in place of a forgery."""
    if not label:
        return pixels
    if fault == "background":
        around = 1 - find_middle(_SIDE, _SIDE)[..., None].astype(np.float64) / 255
        return _clip(pixels * (1 - around) + (pixels * 0.6 + 60) * around)
    if fault == "border_mark":
        marked = pixels.copy()
        marked[:2], marked[:, :2] = 230, 230
        return marked
    if fault == "resolution":
        return np.asarray(cv2.resize(pixels, (_SMALLER, _SMALLER), interpolation=cv2.INTER_AREA))
    return pixels


def _write(pixels: Pixels, label: int, fault: Fault | None, quality: int) -> bytes:
    if label and fault == "jpeg_quality":
        return encode_jpeg(pixels, quality - 45, 0)
    if label and fault == "codec":
        return encode_webp(pixels, 80)
    return encode_jpeg(pixels, quality, 0)


def _clip(values: NDArray[np.number]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
