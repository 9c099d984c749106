"""How fast a build is: each method by itself, and the whole as it grows."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from datasets import Dataset, DatasetDict

from faceproof.console import progress
from faceproof.data import shards, triplets
from faceproof.data.checks import gates
from faceproof.data.forgery import NAMES, READY
from faceproof.data.forgery.methods import TRAININGS, locate_checkpoint, open_methods
from faceproof.data.plans import Plan, PlannedPhoto
from faceproof.data.tables import features, leave_encoded
from faceproof.records import SPLITS, to_row
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive

_STEPS = 70  # of training: speed does not depend on it, but the generator must draw faces


@dataclass(frozen=True)
class ThroughputSettings:
    """What is timed."""

    work: Path = field(metadata={"help": "folder for checkpoints and shards", "place": "folder"})
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    photos: int = field(default=24, metadata={"help": "photos that each method forges"})
    repeats: int = field(default=3, metadata={"help": "times each method is timed"})
    build_repeats: int = field(default=1, metadata={"help": "times each whole build is timed"})
    records: list[int] = field(
        default_factory=lambda: [400, 800, 1600, 3200, 8000],
        metadata={"help": "sizes of the whole builds that are timed"},
    )
    workers: int = field(default=2, metadata={"help": "photos forged at a time in whole builds"})
    seed: int = field(default=0, metadata={"help": "of the plan and all draws"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "photos", "repeats", "build_repeats", "workers")


def train_networks(plan: Plan, run: ThroughputSettings) -> Path:
    """Networks of the right shape, hardly trained."""
    photos = [
        (photo.read_pixels(), photo.crop.landmarks())
        for photo in plan.photos
        if photo.split == "train"
    ]
    for name, train in TRAININGS.items():
        train(photos, _STEPS, run.seed, locate_checkpoint(run.work, name), "")
    return run.work


def time_methods(plan: Plan, networks: Path, run: ThroughputSettings) -> dict[str, Scalar]:
    """Fakes per second of each method on one core: forged and, with its photo and sham, encoded."""
    values: dict[str, Scalar] = {}
    photos = _take(plan.photos, run.photos)
    for name in NAMES:
        methods = open_methods([name], networks)
        warm_up = _take(plan.photos, 2)
        list(triplets.make_records(warm_up, methods, "one"))  # models load at first use
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
    """Seconds of forging, gates and writing for builds of growing size, medians of repeats."""
    values: dict[str, Scalar] = {}
    for size in progress(run.records, "timing builds", "builds", len(run.records)):
        timed = [_time_build(plan, size, run) for _ in range(run.build_repeats)]
        forging, checking, writing = (
            statistics.median(stage) for stage in zip(*timed, strict=True)
        )
        values |= {
            f"forging_seconds_{size}": forging,
            f"gates_seconds_{size}": checking,
            f"writing_seconds_{size}": writing,
            f"records_per_second_{size}": size / (forging + checking + writing),
        }
    return {**values, "builds_n": run.build_repeats}


def _time_build(plan: Plan, size: int, run: ThroughputSettings) -> tuple[float, float, float]:
    photos = _take(plan.photos, math.ceil(size / (2 + len(READY))))  # the photo, a sham, the fakes
    methods = open_methods(READY, run.work)
    start = time.perf_counter()
    rows = [to_row(one) for one in triplets.make_records(photos, methods, "one", run.workers)]
    splits = _to_splits(rows[:size])
    forged = time.perf_counter()
    gates.check_gates(leave_encoded(splits), run.seed)
    checked = time.perf_counter()
    shards.stage(splits, run.work / "staged", 500, run.seed)
    return forged - start, checked - forged, time.perf_counter() - checked


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
