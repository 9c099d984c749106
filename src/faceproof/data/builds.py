"""The steps of a build that are more than one call: settings, networks, counts."""

import hashlib
import inspect
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
from datasets import DatasetBuilder, DatasetDict
from datasets.exceptions import DatasetGenerationError

from faceproof.data.checks.duplicates import find_near, hash_photo
from faceproof.data.forgery import AUTOENCODER, GENERATOR, synthesize
from faceproof.data.forgery.methods import TRAININGS, locate_checkpoint
from faceproof.data.forgery.tensors import is_made_from
from faceproof.data.images import decode
from faceproof.data.inputs.labels import parse_labels
from faceproof.data.plans import Plan
from faceproof.data.settings import BuildSettings
from faceproof.data.shards import StagedShards
from faceproof.data.sources import SOURCES
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.data.tables import leave_encoded, to_frame
from faceproof.errors import FaceProofError
from faceproof.records import NONE, SPLITS
from faceproof.results import Scalar
from faceproof.storage import claim_folder, hash_file, hash_files

logger = logging.getLogger(__name__)

_COUNTED_LABELS = ("sex", "sex_basis", "age_band", "skin_tone")


def train_networks(plan: Plan, settings: BuildSettings) -> Path:
    """Train the networks that the recipe wants, on the training people's photos.

    A checkpoint that an earlier run made from the same crops, code and settings is used again.

    Returns:
        The folder of their checkpoints.
    """
    folder = settings.work / "networks"
    steps = {AUTOENCODER: settings.autoencoder_steps, GENERATOR: settings.generator_steps}
    wanted = [name for name in TRAININGS if name in settings.methods]
    if not wanted:
        return folder
    claim_folder(folder)
    known = [photo for photo in plan.photos if photo.split == "train"]
    photos = [(photo.read_pixels(), photo.crop.landmarks()) for photo in known]
    crops = hashlib.sha256(b"".join(one.tobytes() for photo in photos for one in photo))
    for name in wanted:
        train, checkpoint = TRAININGS[name], locate_checkpoint(folder, name)
        code = hash_file(Path(inspect.getfile(train)))
        made_from = "/".join(
            [crops.hexdigest(), code, version("torch"), str(steps[name]), str(settings.seed)]
        )
        if not is_made_from(checkpoint, made_from):
            train(photos, steps[name], settings.seed, checkpoint, made_from)
    return folder


def generate(builder: DatasetBuilder) -> DatasetDict:
    """Run the builder; what it refuses comes as our own error, not wrapped in the library's.

    Raises:
        FaceProofError: what stopped it.
    """
    try:
        builder.download_and_prepare()
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, FaceProofError):
            raise error.__cause__ from error
        raise
    return builder.as_dataset()


def drop_copies(splits: DatasetDict) -> tuple[DatasetDict, int]:
    """Leave out synthesized faces that look like an image of another split, and count them.

    A generator repeats itself and, trained on few people, may draw one of them; a face seen in
    training and again in testing would be known to a classifier. Of two synthesized faces alike the
    one in the smaller split stays.
    """
    encoded = leave_encoded(splits)
    images = [
        (name, index, family == synthesize.FAMILY)
        for name in SPLITS
        for index, family in enumerate(splits[name]["family"])
        if family in (synthesize.FAMILY, NONE)
    ]
    if not any(is_synthesis for _, _, is_synthesis in images):
        return splits, 0
    files = (encoded[name][index]["image"]["bytes"] for name, index, _ in images)
    parts = np.array([name for name, _, _ in images])
    dropped = set()
    for pair in find_near([hash_photo(decode(data)) for data in files], parts):
        one, other = (images[index] for index in pair)  # in the order of the splits, largest first
        if one[2] or other[2]:
            dropped.add((one if one[2] else other)[:2])
    if not dropped:
        return splits, 0
    logger.info("left out %d synthesized faces that another split has", len(dropped))
    kept = DatasetDict()
    for name, rows in splits.items():
        left = [index for index in range(len(rows)) if (name, index) not in dropped]
        kept[name] = rows.select(left).flatten_indices()
    return kept, len(dropped)


def read_photos(settings: BuildSettings) -> Iterator[SourcePhoto]:
    """The real photos of the recipe's source."""
    claim_folder(settings.exports)
    claim_folder(settings.work)
    request = SourceRequest(
        settings.input, claim_folder(settings.work / "photos"), settings.limit,
        tuple(settings.columns), settings.terms, parse_labels(settings.labels),
    )  # fmt: skip
    photos = SOURCES[settings.source](request)
    return islice(_take_each(photos, settings.photos_each), settings.limit)


def _take_each(photos: Iterator[SourcePhoto], most: int | None) -> Iterator[SourcePhoto]:
    """The first photos of each person; all where no number is given."""
    taken: Counter[str] = Counter()
    for photo in photos:
        taken[photo.identity_id] += 1
        if most is None or taken[photo.identity_id] <= most:
            yield photo


def hash_photos(plan: Plan) -> str:
    """Fingerprint of the photos that were kept, and of others' fakes beside them."""
    strangers = (Path(one.path) for photo in plan.photos for one in photo.strangers)
    return hash_files([*(Path(photo.path) for photo in plan.photos), *strangers])


def count_records(
    source: str, plan: Plan, splits: DatasetDict, staged: StagedShards
) -> dict[str, Scalar]:
    """Every photo in, every photo out, and every record by split, role and method."""
    table = to_frame(splits)
    values: dict[str, Scalar] = {
        "source": source,
        "photos_in": plan.counted_in,
        "photos_kept": len(plan.photos),
        "strangers": sum(len(photo.strangers) for photo in plan.photos),
        "photos_dropped": sum(plan.dropped.values()),
        "people": len({photo.identity_id for photo in plan.photos}),
        "records": len(table),
        "shards_bytes": staged.size_bytes,
        "fingerprint": staged.fingerprint,
    }
    values |= {f"photos_dropped_{code}": number for code, number in plan.dropped.items()}
    values |= {f"records_{name}": staged.rows[name] for name in SPLITS}
    values |= _count("photos_source", (photo.source for photo in plan.photos))
    for name in SPLITS:
        people = {one.identity_id for one in plan.photos if one.split == name}
        values[f"people_{name}"] = len(people)
    for column in ("role", "label", "family", "method", "source"):
        values |= _count(f"records_{column}", table[column])
    for column in _COUNTED_LABELS:
        values |= _count(f"photos_{column}", (getattr(one.labels, column) for one in plan.photos))
    return values


def _count(name: str, keys: Iterable[str]) -> dict[str, Scalar]:
    return {f"{name}_{key}": number for key, number in sorted(Counter(keys).items())}
