"""What glibc's allocator keeps: many threads that read and decode would leave it full of holes.

Each of its arenas grows by itself, by default eight for each core, and a hole in one serves no
other; over a million images that came to a third of the loader's memory. Other allocators are left
alone.
"""

import ctypes
import os
from functools import cache
from typing import Any

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


@cache
def limit_arenas() -> None:
    """Let threads share arenas from now on, one for each core."""
    allocator = _find("mallopt")
    if allocator is not None:
        allocator(_ARENA_MAX, os.cpu_count() or 1)


def give_back() -> None:
    """Hand free pages back to the system; some milliseconds."""
    allocator = _find("malloc_trim")
    if allocator is not None:
        allocator(0)


def _find(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None)
