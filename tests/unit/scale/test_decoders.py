"""Decoding: the same pixels as the careful reader's, whatever the format."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faceproof.data.images import decode
from faceproof.errors import ImageError
from faceproof.scale.decoders import decode_fast

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)


def encode(kind: str, mode: str = "RGB", **options: object) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(sink, kind, **options)
    return sink.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    return encode("JPEG", exif=exif)


@pytest.mark.parametrize(
    "data",
    [
        encode("JPEG"), encode("JPEG", subsampling=0), encode("JPEG", progressive=True),
        encode("JPEG", comment=b"padding" * 500), encode("JPEG", "L"), encode("JPEG", "CMYK"),
        encode("PNG"), encode("PNG", "RGBA"), encode("WEBP", lossless=True), encode("BMP"),
        rotated(),
        rotated()[:2] + b"\xff\xfe\x00\x62" + bytes(96) + rotated()[2:],
    ],
    ids=[
        "jpeg", "444",
        "progressive", "padded", "grey", "cmyk", "png", "rgba", "webp", "bmp", "exif",
        "exif later",
    ],
)  # fmt: skip
def test_pixels_are_those_of_the_careful_reader(data: bytes) -> None:
    expected = decode(data)
    room = np.empty(1 << 16, np.uint8)
    small = np.empty(10, np.uint8)
    for given_room in (None, room, small):
        found = decode_fast(memoryview(data), given_room)
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected).max() <= 1


def test_a_frame_that_claims_too_much_is_refused_before_memory_is_taken() -> None:
    data = bytearray(encode("JPEG"))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = b"\xff\xdc\xff\xdc"
    with pytest.raises(ImageError, match="too_many_pixels"):
        decode_fast(memoryview(bytes(data)))


@given(st.binary(max_size=60), st.integers(0, 700))
def test_damaged_files_are_refused_or_decoded_never_worse(noise: bytes, place: int) -> None:
    data = bytearray(encode("JPEG"))
    data[place : place + len(noise)] = noise
    try:
        pixels = decode_fast(memoryview(bytes(data)), np.empty(1 << 16, np.uint8))
    except ImageError:
        return
    assert pixels.ndim == 3


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0", b"text"])
def test_no_image_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        decode_fast(memoryview(data))
