"""Give memory that was freed back to the system, where the C library keeps it."""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def _c_library() -> ctypes.CDLL | None:
    """The C library, if it is one that keeps freed memory and can be asked to return it."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
    return library if hasattr(library, "malloc_trim") else None


def return_freed_memory() -> None:
    """Hand freed pages back (glibc's malloc_trim; elsewhere nothing).

    Batches of ever new shapes leave holes of ever new sizes between the tensors that stay, and
    glibc keeps them: a training of 700 MB grows past 2 GB within an hour.
    """
    if library := _c_library():
        library.malloc_trim(0)
