"""Pictures to tensors and back, and what makes a network give the same bytes twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from faceproof.data.images import Pixels
from faceproof.errors import DatasetError
from faceproof.storage import replacing

_MADE_FROM = "made_from"


def to_tensor(pictures: Sequence[Pixels]) -> Tensor:
    """(N, 3, H, W) float32, -1 to 1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pictures(values: Tensor) -> list[Pixels]:
    """(H, W, 3) uint8 of each of a batch, -1 to 1."""
    pixels = ((values.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255)
    return list(np.asarray(pixels.to(torch.uint8).numpy(), np.uint8))


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread in torch and OpenCV: more change the order of sums and so the dataset's bytes."""
    torch_threads, cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv2_threads)


def save_checkpoint(weights: Mapping[str, Tensor], path: Path, made_from: str) -> None:
    """Write a safetensors file, whole or not at all, with a note of what it was made from."""
    with replacing(path) as partial:
        save_file(dict(weights), partial, metadata={_MADE_FROM: made_from})


def is_made_from(path: Path, made_from: str) -> bool:
    """True for a whole checkpoint with that note: a build that was cut off need not train again."""
    try:
        with safe_open(path, framework="pt") as checkpoint:
            return (checkpoint.metadata() or {}).get(_MADE_FROM) == made_from
    except (OSError, SafetensorError):
        return False


def load_checkpoint(network: nn.Module, checkpoint: Path, what: str) -> dict[str, Tensor]:
    """Load a file that this build wrote; gives the tensors that the network does not have.

    Args:
        network: to receive the weights.
        checkpoint: safetensors file.
        what: the network, for the message.

    Raises:
        DatasetError: it is missing, damaged or another network's.
    """
    try:
        weights = load_file(checkpoint)
        spare = {name: weights.pop(name) for name in weights.keys() - network.state_dict().keys()}
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DatasetError(f"{checkpoint} holds no {what}; delete it and build again") from error
    return spare
