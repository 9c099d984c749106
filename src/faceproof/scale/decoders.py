"""Image bytes to pixels, fast where they are JPEG, by the careful reader where they are not."""

import numpy as np
import simplejpeg

from faceproof.data.images import MAX_PIXELS, Pixels, decode

_JPEG = b"\xff\xd8\xff"


def decode_fast(data: memoryview) -> Pixels:
    """Decode an image, (H, W, 3) uint8 RGB.

    JPEG goes through libjpeg-turbo (simplejpeg), everything else, and JPEG that it will not take
    (CMYK, damaged, rotated by EXIF), through `images.decode`.

    Raises:
        ImageError: it cannot be decoded.
    """
    if bytes(data[:3]) == _JPEG and b"Exif" not in bytes(data[:64]):
        try:
            height, width, space, _ = simplejpeg.decode_jpeg_header(data)
            if space in ("YCbCr", "Gray") and height * width <= MAX_PIXELS:
                return np.asarray(simplejpeg.decode_jpeg(data), np.uint8)
        except ValueError:
            pass
    return decode(bytes(data))
