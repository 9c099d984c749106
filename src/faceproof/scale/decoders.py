"""Image bytes to pixels, fast where they are JPEG, by the careful reader where they are not."""

import struct

import numpy as np
import simplejpeg

from faceproof.data.images import MAX_PIXELS, Pixels, decode

_START = b"\xff\xd8\xff"
_APP1 = 0xE1  # EXIF, which may ask for a rotation
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_COLOURS = (1, 3)  # grey and colour; four are CMYK, which the careful reader knows


def decode_fast(data: memoryview, room: Pixels | None = None) -> Pixels:
    """Decode an image, (H, W, 3) uint8 RGB.

    JPEG goes through libjpeg-turbo (simplejpeg), everything else, and JPEG that it will not take
    (CMYK, damaged, with EXIF), through `images.decode`.

    Args:
        data: the encoded image.
        room: bytes that the pixels may be written into, shape (N,); then they are good until it is
            used again. Fresh memory for every image costs page faults.

    Raises:
        ImageError: it cannot be decoded.
    """
    pixels = _count_pixels(data)
    if 0 < pixels <= MAX_PIXELS:
        fits = room is not None and 3 * pixels <= room.size
        try:
            return np.asarray(simplejpeg.decode_jpeg(data, buffer=room if fits else None), np.uint8)
        except ValueError:  # damaged; the careful reader says how
            pass
    return decode(bytes(data))


def _count_pixels(data: memoryview) -> int:
    """Of a JPEG that libjpeg-turbo may decode, by its frame header; 0 for anything else."""
    if bytes(data[:3]) != _START:
        return 0
    place = 2
    while place + 10 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == _APP1:
            return 0
        length, _, height, width, colours = struct.unpack_from(">HBHHB", data, place + 2)
        if marker in _FRAMES:
            return int(height * width) if colours in _COLOURS else 0
        place += 2 + int(length)
    return 0
