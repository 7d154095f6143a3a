"""The most memory that this process held over a stretch of time: its peak resident set.

Resident is all of the process that lies in main memory: weights, gradients, optimiser, activations,
but also the program with its libraries and what it maps from files. A GPU's memory is not in it.

The system's own mark is the highest since the process began, and one process may train several
systems. Linux lets a process put its mark back (`clear_refs` in proc(5)); elsewhere a mark that has
not risen says only what was not passed, and the peak counts as unknown.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

from seq2seq.training.heap import return_freed_memory

PROCESS = Path("/proc/self")
_PUT_BACK = "5"  # what proc(5) calls resetting the peak resident set size


class PeakMemory:
    """Measures from when it is made."""

    def __init__(self) -> None:
        """Give back what is free, so that nothing of earlier work counts, and begin."""
        gc.collect()
        return_freed_memory()
        self._is_put_back = _put_mark_back()
        self._before = _highest_mark()

    def bytes(self) -> int | None:
        """The highest resident set so far; None where it cannot be known."""
        mark = _highest_mark()
        if mark is None or self._before is None:
            return None
        return mark if self._is_put_back or mark > self._before else None


def higher_peak(one: int | None, other: int | None) -> int | None:
    """The higher of two stretches' peaks; unknown if one of them is."""
    return None if one is None or other is None else max(one, other)


def _put_mark_back() -> bool:
    """Put the mark down to what is resident now, if the system does that."""
    try:
        (PROCESS / "clear_refs").write_text(_PUT_BACK)
    except OSError:
        return False
    mark, now = _status("VmHWM"), _status("VmRSS")
    # Some systems take the order and do nothing. The two are read one after the other.
    return mark is not None and now is not None and mark - now < 1 << 24


def _highest_mark() -> int | None:
    """The process' highest resident set so far, in bytes."""
    mark = _status("VmHWM")
    if mark is not None or resource is None:
        return mark
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(name: str) -> int | None:
    """A figure of /proc/self/status in bytes; None where there is no such file or line."""
    try:
        lines = (PROCESS / "status").read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return 1024 * found[0] if found else None
