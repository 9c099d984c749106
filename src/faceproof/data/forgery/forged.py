"""What a forgery method gives back."""

from dataclasses import dataclass

from faceproof.data.images import Pixels


@dataclass(frozen=True)
class Forged:
    """A fake and its sham, before encoding, both (H, W, 3) uint8 RGB.

    `mask` is (H, W) uint8: 0 where fake and sham show the same photo, 255 where the fake replaced
    it, soft edges in between.
    """

    fake: Pixels
    sham: Pixels
    mask: Pixels
