"""Image bytes in and out: the one place that decodes the files that people send."""

import io
import struct
import warnings
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from faceproof.data.containers import HEAD_BYTES, bare, name_unreadable, read_orientation
from faceproof.errors import ImageError

Pixels = NDArray[np.uint8]

MAX_PIXELS = 50_000_000  # a 50-megapixel camera; 150 MB as RGB
MIN_SIDE_PIXELS = 16  # below this there is no face to judge
MAX_ASPECT = 50  # no photo is so long; a model that enlarges its short side would fill the memory
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
Image.init()  # registers every format above; Image.open alone registers only the commonest
_USUAL_SHARE = 0.995  # of the values of a picture that decide its scale; the rest may be outliers
# The largest usual value, and the full scale it speaks for. Floats between 1.5 and 32 are of a high
# dynamic range; their own largest is their scale.
_FLOAT_SCALES: tuple[tuple[float, float | None], ...] = ((1.5, 1.0), (32.0, None), (300.0, 255.0))
_WHOLE_SCALES: tuple[tuple[float, float | None], ...] = ((255.0, 255.0), (65_535.0, 65_535.0))

_TURNS = {  # by Exif orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip

_START_OF_IMAGE = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_COMMENT_MIN_BYTES = 4  # marker and length, nothing said
_COMMENT_MAX_BYTES = 65_537  # marker and the largest length a segment can state


# What Pillow's readers raise on damaged files; TypeError comes from mutated TIFFs.
UNDECODABLE = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, AttributeError,
    OverflowError, ZeroDivisionError, struct.error,
)  # fmt: skip


def decode(data: bytes) -> Pixels:
    """Decode an image file as a viewer would show it.

    EXIF rotation is applied and no other metadata looked at, transparency is laid on white, 16-bit,
    float and CMYK become 8-bit RGB, an animation gives its first frame.

    Returns:
        (H, W, 3) uint8 RGB 0-255.

    Raises:
        ImageError: code `empty`, `not_an_image`, `unsupported`, `too_many_pixels`, `too_small`,
            `too_narrow` or `damaged`.
    """
    if not data:
        raise ImageError("empty", "the file has no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels decide
            return _decode(data)
    except UnidentifiedImageError as error:
        kind = name_unreadable(data[:HEAD_BYTES])
        if kind is not None:
            raise ImageError("unsupported", f"{kind} cannot be read here") from error
        raise ImageError("not_an_image", "no known image format") from error
    except Image.DecompressionBombError as error:
        raise ImageError("too_many_pixels", f"more than {MAX_PIXELS} pixels") from error
    except UNDECODABLE as error:
        raise ImageError("damaged", " ".join(str(error).split())) from error


def _decode(data: bytes) -> Pixels:
    pixels_alone, orientation = bare(data)
    with Image.open(io.BytesIO(pixels_alone), formats=_FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ImageError("too_many_pixels", f"{picture.width}x{picture.height}")
        if min(picture.size) < MIN_SIDE_PIXELS:
            raise ImageError("too_small", f"{picture.width}x{picture.height}")
        if max(picture.size) > MAX_ASPECT * min(picture.size):
            raise ImageError("too_narrow", f"{picture.width}x{picture.height}")
        picture.load()
        if picture.format == "WEBP":
            orientation = read_orientation(picture.info.get("exif", b"").removeprefix(b"Exif\0\0"))
        turn = _TURNS.get(orientation)
        upright = picture if turn is None else picture.transpose(turn)
        return np.asarray(_to_rgb(upright), dtype=np.uint8)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _to_eight_bits(picture).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Map the full scale to 0-255; a few values beyond it, or none at all (NaN), move nothing.

    Floats are of 0 to 1, of 0 to 255, or else up to their own largest; whole numbers of 8 or of 16
    bits, or up to their largest. The largest is that of all but one value in 200.
    """
    values = np.asarray(picture, dtype=np.float64)
    finite = values[np.isfinite(values)]
    largest = float(np.quantile(finite, _USUAL_SHARE)) if finite.size else 0.0
    limits = _WHOLE_SCALES if picture.mode.startswith("I") else _FLOAT_SCALES
    full_scale = next((scale for most, scale in limits if largest <= most), None) or largest
    if picture.mode.startswith("I;16"):
        full_scale = 65_535.0
    whole = np.nan_to_num(values / full_scale * 255, nan=0.0, posinf=255.0, neginf=0.0)
    return Image.fromarray(np.clip(whole, 0, 255).astype(np.uint8))


def is_grey(pixels: Pixels) -> bool:
    """True where all channels are equal."""
    return bool((pixels == pixels[..., :1]).all())


def encode_jpeg(pixels: Pixels, quality: int, subsampling: int) -> bytes:
    """Encode (H, W, 3) uint8 RGB as baseline JPEG without metadata.

    Quality is 1 to 95, subsampling 0 for 4:4:4 and 2 for 4:2:0.
    """
    return _encode(Image.fromarray(pixels), "JPEG", quality=quality, subsampling=subsampling)


def encode_webp(pixels: Pixels, quality: int) -> bytes:
    """Encode (H, W, 3) uint8 RGB as lossy WebP of quality 1 to 100."""
    return _encode(Image.fromarray(pixels), "WEBP", quality=quality)


def encode_mask(mask: Pixels) -> bytes:
    """Encode an (H, W) uint8 mask as 8-bit grey PNG."""
    return _encode(Image.fromarray(mask), "PNG")


def _encode(picture: Image.Image, kind: str, **options: int) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


@cache
def _quality_sums() -> NDArray[np.int64]:
    """Sum of the luminance table for each JPEG quality from 1 to 100, as our own encoder writes."""
    grey = Image.new("L", (8, 8))
    files = (_encode(grey, "JPEG", quality=quality) for quality in range(1, 101))
    return np.array([sum(_read_luminance_table(data) or ()) for data in files])


def estimate_jpeg_quality(data: bytes) -> int | None:
    """Quality, 1 to 100, whose quantisation table is nearest; None where the file is no JPEG.

    Source: tables of libjpeg, scaled from Annex K of ITU-T T.81.
    """
    table = _read_luminance_table(data) if data else None
    if not table:
        return None
    return 1 + int(np.abs(_quality_sums() - sum(table)).argmin())


def _read_luminance_table(data: bytes) -> list[int] | None:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        tables: dict[int, list[int]] = getattr(picture, "quantization", None) or {}
        return tables.get(0)


def decode_mask(data: bytes) -> Pixels:
    """Decode an encoded mask, (H, W) uint8.

    Raises:
        ImageError: it cannot be decoded.
    """
    return np.ascontiguousarray(decode(data)[..., 0])


def equalise_sizes(files: Sequence[bytes]) -> list[bytes]:
    """Pad JPEGs with comment segments until all have the same number of bytes.

    Why: a smoother picture compresses better, so file size alone would tell a reconstruction from
    its photo. Pixels are untouched. Who parses the file still finds the compressed length
    (`measure_content_bytes`): it follows from the pixels and cannot be hidden.
    """
    size = max(len(data) for data in files) + _COMMENT_MIN_BYTES
    return [_pad(data, size - len(data)) for data in files]


def _pad(jpeg: bytes, missing_bytes: int) -> bytes:
    segments = []
    while missing_bytes:
        length = min(missing_bytes, _COMMENT_MAX_BYTES)
        if 0 < missing_bytes - length < _COMMENT_MIN_BYTES:
            length -= _COMMENT_MIN_BYTES
        segments.append(_COMMENT + struct.pack(">H", length - 2) + bytes(length - 4))
        missing_bytes -= length
    return _START_OF_IMAGE + b"".join(segments) + jpeg[len(_START_OF_IMAGE) :]


def measure_content_bytes(jpeg: bytes) -> int:
    """Bytes of a JPEG without its comment segments."""
    size, place = len(jpeg), len(_START_OF_IMAGE)
    while jpeg[place : place + 2] == _COMMENT:
        length = 2 + struct.unpack(">H", jpeg[place + 2 : place + 4])[0]
        size, place = size - length, place + length
    return size
