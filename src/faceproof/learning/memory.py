"""Freed memory kept by the process, where the C library is glibc."""

import ctypes

# Of malloc.h: when to give back the heap's free end, how much to take more, what to map apart.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGE_BYTES = 1 << 30
_PAD_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Let freed blocks serve the next allocation instead of going back to the kernel.

    Why: a network's activations are large blocks, which glibc maps and unmaps each time, and fresh
    pages must be cleared by the kernel before they are written.

    Returns:
        True where the C library has these switches.
    """
    try:
        switch = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wanted = (
        (_MMAP_THRESHOLD, _LARGE_BYTES),
        (_TRIM_THRESHOLD, _LARGE_BYTES),
        (_TOP_PAD, _PAD_BYTES),
    )
    return all(switch(name, value) == 1 for name, value in wanted)
