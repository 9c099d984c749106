"""Folders and zips of images, read without unpacking; and the zips we hand out."""

import csv
import hashlib
import io
import logging
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceproof.errors import ImageError, InputError
from faceproof.records import LABELS, Label
from faceproof.storage import replacing

logger = logging.getLogger(__name__)

Reader = Callable[[], bytes]

MAX_FILE_BYTES = 200 << 20  # larger than any photo; a member that unpacks beyond it is a bomb
TRUTH_NAME = "labels.csv"
# Also formats that are not decoded here: they get a row with the reason.
_EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .heic .avif".split()  # noqa: SIM905  # a list of 15 strings is harder to read
)
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
_JUNK_FOLDER = "__MACOSX"
_UNREADABLE = (
    zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError,
    lzma.LZMAError, RuntimeError, NotImplementedError,  # encrypted, or packed in an unknown way
)  # fmt: skip
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state: same content, same bytes


@dataclass(frozen=True)
class ImageFile:
    """An image file inside a folder or zip: its path there, and how to get its bytes.

    `read` raises ImageError with code `unsafe_path`, `too_large` or `unreadable`.
    """

    name: str
    read: Reader


@dataclass(frozen=True)
class Truth:
    """What the archive itself says of an image; `group` ties images that are not independent."""

    label: Label
    group: str


@dataclass(frozen=True)
class Archive:
    """The image files of a folder or zip, and their truth where the archive states it."""

    images: tuple[ImageFile, ...]
    truth: Mapping[str, Truth]


def open_archive(path: Path) -> Archive:
    """List a folder's or zip's images and its truth.

    Truth is a `labels.csv` (`image,label`, optionally `component_id`) at the root or in the one
    folder that holds everything, else folders named `real` and `fake` anywhere above the image.

    Raises:
        InputError: missing, neither folder nor zip, without any image, or with a bad `labels.csv`.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        readers = _name_apart(
            (_to_text(one.relative_to(path)), _folder_reader(one)) for one in files
        )
    elif path.is_file():
        readers = _zip_readers(path)
    else:
        raise InputError(f"{path} does not exist; give a folder or a zip of images")
    images = [
        ImageFile(name, read) for name, read in sorted(readers.items()) if _is_image(name, read)
    ]
    if not images:
        raise InputError(f"{path} holds no image files; give a folder or a zip of images")
    return Archive(tuple(images), _read_truth(path, readers, images))


def measure_zip(path: Path) -> tuple[int, int]:
    """How many members a zip says it has, and how many bytes they say they unpack to.

    Raises:
        InputError: it is no readable zip.
    """
    members = _open_zip(path).infolist()
    return len(members), sum(one.file_size for one in members)


def list_files(files: Sequence[Path], pattern: str) -> Archive:
    """The files that a pattern matched, by their paths; truth is in folders `real` and `fake`.

    Raises:
        InputError: none of them is an image file.
    """
    readers = _name_apart(
        (_to_text(file), _folder_reader(file)) for file in files if file.is_file()
    )
    images = tuple(ImageFile(name, read) for name, read in readers.items() if _is_image(name, read))
    if not images:
        raise InputError(f"{pattern} matches no image files; give a folder, a zip or a pattern")
    return Archive(images, _read_folders(image.name for image in images))


def read_member(path: Path, name: str) -> bytes:
    """The bytes of one file of a folder or zip.

    Raises:
        InputError: it is not there or cannot be read.
    """
    readers = {name: _folder_reader(path / name)} if path.is_dir() else _zip_readers(path)
    if name not in readers:
        raise InputError(f"{path} holds no {name}")
    try:
        return readers[name]()
    except ImageError as error:
        raise InputError(f"cannot read {name} of {path}: {error}") from error


def _to_text(path: Path) -> str:
    """The path as text that can be written: bytes that are not UTF-8 become a replacement mark."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _folder_reader(file: Path) -> Reader:
    def read() -> bytes:
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
            return file.read_bytes()
        except OSError as error:
            raise ImageError("unreadable", str(error.strerror)) from error

    return read


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a folder or a readable zip: {error}") from error


def _zip_readers(path: Path) -> dict[str, Reader]:
    archive = _open_zip(path)
    members = (info for info in archive.infolist() if not info.filename.endswith("/"))
    return _name_apart(
        (info.filename.replace("\\", "/"), _zip_reader(archive, info)) for info in members
    )


def _name_apart(members: Iterable[tuple[str, Reader]]) -> dict[str, Reader]:
    """Every member under a name of its own: a zip may hold two of the same name."""
    named: dict[str, Reader] = {}
    for name, read in members:
        number, unused = 1, name
        while unused in named:
            number += 1
            unused = f"{name}#{number}"
        named[unused] = read
    return named


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Reader:
    def read() -> bytes:
        if _is_unsafe(info.filename):
            raise ImageError("unsafe_path", "the path leaves the archive")
        if info.file_size > MAX_FILE_BYTES:
            raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
        try:
            with archive.open(info) as member:
                return member.read(MAX_FILE_BYTES + 1)[:MAX_FILE_BYTES]
        except _UNREADABLE as error:
            raise ImageError("unreadable", str(error)) from error

    return read


def _is_unsafe(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:/", str(path)) is not None
    )


def has_image_ending(name: str) -> bool:
    """True for a name that ends as image files do, also of formats that are not decoded here."""
    return PurePosixPath(name).suffix.lower() in _EXTENSIONS


def _is_image(name: str, read: Reader) -> bool:
    """By extension; files with an unknown one, or none, by their first bytes."""
    path = PurePosixPath(re.sub(r"#\d+$", "", name))  # the number that tells twins apart
    if _JUNK_FOLDER in path.parts or path.name.startswith("._"):
        return False
    if {path.suffix.lower(), PurePosixPath(name).suffix.lower()} & _EXTENSIONS:
        return True
    try:
        return read().startswith(_SIGNATURES)
    except ImageError:
        return False


def _read_truth(
    path: Path, readers: Mapping[str, Reader], images: Iterable[ImageFile]
) -> dict[str, Truth]:
    names = {image.name for image in images}
    manifest = _find_manifest(readers)
    if manifest is None:
        return _read_folders(names)
    try:
        truth = _parse_truth(
            readers[manifest]().decode("utf-8-sig"), PurePosixPath(manifest).parent
        )
    except (ImageError, UnicodeDecodeError, InputError, csv.Error) as error:
        raise InputError(f"{path}: {manifest} cannot be used: {error}") from error
    missing = sorted(set(truth) - names)
    if missing:
        logger.warning(
            "%s lists %d images that are not there, %s first", manifest, len(missing), missing[0]
        )
    return {name: one for name, one in truth.items() if name in names}


def _read_folders(names: Iterable[str]) -> dict[str, Truth]:
    return {name: Truth(label, name) for name in names if (label := _label_by_folder(name))}


def _find_manifest(names: Iterable[str]) -> str | None:
    """`labels.csv` at the root, or in the one folder that holds everything."""
    names = [name for name in names if _JUNK_FOLDER not in PurePosixPath(name).parts]
    tops = {PurePosixPath(name).parts[:1] for name in names}
    allowed = {TRUTH_NAME, *("/".join((*top, TRUTH_NAME)) for top in tops if len(tops) == 1)}
    return next((name for name in names if name in allowed), None)


def _label_by_folder(name: str) -> Label | None:
    folders = PurePosixPath(name).parts[:-1]
    named = [label for part in folders for label in LABELS if part.lower() == label]
    return named[-1] if named else None


def _parse_truth(text: str, folder: PurePosixPath) -> dict[str, Truth]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"image", "label"} <= set(rows.fieldnames or ()):
        raise InputError("it needs the columns image,label")
    truth: dict[str, Truth] = {}
    for number, row in enumerate(rows, start=2):
        name = str(folder / (row["image"] or "").replace("\\", "/"))
        label = next((one for one in LABELS if one == (row["label"] or "").strip().lower()), None)
        if label is None:
            raise InputError(f"line {number} says {row['label']!r} where real or fake is expected")
        if name in truth and truth[name].label != label:
            raise InputError(f"line {number} calls {row['image']} {label}, an earlier line not")
        truth[name] = Truth(label, row.get("component_id") or name)
    return truth


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on its members alone, with a `SHA256SUMS` of them."""
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(members.items())
    )
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, data in sorted({**members, "SHA256SUMS": sums.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)
