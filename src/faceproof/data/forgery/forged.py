"""What every forgery method takes and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faceproof.data.images import Pixels
from faceproof.data.sources.photos import Terms

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """A photo to alter, somebody else to take from, and a source of draws.

    `photo` and `donor` are (H, W, 3) uint8 RGB; `points` and `donor_points` their landmarks, (x, y)
    of left eye, right eye, nose, left and right mouth corner, shape (5, 2), float32, pixels.
    """

    photo: Pixels
    points: Points
    donor: Pixels
    donor_points: Points
    rng: np.random.Generator


@dataclass(frozen=True)
class Forged:
    """A fake and its sham, before encoding, both (H, W, 3) uint8 RGB.

    `mask` is (H, W) uint8: 0 where fake and sham show the same photo, 255 where the fake replaced
    it, soft edges in between. A face made from nothing has no sham. `parameters` are the draws that
    a reader may want to sort by.
    """

    fake: Pixels
    sham: Pixels | None
    mask: Pixels
    parameters: Mapping[str, float | str] = field(default_factory=dict)


Forge = Callable[[Scene], Forged]


@dataclass(frozen=True)
class Method:
    """A forgery method: its family, what it takes, and how it is done.

    A synthesis takes neither photo nor donor: what it gives is a face of its own, under terms of
    its own.
    """

    family: str
    uses_donor: bool
    forge: Forge
    terms: Terms | None = None

    @property
    def is_synthesis(self) -> bool:
        """True where the face is of nobody."""
        return self.terms is not None
