import io
import zlib

import numpy as np
import pytest
from PIL import Image

from faceproof.data.images import (
    Pixels,
    decode,
    encode_jpeg,
    encode_mask,
    equalise_sizes,
    measure_content_bytes,
)
from faceproof.errors import ImageError


def save(picture: Image.Image, form: str, **options: object) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, form, **options)
    return sink.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A valid PNG header of any size before almost no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


RED = Image.new("RGB", (20, 30), (200, 10, 20))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"hello, I am text", "not_an_image"),
        (png_claiming(20_000, 20_000), "too_many_pixels"),
        (png_claiming(7_200, 7_200), "too_many_pixels"),
        (save(RED.resize((8, 30)), "PNG"), "too_small"),
        (save(RED.resize((400, 400)), "JPEG")[:900], "damaged"),
        (png_claiming(64, 64), "damaged"),
    ],
    ids=["no bytes", "text", "bomb", "just too large", "tiny", "truncated", "cut png"],
)
def test_an_unusable_file_is_refused_with_its_code(data: bytes, code: str) -> None:
    with pytest.raises(ImageError) as refused:
        decode(data)
    assert refused.value.code == code


def test_colour_modes_become_what_a_viewer_shows() -> None:
    cmyk = decode(save(RED.convert("CMYK"), "JPEG", quality=95))
    assert cmyk.shape == (30, 20, 3)
    assert np.abs(cmyk.astype(int) - (200, 10, 20)).max() < 12
    grey16 = Image.fromarray(np.full((20, 20), 32_896, np.uint16))  # 128 * 257
    assert (decode(save(grey16, "PNG")) == 128).all()
    palette = RED.convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.abs(decode(save(palette, "PNG")).astype(int) - (200, 10, 20)).max() < 3


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert (decode(save(clear, "PNG")) == 255).all()
    indexed = Image.new("P", (20, 20), 0)
    assert (decode(save(indexed, "PNG", transparency=0)) == 255).all()


@pytest.mark.parametrize(
    ("largest", "brightest"), [(0.5, 127), (1, 255), (100, 100), (255, 255), (1000, 255)]
)
def test_float_images_are_read_by_their_range(largest: float, brightest: int) -> None:
    values = np.tile(np.linspace(0, largest, 20, dtype=np.float32), (20, 1))
    decoded = decode(save(Image.fromarray(values), "TIFF"))
    assert decoded[0, -1, 0] == brightest
    assert decoded[0, 0, 0] == 0


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1.01, 7.0, -3.0, 1e30])
def test_a_few_odd_values_of_a_float_image_move_no_tone(odd: float, face: Pixels) -> None:
    grey = face[..., 0].astype(np.float32) / 255
    grey[0, 0] = odd
    decoded = decode(save(Image.fromarray(grey), "TIFF"))
    assert np.array_equal(decoded[1:, :, 0], face[1:, :, 0])


@pytest.mark.parametrize("odd", [256, 4000, 65_535, 1_000_000])
def test_a_few_large_values_of_a_whole_number_image_move_no_tone(odd: int, face: Pixels) -> None:
    grey = face[..., 0].astype(np.int32)
    grey[0, 0] = odd
    decoded = decode(save(Image.fromarray(grey), "TIFF"))
    assert np.array_equal(decoded[1:, :, 0], face[1:, :, 0])


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to view
    data = save(RED, "JPEG", exif=exif)
    assert decode(data).shape == (20, 30, 3)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("white", "black")]
    data = save(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(data) == 255).all()


def test_padded_files_have_one_size_and_the_same_pixels(face: Pixels) -> None:
    flat = np.full_like(face, 128)
    files = [encode_jpeg(face, 90, 0), encode_jpeg(flat, 90, 0)]
    padded = equalise_sizes(files)
    assert len({len(data) for data in padded}) == 1
    for before, after in zip(files, padded, strict=True):
        assert (decode(before) == decode(after)).all()


@pytest.mark.parametrize("missing", [0, 1, 3, 4, 65_532, 65_533, 65_534, 65_537, 131_071, 200_000])
def test_any_difference_in_size_can_be_padded(missing: int) -> None:
    small = save(RED, "JPEG")
    padded = equalise_sizes([small, small + bytes(missing)])
    assert len(padded[0]) == len(padded[1])
    assert measure_content_bytes(padded[0]) == measure_content_bytes(small) == len(small)
    assert (decode(padded[0]) == decode(small)).all()


def test_a_mask_is_8_bit_grey() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:10] = 130
    picture = Image.open(io.BytesIO(encode_mask(mask)))
    assert picture.mode == "L"
    assert (np.asarray(picture) == mask).all()
