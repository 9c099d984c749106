"""Anybody's pictures of real and fake faces, divided to train on as they stand.

Each picture's largest face is cut out, as prediction does. Groups that the data state, or folders
of people, stay in one split, and so do near copies. Probes that never see the face go first: where
one of them tells the label, a detector could learn that instead.
"""

import csv
import hashlib
import io
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from datasets import Dataset, Features, Value
from datasets.arrow_writer import ArrowWriter
from numpy.typing import NDArray

from faceproof.console import progress
from faceproof.data.checks.duplicates import Hash, find_near, hash_photo
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.gates import probe_view, see_border, see_thumbnail
from faceproof.data.checks.shortcuts import judge, probe, read_file_facts
from faceproof.data.faces import find_faces
from faceproof.data.images import decode
from faceproof.data.inputs.archives import Truth, write_zip
from faceproof.data.inputs.labels import LabelReader, code_of
from faceproof.data.inputs.people import find_people
from faceproof.data.inputs.streams import ImageStream, open_stream
from faceproof.data.inputs.walks import ImageFile
from faceproof.data.splits import FEWEST_GROUPS, assign_splits, join_components
from faceproof.errors import DatasetError, ImageError, InputError, MetricError
from faceproof.metrics import Labels, Measured
from faceproof.records import FAKE, LABELS, NONE, ROLES, SPLITS, SQUARE, Split
from faceproof.storage import claim_folder, replacing

logger = logging.getLogger(__name__)

# Pictures of people, beside a model: the Trainer pushes nothing that begins with an underscore.
_TEST, _PICTURES = "_test_faces.zip", "_pictures.arrow"
_UNKNOWN = "unknown"
_VIEWS = {"thumbnail": see_thumbnail, "border": see_border}
_ROLES = {0: ROLES.index("real"), FAKE: ROLES.index("fake")}
_SCHEMA = Features(
    {
        "image": {"bytes": Value("binary"), "path": Value("string")},
        "label": Value("int64"),
        "role": Value("int64"),
        "parameters": Value("string"),
    }
)
_NO_GROUPS = (
    "nothing says who is who%s: near copies stay in one split, but other pictures of the same "
    "person may stand in two, and then the numbers measured on test are too good; a column "
    "`group` in labels.csv, or a folder for each person, would prevent that"
)

Names = NDArray[np.str_]


@dataclass(frozen=True)
class Picture:
    """What is kept of a picture beside its bytes; `group` is its own name if none is stated."""

    name: str
    label: int
    group: str
    square: tuple[int, int, int]
    hash: Hash
    facts: dict[str, float | str]
    views: dict[str, NDArray[np.float64]]
    sha256: str


@dataclass(frozen=True)
class Divided:
    """One's own pictures: by split a table and the pictures of its rows; what the probes found.

    The table has the names of a built dataset; `pair_id` says what is learned from side by side.
    """

    splits: Mapping[Split, tuple[pd.DataFrame, Dataset]]
    findings: Sequence[Finding]
    fingerprint: str


def divide_pictures(place: str, labels: LabelReader, folder: Path, seed: int) -> Divided:
    """Read, look at and divide the pictures at a place.

    Args:
        place: see `inputs.streams.open_stream`; of a dataset its split `train`.
        labels: says what words mean real and fake.
        folder: gets a copy of the pictures, and a zip of those that are held out for test.
        seed: of the division.

    Raises:
        DatasetError: the pictures are of one label, or too few.
        InputError: there are no pictures.
    """
    stream = open_stream(place, labels, "train")
    claim_folder(folder)
    pictures, rows = _read_pictures(stream, folder / _PICTURES)
    components = tie(pictures, labels)
    findings = look_for_shortcuts(pictures, components, seed)
    splits = _divide(pictures, rows, components, seed)
    write_zip(folder / _TEST, _export(*splits["test"]))
    return Divided(splits, findings, _fingerprint(pictures, components, seed))


def _read_pictures(stream: ImageStream, place: Path) -> tuple[list[Picture], Dataset]:
    """Every picture whose label is known and in which a face is found; the bytes go to `place`."""
    pictures: list[Picture] = []
    dropped: Counter[str] = Counter()
    with replacing(place) as partial, ArrowWriter(path=str(partial), features=_SCHEMA) as writer:
        for file in progress(stream.images, "finding faces", "pictures", stream.count):
            truth = stream.truth.get(file.name)
            try:
                if truth is None:
                    raise ImageError("no_label", "nothing says whether it is real")
                data = file.read()
                pictures.append(_look(file, data, truth))
            except ImageError as error:
                dropped[error.code] += 1
                continue
            writer.write(_to_row(pictures[-1], data))
        writer.finalize()
    counted = "".join(f", {number} {code}" for code, number in sorted(dropped.items()))
    logger.info("%d pictures kept, %d dropped%s", len(pictures), dropped.total(), counted)
    if len({one.label for one in pictures}) < len(LABELS):
        raise DatasetError(
            "real and fake pictures with faces are needed, of both; give folders real/ and fake/ "
            f"or labels.csv ({len(pictures)} pictures were kept{counted})"
        )
    return pictures, Dataset.from_file(str(place))


def _look(file: ImageFile, data: bytes, truth: Truth) -> Picture:
    pixels = decode(data)
    crop = find_faces(pixels).crop
    face = crop.cut(pixels)
    return Picture(
        name=file.name,
        label=code_of(truth.label),
        group=truth.group,
        square=(crop.left, crop.top, crop.side_pixels),
        hash=hash_photo(face),
        facts=read_file_facts(data),
        views={name: see(face) for name, see in _VIEWS.items()},
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _to_row(picture: Picture, data: bytes) -> dict[str, object]:
    return {
        "image": {"bytes": data, "path": None},
        "label": picture.label,
        "role": _ROLES[picture.label],
        "parameters": f'{{"{SQUARE}": {list(picture.square)}}}',
    }


def tie(pictures: Sequence[Picture], labels: LabelReader) -> Names:
    """The component of each picture, shape (N,): what must stay in one split."""
    groups = _find_groups(pictures, labels)
    near = find_near([one.hash for one in pictures])
    names = [f"picture {number}" for number in range(len(pictures))]
    links = [
        *zip(names, (f"group {group}" for group in groups), strict=True),
        *((names[first], names[second]) for first, second in near),
    ]
    component_of = join_components(links)
    return np.array([component_of[name] for name in names])


def _find_groups(pictures: Sequence[Picture], labels: LabelReader) -> list[str]:
    """The group or person of each picture, or its own name where nobody is known."""
    names = [one.name for one in pictures]
    if any(one.group != one.name for one in pictures):
        groups = [one.group for one in pictures]
        logger.info("%d groups in %d pictures, as stated", len(set(groups)), len(groups))
        return groups
    try:
        people = find_people(names, labels)
    except InputError as error:
        logger.warning(_NO_GROUPS, f" ({error})")
        return names
    if not FEWEST_GROUPS <= len(set(people.person_of.values())) < len(names):
        logger.warning(_NO_GROUPS, "")
        return names
    logger.info("%s", people.describe())
    return [people.person_of[name] for name in names]


def look_for_shortcuts(pictures: Sequence[Picture], groups: Names, seed: int) -> list[Finding]:
    """What file, thumbnail and border alone tell of the label; warned of where it is much.

    Args:
        pictures: of both labels.
        groups: component of each, shape (N,).
        seed: of folds, forests and bootstrap.
    """
    labels = np.array([one.label for one in pictures], np.int64)
    findings = []
    for name in ("file", *_VIEWS):
        measured: Measured | None = None
        try:
            if name == "file":
                measured = probe([one.facts for one in pictures], labels, groups, seed)
            else:
                views = np.stack([one.views[name] for one in pictures])
                everywhere = np.full(len(labels), name)
                measured = probe_view(views, labels, everywhere, groups, seed)
        except MetricError:
            pass  # too few groups: the finding says so
        seen = f"AUROC of a probe that sees the {name} alone"
        findings.append(judge(f"shortcut_{name}", measured, len(labels), seen))
    for one in findings:
        if one.outcome == "fail":
            logger.warning("%s: %.2f. %s %s", one.measure, one.value, one.meaning, one.advice)
    return findings


def _divide(
    pictures: Sequence[Picture], rows: Dataset, components: Names, seed: int
) -> dict[Split, tuple[pd.DataFrame, Dataset]]:
    """Components drawn into splits, evenly over those that hold reals, fakes and both.

    Raises:
        DatasetError: too few components, or a split would hold one label alone.
    """
    labels = np.array([one.label for one in pictures], np.int64)
    strata = {
        str(component): str(sorted(set(labels[components == component].tolist())))
        for component in np.unique(components)
    }
    split_of = assign_splits(strata, seed)
    where = np.array([split_of[str(component)] for component in components])
    splits: dict[Split, tuple[pd.DataFrame, Dataset]] = {}
    for name in SPLITS:
        chosen = np.flatnonzero(where == name)
        if len(set(labels[chosen].tolist())) < len(LABELS):
            raise DatasetError(f"the split {name} would hold one label alone; add more people")
        table = _describe([pictures[row] for row in chosen.tolist()], components[chosen])
        splits[name] = table, rows.select(chosen.tolist())
    counts = ", ".join(f"{name} {len(table)}" for name, (table, _) in splits.items())
    logger.info("%d components: %s pictures", len(strata), counts)
    return splits


def _fingerprint(pictures: Sequence[Picture], components: Names, seed: int) -> str:
    lines = [
        f"{one.name} {one.sha256} {one.label} {component}"
        for one, component in zip(pictures, components, strict=True)
    ]
    return hashlib.sha256("\n".join([str(seed), *lines]).encode()).hexdigest()


def _describe(pictures: Sequence[Picture], components: Names) -> pd.DataFrame:
    """The table of a split: what is known of each picture, in the names of a built dataset."""
    labels = np.array([one.label for one in pictures], np.int64)
    kinds = np.where(labels == FAKE, _UNKNOWN, NONE)
    unknown = dict.fromkeys(("sex", "age_band", "skin_tone"), _UNKNOWN)
    return pd.DataFrame(
        {
            "label": labels,
            "role": [_ROLES[label] for label in labels.tolist()],
            "family": kinds,
            "method": kinds,
            "image_id": [one.name for one in pictures],
            "pair_id": [f"pair {number}" for number in deal_pairs(labels, components)],
            "component_id": components,
            "parameters": "{}",
            "source": "own",
            "seed": None,
            **unknown,
            "parent_ids": [[] for _ in pictures],
        }
    )


def deal_pairs(labels: Labels, components: Names) -> NDArray[np.int64]:
    """What is learned from side by side, shape (N,): reals dealt to fakes, or the other way round.

    Both labels are laid out by component and dealt to as many pairs as the rarer one has pictures,
    so that real and fake pictures of one person meet where there are as many.
    """
    pairs = np.zeros(len(labels), np.int64)
    rows_of = [np.flatnonzero(labels == label) for label in (0, FAKE)]
    number = min(map(len, rows_of))
    for rows in rows_of:
        ordered = rows[np.argsort(components[rows], kind="stable")]
        pairs[ordered] = np.arange(len(rows)) * number // len(rows)
    return pairs


def _export(table: pd.DataFrame, rows: Dataset) -> Mapping[str, bytes]:
    """The pictures of a split as files, and a labels.csv that says what they are."""
    names = [
        f"images/{number:05d}{PurePosixPath(name).suffix}"
        for number, name in enumerate(table["image_id"])
    ]
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(["image", "label", "component_id"])
    words = [LABELS[label] for label in table["label"]]
    writer.writerows(zip(names, words, table["component_id"], strict=True))
    files = (row["image"]["bytes"] for row in rows.select_columns("image"))
    return {"labels.csv": sheet.getvalue().encode(), **dict(zip(names, files, strict=True))}
