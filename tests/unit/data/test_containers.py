import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from faceproof.data.containers import bare, is_image, name_unreadable, read_orientation
from faceproof.data.images import Pixels, decode
from faceproof.errors import ImageError

TURNED = (0x112, 3, 1, struct.pack("<HH", 6, 0))
ODD = {
    "interop": (0xA005, 7, 4, b"\0\1\2\3"),
    "preview as text": (0x14A, 2, 4, b"abc\0"),
    "resolution not a number": (0x11A, 11, 1, struct.pack("<f", float("nan"))),
    "exif directory nowhere": (0x8769, 4, 1, struct.pack("<I", 1 << 30)),
    "gps of a strange kind": (0x8825, 99, 7, b"\xff\xff\xff\xff"),
}


def exif_of(*entries: tuple[int, int, int, bytes]) -> bytes:
    body = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack("<HHI", tag, kind, count) + value
    return body + struct.pack("<I", 0)


def save(face: Pixels, form: str, **options: object) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(face).save(sink, form, **options)
    return sink.getvalue()


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def with_chunk(png: bytes, kind: bytes, body: bytes, is_sound: bool = True) -> bytes:
    check = zlib.crc32(kind + body) if is_sound else 0
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_metadata_refuse_no_jpeg_and_the_orientation_counts(
    face: Pixels, odd: tuple[int, int, int, bytes]
) -> None:
    jpeg = save(face, "JPEG")
    turned = with_segment(jpeg, 0xE1, b"Exif\0\0" + exif_of(TURNED, odd))
    assert np.array_equal(decode(turned), np.rot90(decode(jpeg), -1))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_metadata_refuse_no_png(face: Pixels, odd: tuple[int, int, int, bytes]) -> None:
    png = with_chunk(save(face, "PNG"), b"eXIf", exif_of(TURNED, odd))
    assert np.array_equal(decode(png), np.rot90(face, -1))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_metadata_refuse_no_tiff(face: Pixels, odd: tuple[int, int, int, bytes]) -> None:
    tiff = bytearray(save(face, "TIFF", tiffinfo={0x112: 6, 0x11A: 72.0, 0x131: "camera"}))
    (start,) = struct.unpack_from("<I", tiff, 4)
    (entries,) = struct.unpack_from("<H", tiff, start)
    place = next(
        start + 2 + 12 * one for one in range(entries)
        if struct.unpack_from("<H", tiff, start + 2 + 12 * one)[0] == 0x11A
    )  # fmt: skip
    struct.pack_into("<HHI4s", tiff, place, *odd)
    assert np.array_equal(decode(bytes(tiff)), np.rot90(face, -1))


@pytest.mark.parametrize("marker", [0xE2, 0xE1, 0xED], ids=["ICC or MPF", "XMP", "Photoshop"])
def test_broken_blocks_of_a_jpeg_are_passed_over(face: Pixels, marker: int) -> None:
    jpeg = save(face, "JPEG")
    for body in (
        b"",
        b"ICC_PROFILE\0\xff\xff",
        b"MPF\0\xff" * 9,
        b"Photoshop 3.0\0" + b"\xff" * 40,
    ):
        assert np.array_equal(decode(with_segment(jpeg, marker, body)), decode(jpeg))


def test_broken_chunks_of_a_png_are_passed_over(face: Pixels) -> None:
    png = save(face, "PNG")
    bomb = b"x\0\0" + zlib.compress(bytes(100 << 20))
    for kind, body in ((b"iCCP", b"junk"), (b"zTXt", bomb), (b"tIME", b"")):
        assert np.array_equal(decode(with_chunk(png, kind, body, is_sound=False)), face)


def test_colours_of_cmyk_and_transparency_survive(face: Pixels) -> None:
    cmyk = io.BytesIO()
    Image.fromarray(face).convert("CMYK").save(cmyk, "JPEG", quality=95)
    assert np.abs(decode(cmyk.getvalue()).astype(int) - face).mean() < 6
    clear = io.BytesIO()
    Image.new("P", (20, 20), 0).save(clear, "PNG", transparency=0)
    assert (decode(clear.getvalue()) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_orientation_is_turned_as_pillow_would(
    face: Pixels, form: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    data = save(face, form, exif=exif, **options)
    turns = Image.Transpose
    turn = {
        2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE, 6: turns.ROTATE_270, 7: turns.TRANSVERSE, 8: turns.ROTATE_90,
    }.get(orientation)  # fmt: skip
    upright = decode(save(face, form, **options))
    expected = Image.fromarray(upright)
    expected = expected if turn is None else expected.transpose(turn)
    assert np.array_equal(decode(data), np.asarray(expected))


def test_xmp_turns_a_picture_whose_exif_says_nothing(face: Pixels) -> None:
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="8"/>'
    assert bare(with_segment(save(face, "JPEG"), 0xE1, xmp))[1] == 8
    said = with_segment(save(face, "JPEG"), 0xE1, b"Exif\0\0" + exif_of(TURNED))
    assert bare(with_segment(said, 0xE1, xmp))[1] == 6


@pytest.mark.parametrize("exif", [b"", b"II*\0", b"XX*\0\0\0\0\0", exif_of(TURNED)[:-9]])
def test_a_block_that_is_cut_off_says_upright(exif: bytes) -> None:
    assert read_orientation(exif) == 1


def test_values_that_mean_nothing_say_upright() -> None:
    assert read_orientation(exif_of((0x112, 3, 1, struct.pack("<HH", 77, 0)))) == 1


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "HEIF"), (b"\0\0\0\x1cftypmif1", "HEIF"),
        (b"\0\0\0\x18ftypheix", "HEIF"), (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\xff\x0a\0\0", "JPEG XL"), (b"\0\0\0\x0cJXL \r\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"), (b"\0\0\1\0\1\0", "ICO"), (b"8BPS\0\1", "Photoshop"),
        (b" <svg width='1'>", "SVG"),
    ],
)  # fmt: skip
def test_kinds_that_cannot_be_read_are_named(head: bytes, kind: str) -> None:
    assert name_unreadable(head) == kind
    assert is_image(head)
    with pytest.raises(ImageError, match=f"unsupported: {kind} cannot be read here"):
        decode(head + bytes(200))


def test_text_is_no_image() -> None:
    for text in (b"BM is how this sentence begins, at length", b"GIF me", b"P1 of 3", b"hello"):
        assert not is_image(text + bytes(3))
