"""Folders and zips of images, read without unpacking; and the zips we hand out."""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceproof.errors import ImageError, InputError
from faceproof.records import LABELS, Label
from faceproof.storage import replacing

MAX_FILE_BYTES = 200 << 20  # larger than any photo; a member that unpacks beyond it is a bomb
TRUTH_NAME = "labels.csv"
_EXTENSIONS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".heic",
        ".heif",
        ".avif",
    ]
)
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
_JUNK_FOLDER = "__MACOSX"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state: same content, same bytes


@dataclass(frozen=True)
class ImageFile:
    """An image file inside a folder or zip: its path there, and how to get its bytes.

    `read` raises ImageError with code `unsafe_path`, `too_large` or `unreadable`.
    """

    name: str
    read: Callable[[], bytes]


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

    Truth is a `labels.csv` (`image,label`, optionally `component_id`) at the root, else folders
    named `real` and `fake` anywhere above the image.

    Raises:
        InputError: missing, neither folder nor zip, without any image, or with a bad `labels.csv`.
    """
    if path.is_dir():
        members = {
            _readable(file.relative_to(path)): file for file in path.rglob("*") if file.is_file()
        }
        readers = {name: _folder_reader(file) for name, file in members.items()}
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


def _readable(path: Path) -> str:
    """The path as text that can be written: bytes that are not UTF-8 become a replacement mark."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _folder_reader(file: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
            return file.read_bytes()
        except OSError as error:
            raise ImageError("unreadable", str(error.strerror)) from error

    return read


def _zip_readers(path: Path) -> dict[str, Callable[[], bytes]]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{path} is not a folder or a readable zip: {error}") from error
    infos = [info for info in archive.infolist() if not info.is_dir()]
    return {name: _zip_reader(archive, info) for name, info in _name_members(infos)}


def _name_members(infos: Iterable[zipfile.ZipInfo]) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Every member under a name of its own: a zip may hold two of the same name."""
    seen: dict[str, int] = {}
    for info in infos:
        name = info.filename.replace("\\", "/")
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}#{seen[name]}"), info


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        if _is_unsafe(info.filename):
            raise ImageError("unsafe_path", "the path leaves the archive")
        if info.file_size > MAX_FILE_BYTES:
            raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
        try:
            with archive.open(info) as member:
                return member.read(MAX_FILE_BYTES + 1)[:MAX_FILE_BYTES]
        except (zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError) as error:
            raise ImageError("unreadable", str(error)) from error
        except (RuntimeError, NotImplementedError) as error:  # encrypted, or an unknown method
            raise ImageError("unreadable", str(error)) from error

    return read


def _is_unsafe(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]


def _is_image(name: str, read: Callable[[], bytes]) -> bool:
    """By extension; files without one by their first bytes."""
    path = PurePosixPath(name.partition("#")[0])
    if _JUNK_FOLDER in path.parts or path.name.startswith("._"):
        return False
    if path.suffix:
        return path.suffix.lower() in _EXTENSIONS
    try:
        return read().startswith(_SIGNATURES)
    except ImageError:
        return False


def _read_truth(
    path: Path, readers: Mapping[str, Callable[[], bytes]], images: Iterable[ImageFile]
) -> dict[str, Truth]:
    if TRUTH_NAME in readers:
        try:
            return _parse_truth(readers[TRUTH_NAME]().decode("utf-8-sig"))
        except (ImageError, UnicodeDecodeError, InputError, csv.Error) as error:
            raise InputError(f"{path}: {TRUTH_NAME} cannot be used: {error}") from error
    truth = {}
    for image in images:
        named = [
            part.lower() for part in PurePosixPath(image.name).parts[:-1] if part.lower() in LABELS
        ]
        if named:
            truth[image.name] = Truth("fake" if named[-1] == "fake" else "real", image.name)
    return truth


def _parse_truth(text: str) -> dict[str, Truth]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"image", "label"} <= set(rows.fieldnames or ()):
        raise InputError("it needs the columns image,label")
    truth = {}
    for number, row in enumerate(rows, start=2):
        label = (row["label"] or "").strip().lower()
        if label not in LABELS:
            raise InputError(f"line {number} says {label!r} where real or fake is expected")
        truth[row["image"]] = Truth(
            "fake" if label == "fake" else "real", row.get("component_id") or row["image"]
        )
    return truth


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on its members alone, with a `SHA256SUMS` of them."""
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(members.items())
    )
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, data in sorted({**members, "SHA256SUMS": sums.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)
