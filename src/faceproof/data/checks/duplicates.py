"""Photos that are copies of each other: resized, encoded again, mirrored."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faceproof.data.images import Pixels

Hash = NDArray[np.uint8]

_SIDE = 32  # pixels of the thumbnail
_FREQUENCIES = 16  # a side of the low-frequency block that is kept: 255 bits without the mean
NEAR_BITS = 30  # of 255: copies lie within 16, two people's portraits 44 and more apart


def hash_photo(pixels: Pixels) -> Hash:
    """Perceptual hash of the grey picture and of its mirror image, shape (2, 32) uint8.

    Source: signs of low DCT coefficients against their median (Zauner 2010, section 3.2.1).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.stack([_hash(small), _hash(small[:, ::-1])])


def _hash(small: np.ndarray) -> NDArray[np.uint8]:
    block = cv2.dct(np.ascontiguousarray(small, np.float32))[:_FREQUENCIES, :_FREQUENCIES].ravel()
    bits = block > np.median(block[1:])
    bits[0] = False  # the mean: brightness is no difference
    return np.packbits(bits)


def find_near(
    hashes: Sequence[Hash], parts: NDArray[np.str_] | None = None
) -> list[tuple[int, int]]:
    """Pairs of photos that are near copies, mirrored or not, smaller number first.

    One row against all others at a time: memory grows with the number of photos, not its square.

    Args:
        hashes: of each photo.
        parts: where each photo stands, shape (N,); then only pairs from two parts are listed.
    """
    if not hashes:
        return []
    straight = np.stack([one[0] for one in hashes])
    mirrored = np.stack([one[1] for one in hashes])
    pairs = []
    for row in range(len(hashes) - 1):
        later = straight[row + 1 :]
        bits = np.minimum(
            count_differing_bits(later, straight[row]), count_differing_bits(later, mirrored[row])
        )
        is_near = bits <= NEAR_BITS
        if parts is not None:
            is_near &= parts[row + 1 :] != parts[row]
        pairs += [(row, row + 1 + int(other)) for other in np.flatnonzero(is_near)]
    return pairs


def count_differing_bits(hashes: NDArray[np.uint8], one: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bits, of 255, in which each hash, (N, 32), differs from one, (32,); shape (N,)."""
    words = (hashes ^ one).view(np.uint64)
    return np.asarray(np.bitwise_count(words).sum(axis=1), np.int64)
