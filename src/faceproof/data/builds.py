"""The steps of a build that are more than one call: settings, networks, counts."""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from datasets import DatasetDict

from faceproof.data.checks.duplicates import find_near, hash_photo
from faceproof.data.forgery import reconstruct, synthesize
from faceproof.data.forgery.methods import AUTOENCODER, GENERATOR, NAMES, check_names, place
from faceproof.data.forgery.tensors import is_made_from
from faceproof.data.images import decode
from faceproof.data.plans import Plan
from faceproof.data.shards import StagedShards
from faceproof.data.sources import SOURCES
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.data.tables import leave_encoded, to_frame
from faceproof.data.triplets import Shams
from faceproof.records import SPLITS
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.storage import hash_files

logger = logging.getLogger(__name__)

_COUNTED_LABELS = ("sex", "sex_basis", "age_band", "skin_tone")


@dataclass(frozen=True)
class BuildSettings:
    """One build of the dataset."""

    output: Path = field(metadata={"help": "dataset folder: its data/ and README.md are replaced"})
    exports: Path = field(metadata={"help": "folder for the two zips"})
    results: Path = field(metadata={"help": "result file to write"})
    source: Literal["orl", "folder", "portraits", "hub"] = field(
        default="orl", metadata={"help": "where real photos come from"}
    )
    input: Path | None = field(
        default=None,
        metadata={
            "help": "folder or zip of photos; for portraits their manifest; for hub user/name"
        },
    )
    columns: list[str] = field(
        default_factory=list, metadata={"help": "for hub, what is where: image=photo identity=who"}
    )
    limit: int | None = field(default=None, metadata={"help": "at most so many photos"})
    methods: list[str] = field(
        default_factory=lambda: ["swap", AUTOENCODER],
        metadata={"help": f"forgeries made of every photo, of {', '.join(NAMES)}"},
    )
    shams: Shams = field(
        default="one", metadata={"help": "one per photo, of a family drawn at random, or of each"}
    )
    seed: int = field(default=0, metadata={"help": "of splits, donors, codecs and the autoencoder"})
    autoencoder_steps: int = field(default=800, metadata={"help": "training steps of 16 patches"})
    generator_steps: int = field(default=1200, metadata={"help": "training steps of 32 faces"})
    workers: int = field(
        default=2, metadata={"help": "photos forged at a time; any number gives the same bytes"}
    )
    gallery_photos: int = field(default=8, metadata={"help": "photos of each split in the gallery"})
    rows_per_shard: int = field(default=200, metadata={"help": "rows of one parquet file, at most"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "autoencoder_steps", "generator_steps", "rows_per_shard", "workers")
        require_positive(self, "gallery_photos")
        check_names(self.methods)
        if self.limit is not None:
            require_positive(self, "limit")

    @property
    def work(self) -> Path:
        """Folder for the plan, the autoencoder and unpublished shards."""
        return self.exports / "build"


def train_networks(plan: Plan, settings: BuildSettings) -> Path:
    """Train the networks that the recipe wants, on the training people's photos.

    A checkpoint that an earlier run made from the same photos and settings is used again.

    Returns:
        The folder of their checkpoints.
    """
    folder = settings.work / "networks"
    known = [photo for photo in plan.photos if photo.split == "train"]
    faces = [(photo.read_pixels(), photo.crop.landmarks()) for photo in known]
    photos = hash_files(Path(photo.path) for photo in known)
    trainings: dict[str, tuple[int, Callable[[int, Path, str], None]]] = {
        AUTOENCODER: (
            settings.autoencoder_steps,
            lambda steps, path, made_from: reconstruct.train(
                [pixels for pixels, _ in faces], steps, settings.seed, path, made_from
            ),
        ),
        GENERATOR: (
            settings.generator_steps,
            lambda steps, path, made_from: synthesize.train(
                synthesize.align_faces(faces), steps, settings.seed, path, made_from
            ),
        ),
    }
    for name, (steps, train) in trainings.items():
        checkpoint, made_from = place(folder, name), f"{photos}/{steps}/{settings.seed}"
        if name in settings.methods and not is_made_from(checkpoint, made_from):
            train(steps, checkpoint, made_from)
    return folder


def drop_copies(splits: DatasetDict) -> tuple[DatasetDict, int]:
    """Leave out synthesized faces that look like one of another split, and count them.

    A generator repeats itself; a face that it draws for training and again for testing would be
    known to a classifier. Of two alike the one in the smaller split stays.

    Args:
        splits: the dataset.
    """
    encoded = leave_encoded(splits)
    places = [
        (name, place)
        for name in SPLITS
        for place, family in enumerate(splits[name]["family"])
        if family == synthesize.FAMILY
    ]
    hashes = [hash_photo(decode(encoded[name][place]["image"]["bytes"])) for name, place in places]
    dropped = {
        places[first]  # pairs are in the order of the splits, the largest first
        for first, second in find_near(hashes)
        if places[first][0] != places[second][0]
    }
    if not dropped:
        return splits, 0
    logger.info("left out %d synthesized faces that another split has", len(dropped))
    kept = {
        name: rows.select(
            [place for place in range(len(rows)) if (name, place) not in dropped]
        ).flatten_indices()
        for name, rows in splits.items()
    }
    return DatasetDict(kept), len(dropped)


def read_photos(settings: BuildSettings) -> Iterator[SourcePhoto]:
    """The real photos of the recipe's source."""
    request = SourceRequest(
        settings.input, settings.work / "photos", settings.limit, tuple(settings.columns)
    )
    return islice(SOURCES[settings.source](request), settings.limit)


def hash_photos(plan: Plan) -> str:
    """Fingerprint of the photos that were kept."""
    return hash_files(Path(photo.path) for photo in plan.photos)


def clear_cache(settings: BuildSettings) -> Path:
    """An empty folder for the builder's Arrow files: an old build must not answer for a new one."""
    cache = settings.work / "arrow"
    shutil.rmtree(cache, ignore_errors=True)
    return cache


def count_records(plan: Plan, splits: DatasetDict, staged: StagedShards) -> dict[str, Scalar]:
    """Every photo in, every photo out, and every record by split, role and method."""
    table = to_frame(splits)
    values: dict[str, Scalar] = {
        "source": plan.photos[0].source,
        "photos_in": plan.counted_in,
        "photos_kept": len(plan.photos),
        "photos_dropped": sum(plan.dropped.values()),
        "people": len({photo.identity_id for photo in plan.photos}),
        "records": len(table),
        "shards_bytes": staged.size_bytes,
        "fingerprint": staged.fingerprint,
    }
    values |= {f"photos_dropped_{code}": number for code, number in plan.dropped.items()}
    values |= {f"records_{name}": staged.rows[name] for name in SPLITS}
    values |= {
        f"people_{name}": len({one.identity_id for one in plan.photos if one.split == name})
        for name in SPLITS
    }
    for column in ("role", "label", "family", "method"):
        values |= _count(f"records_{column}", table[column])
    for column in _COUNTED_LABELS:
        values |= _count(f"photos_{column}", (getattr(one.labels, column) for one in plan.photos))
    return values


def _count(name: str, keys: Iterable[str]) -> dict[str, Scalar]:
    return {f"{name}_{key}": number for key, number in sorted(Counter(keys).items())}
