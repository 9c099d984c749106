"""Folders and zips of images, read without unpacking, with what they say is real and fake."""

import hashlib
import logging
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceproof.data.inputs.labels import LabelReader, describe_unknown, is_hidden
from faceproof.data.inputs.names import NameIndex, fold, normalise
from faceproof.data.inputs.spreadsheets import Spreadsheet, read_json_lines, read_spreadsheet
from faceproof.data.inputs.walks import ImageFile, Reader, Walk, choose, open_file, open_zip, walk
from faceproof.errors import ImageError, InputError, name_some
from faceproof.records import Label
from faceproof.storage import replacing

logger = logging.getLogger(__name__)

TRUTH_NAME = "labels.csv"
_METADATA_NAMES = ("metadata.csv", "metadata.jsonl")  # of an ImageFolder; a label may be in it
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state: same content, same bytes
_PLAIN = LabelReader()


@dataclass(frozen=True)
class Truth:
    """What the archive itself says of an image; `group` ties images that are not independent."""

    label: Label
    group: str


@dataclass(frozen=True)
class Archive:
    """The image files of a folder or zip, and their truth where the archive states it.

    `unknown` names folders that stand where classes would and whose names are not known.
    """

    images: tuple[ImageFile, ...]
    truth: Mapping[str, Truth]
    unknown: tuple[str, ...] = ()


def open_archive(path: Path, labels: LabelReader = _PLAIN) -> Archive:
    """List a folder's or zip's images and its truth; `path` may also be one image.

    Truth is in files `labels.csv` (`image,label`, optionally `component_id`), each for the images
    in its folder and below; without one, in a `metadata.csv` or `metadata.jsonl` that has a column
    `label`; without that, in the names of the folders above an image.

    Args:
        path: of the folder, zip or image.
        labels: says what words mean real and fake.

    Raises:
        InputError: missing, neither folder nor zip, without any image, with a bad `labels.csv`, or
            with two tables of labels in one folder.
    """
    found = _walk_one(path) or walk(path)
    if not found.images:
        left_out = found.describe()
        raise InputError(
            f"{path} holds no image files{f' (left out: {left_out})' if left_out else ''}; "
            "give a folder or a zip of images"
        )
    return _add_truth(found, path, labels)


def measure_zip(path: Path) -> tuple[int, int]:
    """How many members a zip says it has, and how many bytes they say they unpack to.

    Raises:
        InputError: it is no readable zip.
    """
    members = open_zip(path).infolist()
    return len(members), sum(one.file_size for one in members)


def list_files(files: Sequence[Path], pattern: str, labels: LabelReader = _PLAIN) -> Archive:
    """The files that a pattern matched, by their paths; truth is in the names of their folders.

    Raises:
        InputError: none of them is an image file.
    """
    found = choose((open_file(one, one.as_posix()) for one in files if one.is_file()), pattern)
    if not found.images:
        raise InputError(f"{pattern} matches no image files; give a folder, a zip or a pattern")
    return Archive(found.images, *_read_folders([one.name for one in found.images], labels))


def read_member(path: Path, name: str) -> bytes:
    """The bytes of one file of a folder or zip.

    Raises:
        InputError: it is not there or cannot be read.
    """
    others = walk(path).others
    known = NameIndex(others).find(name)
    if known is None:
        raise InputError(f"{path} holds no {name}")
    try:
        return others[known]()
    except ImageError as error:
        raise InputError(f"cannot read {name} of {path}: {error}") from error


def _walk_one(path: Path) -> Walk | None:
    """One image as an archive of its own; None where the path is no image."""
    if not path.is_file() or zipfile.is_zipfile(path):
        return None
    one = choose([open_file(path, path.name)], str(path))
    return one if one.images else None


def _add_truth(found: Walk, path: Path, labels: LabelReader) -> Archive:
    names = [image.name for image in found.images]
    manifests = {
        name: read for name, read in found.others.items()
        if PurePosixPath(name).name.lower() == TRUTH_NAME
    }  # fmt: skip
    manifests = manifests or {
        name: read for name, read in found.others.items()
        if PurePosixPath(name).name.lower() in _METADATA_NAMES and _has_labels(name, read)
    }  # fmt: skip
    _refuse_pairs(manifests, path)
    if not manifests:
        return Archive(found.images, *_read_folders(names, labels))
    truth: dict[str, Truth] = {}
    for name in sorted(manifests, key=lambda one: one.count("/")):  # the nearest has the last word
        try:
            truth |= _read_manifest(manifests[name], name, names, labels)
        except (ImageError, InputError) as error:
            raise InputError(f"{path}: {name} cannot be used: {error}") from error
    if len(truth) < len(names):
        first = next(name for name in names if name not in truth)
        logger.warning(
            "%s says nothing of %d of %d images, %s first",
            ", ".join(manifests), len(names) - len(truth), len(names), first,
        )  # fmt: skip
    return Archive(found.images, truth)


def _refuse_pairs(manifests: Iterable[str], path: Path) -> None:
    """Refuse two tables in one folder, as `datasets` does: each could say something else."""
    beside: dict[PurePosixPath, str] = {}
    for name in manifests:
        first = beside.setdefault(PurePosixPath(name).parent, name)
        if first != name:
            raise InputError(f"{path} holds {first} and {name}, which both have labels; keep one")


def _read_table(name: str, read: Reader) -> Spreadsheet:
    is_lines = name.lower().endswith(".jsonl")
    return (read_json_lines if is_lines else read_spreadsheet)(read(), "it", ("image", "label"))


def _has_labels(name: str, read: Reader) -> bool:
    """Whether a table names images and has a column that is called label."""
    try:
        header = _read_table(name, read).header
    except (ImageError, InputError):
        return False
    return not {"label", "labels"}.isdisjoint(map(fold, header))


def _read_folders(
    names: Sequence[str], labels: LabelReader
) -> tuple[dict[str, Truth], tuple[str, ...]]:
    said = labels.read_folders(names)
    if said.unknown:
        logger.warning(describe_unknown(said.unknown))
    return {name: Truth(label, name) for name, label in said.labels.items()}, said.unknown


def _read_manifest(
    read: Reader, manifest: str, names: Iterable[str], labels: LabelReader
) -> dict[str, Truth]:
    """Truth by the names of images, from a table that names them relative to its own folder."""
    folder = PurePosixPath(normalise(manifest)).parent
    index = NameIndex(names)
    sheet = _read_table(manifest, read)
    groups = sheet.column("component") or [""] * len(sheet.rows)
    truth: dict[str, Truth] = {}
    missing = []
    columns = (sheet.column("image") or [], sheet.column("label") or [], groups)
    rows = zip(*columns, strict=True)
    for number, (image, word, group) in enumerate(rows, start=sheet.first_line):
        label = labels.read(word)
        if label is None and is_hidden(word) and word.strip():
            continue
        if label is None:
            raise InputError(f"line {number} says {word!r} where real or fake is expected")
        name = index.find(str(folder / normalise(image)))
        if name is None:
            missing.append(image)
            continue
        if name in truth and truth[name].label != label:
            raise InputError(f"line {number} calls {image} {label}, an earlier line not")
        truth[name] = Truth(label, group or name)
    if missing:
        logger.warning(
            "%s lists %d images that are not there: %s",
            manifest, len(missing), name_some(missing),
        )  # fmt: skip
    return truth


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on its members alone, with a `SHA256SUMS` of them."""
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(members.items())
    )
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, data in sorted({**members, "SHA256SUMS": sums.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)
