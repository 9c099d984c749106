"""Image bytes to pixels: fast where they are JPEG, by the careful reader where they are not."""

import struct
from threading import local

import cv2
import numpy as np
import simplejpeg

from faceproof.data.images import MAX_PIXELS, Pixels, decode

_START = b"\xff\xd8\xff"
_APP1 = 0xE1  # EXIF, which may ask for a rotation
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_COLOURS = (1, 3)  # grey and colour; four are CMYK, which the careful reader knows
_ROOM_BYTES = 3 << 20  # a megapixel, decoded and resized at once; larger images take memory anew


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


class Pictures:
    """The images of a batch, resized into one array where they have a side."""

    def __init__(self, count: int, side: int | None) -> None:
        """Expect so many images, of this side in pixels."""
        self.images: list[Pixels] = []
        self.stack = None if side is None else np.empty((count, side, side, 3), np.uint8)

    def add(self, data: memoryview) -> None:
        """Decode one more image."""
        if self.stack is None:
            self.images.append(decode_fast(data))
            return
        place = self.stack[len(self.images)]
        pixels = decode_fast(data, _thread.room)
        cv2.resize(pixels, place.shape[:2], dst=place, interpolation=cv2.INTER_LINEAR)
        self.images.append(place)


class _Thread(local):
    """What each decoding thread has for itself."""

    room: Pixels


_thread = _Thread()


def prepare_thread() -> None:
    """Call in each thread that decodes."""
    cv2.setNumThreads(1)  # images are small, and other threads decode beside this one
    _thread.room = np.empty(_ROOM_BYTES, np.uint8)
