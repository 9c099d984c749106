"""One walk over folders, zips and stores: which files are images, and what is left out, counted.

An image file is one whose name or first bytes say so; those that cannot be decoded here stay in, so
that each gets a row with the reason. Hidden files and thumbnail folders are left out. Links are
followed, but not in loops, and not to a file that the walk lists anyway.
"""

import errno
import logging
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceproof.data.containers import HEAD_BYTES, is_image, list_endings
from faceproof.errors import ImageError, InputError

logger = logging.getLogger(__name__)

Reader = Callable[[], bytes]

MAX_FILE_BYTES = 200 << 20  # larger than any photo; a member that unpacks beyond it is a bomb
_ENDINGS = frozenset(
    [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "bmp", "dib", "gif", "webp", "tif", "tiff",
        "ppm", "pgm", "pbm", "pnm", *list_endings(),
    ]
)  # fmt: skip
# Files that come with images and are none; their bytes are not looked at.
_OTHER_ENDINGS = frozenset(
    [
        "csv", "tsv", "txt", "json", "jsonl", "xml", "html", "md", "pdf", "parquet", "arrow", "npy",
        "npz", "zip", "tar", "gz", "py", "yaml", "yml", "ini", "log", "db", "mp4", "mov", "avi",
    ]
)  # fmt: skip
# Of Jupyter, Synology, macOS, Windows and desktops, in lower case; names with a dot in front, too.
_THUMBNAILS = frozenset(
    ["@eadir", "__macosx", "#recycle", "$recycle.bin", "lost+found", "thumbs", "thumbnails"]
)
_UNREADABLE = (
    zipfile.BadZipFile, OSError, EOFError, zlib.error, ValueError,
    lzma.LZMAError, RuntimeError, NotImplementedError,  # encrypted, or packed in an unknown way
)  # fmt: skip

HIDDEN, THUMBNAIL, OTHER = "hidden", "in thumbnail folders", "no images"
LOOP, CLOSED, DEVICE = "links that lead back", "unreadable folders", "no regular files"
REPEATED = "links to what is listed already"
_TOLD = (HIDDEN, THUMBNAIL, LOOP, REPEATED, CLOSED, DEVICE)  # worth a warning; other files are not


@dataclass(frozen=True)
class ImageFile:
    """An image file inside a folder, zip or store: its path there, and how to get its bytes.

    `read` raises ImageError with code `unsafe_path`, `too_large` or `unreadable`.
    """

    name: str
    read: Reader


@dataclass(frozen=True)
class Entry:
    """Any file that a walk passes; `read_head` gives its first bytes, and raises like `read`."""

    name: str
    read: Reader
    read_head: Reader


@dataclass(frozen=True)
class Walk:
    """The image files by name, readers of all other files, and how many were left out, and why."""

    images: tuple[ImageFile, ...]
    others: Mapping[str, Reader]
    left_out: Mapping[str, int]

    def describe(self) -> str:
        """What was left out, as words; empty where nothing was."""
        return ", ".join(f"{number} {reason}" for reason, number in self.left_out.items())


def walk(path: Path) -> Walk:
    """The files of a folder or zip.

    Raises:
        InputError: it is neither, or cannot be read at all.
    """
    left_out: Counter[str] = Counter()
    if path.is_dir():
        entries = _FolderWalk(path, left_out).list_entries()
    elif path.is_file():
        entries = _list_zip(path)
    else:
        raise InputError(f"{path} does not exist; give a folder or a zip of images")
    return choose(entries, str(path), left_out)


def list_tables(folder: Path) -> list[Path]:
    """The parquet files of a folder, by their paths; hidden ones are left out.

    Raises:
        InputError: it is no folder, or cannot be read.
    """
    return [folder / name for name in walk(folder).others if name.endswith(".parquet")]


def choose(entries: Iterable[Entry], where: str, left_out: Counter[str] | None = None) -> Walk:
    """Which files are images; what is left out is counted, and said where a reader should know.

    Args:
        entries: the files, in any order.
        where: for messages.
        left_out: what was left out before.
    """
    counts = Counter() if left_out is None else left_out
    images: list[ImageFile] = []
    others: dict[str, Reader] = {}
    for one in sorted(_name_apart(entries), key=lambda entry: entry.name):
        reason = _find_reason(one)
        if reason is None:
            images.append(ImageFile(one.name, one.read))
            continue
        counts[reason] += 1
        if reason == OTHER:
            others[one.name] = one.read
    told = {reason: counts[reason] for reason in _TOLD if counts[reason]}
    if told:
        said = ", ".join(f"{number} {reason}" for reason, number in told.items())
        logger.warning("%s: left out %s", where, said)
    return Walk(tuple(images), others, dict(counts))


def open_file(path: Path, name: str) -> Entry:
    """An entry for a file of this machine."""

    def read(most: int = MAX_FILE_BYTES) -> bytes:
        try:
            size = path.stat()
            if not stat.S_ISREG(size.st_mode):
                raise ImageError("unreadable", "it is no regular file")
            if most == MAX_FILE_BYTES and size.st_size > MAX_FILE_BYTES:
                raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
            with path.open("rb") as handle:
                return handle.read(most)
        except OSError as error:
            reason = "the link leads nowhere" if path.is_symlink() else str(error.strerror)
            raise ImageError("unreadable", reason) from error

    return Entry(name, read, lambda: read(HEAD_BYTES))


def open_zip(path: Path) -> zipfile.ZipFile:
    """A zip for reading.

    Raises:
        InputError: it is none.
    """
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a folder or a readable zip: {error}") from error


def has_image_ending(name: str) -> bool:
    """True for a name that ends as image files do, also of kinds that are not decoded here."""
    return _ending(name) in _ENDINGS


def _find_reason(one: Entry) -> str | None:
    """Why a file is left out; None for an image."""
    aside = _find_aside(one.name)
    if aside is not None:
        return aside
    if has_image_ending(one.name) or has_image_ending(re.sub(r"#\d+$", "", one.name)):
        return None
    if _ending(one.name) in _OTHER_ENDINGS:
        return OTHER
    try:
        return None if is_image(one.read_head()) else OTHER
    except ImageError:
        return OTHER


def _find_aside(name: str) -> str | None:
    """Why a file is left out for the place where it lies; None where the place is an open one."""
    *folders, last = PurePosixPath(name).parts or ("",)
    if any(part.lower() in _THUMBNAILS for part in folders):
        return THUMBNAIL
    if any(part.startswith(".") and part != ".." for part in (*folders, last)):
        return HIDDEN
    return None


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".")


class _FolderWalk:
    """Every file below a folder, those behind links too, each once.

    Links are followed last: a file that lies below the folder keeps its own name, and a link to it
    adds nothing. Files in hidden folders are not listed, so a link to one of them is followed; the
    images of a git-annex repository are such links.
    """

    def __init__(self, folder: Path, left_out: Counter[str]) -> None:
        self._folder, self._left_out = folder, left_out
        self._links: deque[Path] = deque()
        self._passed: set[str] = set()  # real paths of the folders that were listed
        self._linked: set[str] = set()  # real paths of the files that were found behind links

    def list_entries(self) -> Iterator[Entry]:
        """The files; what is left out is counted."""
        yield from self._pass_folder(self._folder)
        while self._links:
            link = self._links.popleft()
            reason = self._refuse_link(link)
            if reason is not None:
                self._left_out[reason] += 1
            elif link.is_dir():
                yield from self._pass_folder(link)
            else:
                self._linked.add(os.path.realpath(link))
                yield open_file(link, self._name(link))

    def _pass_folder(self, top: Path) -> Iterator[Entry]:
        """The files below a folder that are no links; the links wait."""
        for text, folders, names in os.walk(top, onerror=self._report):
            place, real = Path(text), os.path.realpath(text)
            if real in self._passed:
                self._left_out[REPEATED] += 1
                folders.clear()
                continue
            if _find_aside(self._name(place / "_")) is None:
                self._passed.add(real)
            links = [one for one in sorted([*folders, *names]) if (place / one).is_symlink()]
            self._links.extend(place / one for one in links)
            folders[:] = sorted(set(folders).difference(links))
            for name in sorted(set(names).difference(links)):
                yield from self._pass_file(place / name, f"{real}/{name}")

    def _pass_file(self, path: Path, real: str) -> Iterator[Entry]:
        if _is_device(path):
            self._left_out[DEVICE] += 1
        elif real in self._linked:
            self._left_out[REPEATED] += 1
        else:
            yield open_file(path, self._name(path))

    def _refuse_link(self, link: Path) -> str | None:
        """Why a link is not followed; a broken one is, so that it gets a row with the reason."""
        aside = _find_aside(self._name(link))
        if aside is not None:
            return aside
        target = Path(os.path.realpath(link))
        if _is_loop(link) or Path(os.path.realpath(link.parent)).is_relative_to(target):
            return LOOP
        if _is_device(link) and not link.is_dir():
            return DEVICE
        is_taken = str(target) in self._passed or str(target) in self._linked
        return REPEATED if is_taken or self._is_listed(target) else None

    def _is_listed(self, target: Path) -> bool:
        """True for a file of a folder that was passed; hidden ones are not listed."""
        is_passed = target.is_file() and str(target.parent) in self._passed
        return is_passed and _find_aside(target.name) is None

    def _report(self, error: OSError) -> None:
        if error.filename == str(self._folder):
            raise InputError(f"{self._folder} cannot be read: {error.strerror}") from error
        self._left_out[CLOSED] += 1
        logger.warning("%s cannot be read: %s", error.filename, error.strerror)

    def _name(self, path: Path) -> str:
        return _to_text(path.relative_to(self._folder))


def _is_device(path: Path) -> bool:
    """True for pipes, sockets and devices: reading one may never end."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_loop(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _to_text(path: Path) -> str:
    """The path as text that can be written: bytes that are not UTF-8 become a replacement mark."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _list_zip(path: Path) -> Iterator[Entry]:
    archive = open_zip(path)
    for info in archive.infolist():
        if not info.filename.endswith("/"):
            yield _open_member(archive, info)


def _open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    def read(most: int = MAX_FILE_BYTES) -> bytes:
        if _is_unsafe(info.filename):
            raise ImageError("unsafe_path", "the path leaves the archive")
        if info.file_size > MAX_FILE_BYTES:
            raise ImageError("too_large", f"more than {MAX_FILE_BYTES} bytes")
        try:
            with archive.open(info) as member:
                return member.read(most + 1)[:most]
        except _UNREADABLE as error:
            raise ImageError("unreadable", str(error)) from error

    return Entry(info.filename.replace("\\", "/"), read, lambda: read(HEAD_BYTES))


def _is_unsafe(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:/", str(path)) is not None
    )


def _name_apart(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Every file under a name of its own: a zip may hold two of the same name."""
    taken: set[str] = set()
    for one in entries:
        number, unused = 1, one.name
        while unused in taken:
            number += 1
            unused = f"{one.name}#{number}"
        taken.add(unused)
        yield Entry(unused, one.read, one.read_head)
