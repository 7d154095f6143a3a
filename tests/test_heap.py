"""Freed memory goes back to the system."""

import ctypes
from pathlib import Path

import pytest

from seq2seq.training.heap import return_freed_memory


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.mark.skipif(
    not Path("/proc/self/status").exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="not Linux with glibc",
)
def test_holes_between_what_stays_are_returned() -> None:
    # Blocks too small for a mapping of their own, every tenth of them kept: 200 MiB of holes.
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    size = 100_000
    blocks = [library.malloc(ctypes.c_size_t(size)) for _ in range(2_000)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for number, block in enumerate(blocks):
        if number % 10:
            library.free(ctypes.c_void_p(block))
    before = resident_mib()
    return_freed_memory()
    assert resident_mib() < before - 100
    for block in blocks[::10]:
        library.free(ctypes.c_void_p(block))


def test_nothing_happens_where_the_library_has_no_such_call(monkeypatch) -> None:
    from seq2seq.training import heap

    monkeypatch.setattr(heap, "_c_library", lambda: None)
    return_freed_memory()
