"""What every contender does with an encoded image: decode it, stack it with others, say which."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch

Spec = dict[str, Any]
Batch = tuple[Any, Any]  # numbers (N,), images (N, side, side, 3) uint8
Epoch = Callable[[int], Iterator[Batch]]

_ROOMS: dict[int, Any] = {}  # by thread
_ROOM_BYTES = 3 << 20


def decode(data: Any, side: int) -> Any:
    """JPEG to a square, (side, side, 3) uint8, through memory that each thread keeps."""
    room = _ROOMS.get(threading.get_ident())
    if room is None:
        room = _ROOMS[threading.get_ident()] = np.empty(_ROOM_BYTES, np.uint8)
    pixels = simplejpeg.decode_jpeg(data, buffer=room)
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)


def stack(items: list[tuple[int, Any]]) -> Batch:
    """Numbers and images of a batch."""
    return torch.tensor([one for one, _ in items]), torch.from_numpy(
        np.stack([pixels for _, pixels in items])
    )


def decode_items(items: list[dict[str, Any]], side: int) -> Batch:
    """A batch of encoded images, decoded in the worker that collates it."""
    return stack([(int(one["number"]), decode(one["image"], side)) for one in items])
