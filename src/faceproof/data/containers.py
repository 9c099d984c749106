"""What surrounds the pixels in a file: its kind, how it is turned, and all else, which is dropped.

The kind is read from the first bytes. Orientation is read by itself, and metadata is cut out of
JPEG and PNG before they are decoded: no EXIF, ICC or XMP block, however odd, refuses a sound
picture. Sources: Exif 2.32 (CIPA DC-008), section 4.6; ITU-T T.81, annex B; PNG (W3C 2003), 11.
"""

import re
import struct
from collections.abc import Iterator

_JPEG, _PNG, _TIFF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*")
_READABLE = (_JPEG, _PNG, *_TIFF, b"GIF87a", b"GIF89a")
# Kinds that are not decoded here, by what stands at some byte of the file.
_UNREADABLE: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyphei", "HEIF"), (4, b"ftyphev", "HEIF"), (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"), (4, b"ftypavi", "AVIF"), (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"), (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"), (0, b"\0\0\1\0", "ICO"), (0, b"8BPS", "Photoshop"),
    (0, b"<svg", "SVG"), (0, b"FUJIFILMCCD-RAW", "camera raw"), (8, b"CR\2\0", "camera raw"),
)  # fmt: skip
_BY_ENDING = {
    "svg": "SVG", "tga": "TGA", "ico": "ICO", "heic": "HEIF", "heif": "HEIF", "hif": "HEIF",
    "avif": "AVIF", "jxl": "JPEG XL", "jp2": "JPEG 2000", "j2k": "JPEG 2000", "psd": "Photoshop",
    "dng": "camera raw", "cr2": "camera raw", "cr3": "camera raw", "nef": "camera raw",
    "arw": "camera raw", "raf": "camera raw", "orf": "camera raw", "rw2": "camera raw",
}  # fmt: skip
HEAD_BYTES = 64  # enough for every kind above

_ORIENTATION = 0x0112
_UPRIGHT = 1
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_APP0, _APP1, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
# Resolution, its unit, XMP, IPTC, Photoshop, ICC, and the directories of Exif, GPS and previews.
_TIFF_METADATA = frozenset(
    (0x11A, 0x11B, 0x128, 0x14A, 0x2BC, 0x83BB, 0x8649, 0x8773, 0x8769, 0x8825, 0xA005)
)
_NO_TAG = 0xFE00  # the first of 256 private tags
_START_OF_SCAN = 0xDA
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def is_image(head: bytes) -> bool:
    """True for the first bytes of an image file, also of a kind that is not decoded here."""
    return is_readable(head) or name_unreadable(head) is not None


def is_readable(head: bytes) -> bool:
    """True for the first bytes of a kind that is decoded here."""
    return head.startswith(_READABLE) or _is_webp(head) or _is_bmp(head) or _is_pnm(head)


def name_unreadable(head: bytes, ending: str = "") -> str | None:
    """The kind of an image that is not decoded here, such as HEIF; None for all else.

    Args:
        head: the file's first bytes.
        ending: of its name, without the dot; asked where the bytes say nothing.
    """
    if is_readable(head):
        return _BY_ENDING.get(ending) if _BY_ENDING.get(ending) == "camera raw" else None
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if plain.startswith(b"<svg") or (plain.startswith(b"<?xml") and b"<svg" in plain):
        return "SVG"
    by_bytes = (name for place, mark, name in _UNREADABLE if head[place:].startswith(mark))
    return next(by_bytes, _BY_ENDING.get(ending))


def list_endings() -> tuple[str, ...]:
    """Endings of names, without the dot, of kinds that are not decoded here."""
    return tuple(_BY_ENDING)


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _is_bmp(head: bytes) -> bool:
    """Text may begin with BM: the reserved bytes and the place of the pixels decide."""
    return (
        head.startswith(b"BM") and len(head) >= 18 and head[6:10] == bytes(4)
        and struct.unpack_from("<I", head, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)
    )  # fmt: skip


def _is_pnm(head: bytes) -> bool:
    return re.match(rb"P[1-6][ \t\r\n]+(#[^\n]*\n|[ \t\r\n])*[0-9]", head) is not None


def bare(data: bytes) -> tuple[bytes, int]:
    """The file without metadata where it is JPEG, PNG or TIFF, and its orientation, 1 to 8.

    Of other kinds, and of TIFF, whose decoder turns the picture itself, the orientation is 1.
    """
    if data.startswith(_JPEG):
        return _bare_jpeg(data)
    if data.startswith(_PNG):
        return _bare_png(data)
    if data.startswith(_TIFF):
        return _bare_tiff(data), _UPRIGHT
    return data, _UPRIGHT


def read_orientation(exif: bytes) -> int:
    """The orientation that an Exif block (from its byte order on) states, 1 to 8; 1 by default."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return _UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(entries):
            tag, kind, _ = struct.unpack_from(f"{order}HHI", exif, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                code = {1: "B", 3: "H", 4: "I"}.get(kind, "H")
                (value,) = struct.unpack_from(order + code, exif, start + 10 + 12 * number)
                return value if 1 <= value <= 8 else _UPRIGHT
    except struct.error:  # the block is cut off
        pass
    return _UPRIGHT


def _bare_jpeg(data: bytes) -> tuple[bytes, int]:
    """Drop application segments but JFIF's and Adobe's, which say how colours are coded."""
    kept, exif, xmp = [data[:2]], None, None
    place = 2
    for marker, begin, end in _list_segments(data):
        if marker == _APP1 and exif is None and data[begin + 4 : begin + 10] == _EXIF:
            exif = data[begin + 10 : end]
        elif marker == _APP1 and xmp is None and data[begin + 4 : end].startswith(_XMP):
            xmp = data[begin + 4 : end]
        if not (_APP0 < marker <= _APP15 and marker != _APP14):
            kept.append(data[begin:end])
        place = end
    kept.append(data[place:])
    return b"".join(kept), _choose(exif, xmp)


def _list_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and the byte after each segment before the first scan."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            yield 0, place, place + 1
            place += 1
            continue
        length = struct.unpack_from(">H", data, place + 2)[0]
        end = place + 2 + length
        if marker == _START_OF_SCAN or not 0xC0 <= marker <= _COMMENT:
            return
        if length < 2 or end > len(data):
            return
        yield marker, place, end
        place = end


def _bare_png(data: bytes) -> tuple[bytes, int]:
    """Keep the chunks that make the picture; of an animation that is its default image."""
    kept, exif, xmp = [data[: len(_PNG)]], None, None
    place = len(_PNG)
    while place + 8 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        end = place + 12 + length
        body = data[place + 8 : place + 8 + length]
        if kind == b"eXIf" and exif is None:
            exif = body.removeprefix(_EXIF)
        elif kind == b"iTXt" and body.startswith(b"XML:com.adobe.xmp"):
            xmp = body
        if kind in _PIXEL_CHUNKS:
            kept.append(data[place:end])
        place = end
    return b"".join(kept), _choose(exif, xmp)


def _bare_tiff(data: bytes) -> bytes:
    """Give tags that have nothing to do with the pixels a number that nobody looks for."""
    order = "<" if data.startswith(b"II") else ">"
    bared = bytearray(data)
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, start)
        for number in range(entries):
            place = start + 2 + 12 * number
            if struct.unpack_from(f"{order}H", data, place)[0] in _TIFF_METADATA:
                struct.pack_into(f"{order}HHII", bared, place, _NO_TAG + number % 256, 1, 1, 0)
    except struct.error:  # the directory is cut off: the decoder will say so
        return data
    return bytes(bared)


def _choose(exif: bytes | None, xmp: bytes | None) -> int:
    """What Exif says; where it says nothing, what XMP says."""
    orientation = _UPRIGHT if exif is None else read_orientation(exif)
    found = _XMP_ORIENTATION.search(xmp or b"")
    return int(found[1]) if found and orientation == _UPRIGHT else orientation
