"""What the C library's allocator keeps of freed memory, where it is glibc; elsewhere it is left be.

Whoever trains and whoever streams want opposite things of it: a network's activations should stay,
what many reading threads leave should go.
"""

import ctypes
import os
from functools import cache
from typing import Any

# Of malloc.h: when to give back the heap's free end, how much to take more, what to map apart, and
# how many heaps there may be.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
_LARGE_BYTES = 1 << 30
_PAD_BYTES = 64 << 20


class _Policy:
    """What this process wants."""

    is_keeping = False


def keep_freed_memory() -> bool:
    """Let freed blocks serve the next allocation instead of going back to the kernel.

    Why: a network's activations are large blocks, which glibc maps and unmaps each time, and fresh
    pages must be cleared by the kernel before they are written.

    Returns:
        True where the C library has these switches.
    """
    switch = _find("mallopt")
    if switch is None:
        return False
    _Policy.is_keeping = True
    wanted = {
        _MMAP_THRESHOLD: _LARGE_BYTES, _TRIM_THRESHOLD: _LARGE_BYTES, _TOP_PAD: _PAD_BYTES
    }  # fmt: skip
    return all(switch(name, value) == 1 for name, value in wanted.items())


@cache
def share_arenas() -> None:
    """Let threads share heaps from now on, one for each core.

    Why: by default there are eight for each core, and a hole in one serves no thread of another,
    so memory rises for as long as a loader reads.
    """
    switch = _find("mallopt")
    if switch is not None:
        switch(_ARENA_MAX, os.cpu_count() or 1)


def give_back() -> None:
    """Hand free pages to the kernel, unless they are to be kept; takes some milliseconds."""
    trim = _find("malloc_trim")
    if trim is not None and not _Policy.is_keeping:
        trim(0)


def _find(name: str) -> Any:
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
