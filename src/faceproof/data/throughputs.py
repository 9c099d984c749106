"""How fast a build is: each method by itself, and the whole as it grows."""

import math
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from datasets import Dataset, DatasetDict

from faceproof.console import progress
from faceproof.data import shards, triplets
from faceproof.data.checks import gates
from faceproof.data.forgery import reconstruct, synthesize
from faceproof.data.forgery.methods import AUTOENCODER, GENERATOR, NAMES, open_methods, place
from faceproof.data.forgery.tensors import single_thread
from faceproof.data.plans import Plan, PlannedPhoto
from faceproof.data.tables import leave_encoded
from faceproof.records import SPLITS, features, to_row
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive

_QUICK = ("swap", "part_swap", "cross_blend", "self_blend", "expression", "morph", "hole")
_STEPS = 70  # of training: speed does not depend on it, but the generator must draw faces


@dataclass(frozen=True)
class ThroughputSettings:
    """What is timed."""

    work: Path = field(metadata={"help": "folder for checkpoints and shards"})
    results: Path = field(metadata={"help": "result file to write"})
    photos: int = field(default=24, metadata={"help": "photos that each method forges"})
    repeats: int = field(default=3, metadata={"help": "times each method is timed"})
    records: list[int] = field(
        default_factory=lambda: [400, 800, 1600, 3200, 8000],
        metadata={"help": "sizes of the whole builds that are timed"},
    )
    workers: int = field(default=2, metadata={"help": "photos forged at a time in whole builds"})
    seed: int = field(default=0, metadata={"help": "of the plan and all draws"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "photos", "repeats", "workers")


def train_networks(plan: Plan, run: ThroughputSettings) -> Path:
    """Networks of the right shape, hardly trained."""
    known = [photo for photo in plan.photos if photo.split == "train"]
    faces = [(photo.read_pixels(), photo.crop.landmarks()) for photo in known]
    folder = run.work / "networks"
    pixels = [face for face, _ in faces]
    reconstruct.train(pixels, _STEPS, run.seed, place(folder, AUTOENCODER))
    synthesize.train(synthesize.align_faces(faces), _STEPS, run.seed, place(folder, GENERATOR))
    return folder


def time_methods(plan: Plan, networks: Path, run: ThroughputSettings) -> dict[str, Scalar]:
    """Fakes per second of each method on one core: forged and, with its photo and sham, encoded."""
    values: dict[str, Scalar] = {}
    photos = _take(plan.photos, run.photos)
    for name in NAMES:
        methods = open_methods([name], networks)
        list(triplets.make_records(photos[:2], methods, "one"))  # warm-up: models load at first use
        speeds = []
        for _ in range(run.repeats):
            start = time.perf_counter()
            list(triplets.make_records(photos, methods, "one"))
            speeds.append(len(photos) / (time.perf_counter() - start))
        values[f"fakes_per_second_{name}"] = statistics.median(speeds)
        values[f"fakes_per_second_{name}_low"] = min(speeds)
        values[f"fakes_per_second_{name}_high"] = max(speeds)
        values[f"fakes_per_second_{name}_n"] = run.repeats
    return values


def time_builds(plan: Plan, run: ThroughputSettings) -> dict[str, Scalar]:
    """Seconds of forging, gates and writing, and peak memory, for builds of growing size."""
    values: dict[str, Scalar] = {}
    methods = open_methods(_QUICK, run.work)
    per_photo = 2 + len(_QUICK)  # the photo, a sham, the fakes
    for size in progress(run.records, "timing builds", "builds", len(run.records)):
        photos = _take(plan.photos, math.ceil(size / per_photo))
        start = time.perf_counter()
        rows = [to_row(one) for one in triplets.make_records(photos, methods, "one", run.workers)]
        forged = time.perf_counter()
        splits = _to_splits(rows[:size])
        with single_thread():
            gates.check_gates(leave_encoded(splits), run.seed)
        checked = time.perf_counter()
        shards.stage(splits, run.work / "staged", 500, run.seed)
        values |= {
            f"forging_seconds_{size}": forged - start,
            f"gates_seconds_{size}": checked - forged,
            f"writing_seconds_{size}": time.perf_counter() - checked,
            f"records_per_second_{size}": size / (time.perf_counter() - start),
            f"peak_megabytes_{size}": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    return values


def _take(photos: Sequence[PlannedPhoto], number: int) -> list[PlannedPhoto]:
    """So many photos, round again under other names; donors not taken give way to the photo."""
    named = [
        replace(photo, image_id=f"{photo.image_id}-{turn}", donor_id=f"{photo.donor_id}-{turn}")
        for turn in range(math.ceil(number / len(photos)))
        for photo in photos
    ][:number]
    there = {photo.image_id for photo in named}
    return [one if one.donor_id in there else replace(one, donor_id=one.image_id) for one in named]


def _to_splits(rows: list[dict[str, object]]) -> DatasetDict:
    whole = Dataset.from_list(rows, features=features())
    nothing = whole.select([])
    return DatasetDict({name: whole if name == SPLITS[0] else nothing for name in SPLITS})
