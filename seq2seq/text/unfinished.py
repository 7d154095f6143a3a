"""Folders that are written under another name and renamed when they are whole.

A kill leaves such a folder behind. Its owner holds a lock on it, which the system lifts when the
process ends, however it ends; so what is not locked is nobody's and can be removed at once, and
what another process is writing stays, be it on this machine's other containers.
"""

from __future__ import annotations

import importlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

fcntl: Any
try:
    fcntl = importlib.import_module("fcntl")
except ImportError:  # Windows
    fcntl = None

MARK = ".unfinished-"
UNLOCKED_SECONDS = 3600  # without a write, where the file system keeps no locks


@contextmanager
def unfinished_folder(home: Path) -> Iterator[Path]:
    """A new folder beside `home`, to be renamed to it; if it was not, it is removed at the end.

    Raises:
        OSError: it cannot be made.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    folder, lock = _new_folder(home)
    try:
        yield folder
    finally:
        if lock is not None:
            os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(unfinished: Path, home: Path) -> None:
    """Give a folder that is whole its name, unless another process was faster with the same.

    Raises:
        OSError: it cannot be renamed.
    """
    try:
        unfinished.rename(home)
    except OSError:
        if not home.exists():
            raise


@contextmanager
def sole_user(folder: Path) -> Iterator[bool]:
    """Have an existing folder for oneself until the end of the block.

    Yields:
        False if another process has it; True as well where the file system keeps no locks.

    Raises:
        FileNotFoundError: it is gone.
    """
    lock, is_known = _lock(folder, wait=False)
    try:
        yield lock is not None or not is_known
    finally:
        if lock is not None:
            os.close(lock)


def remove_abandoned(parent: Path) -> None:
    """Remove the unfinished folders in `parent` that no living process owns."""
    for folder in parent.glob(f"*{MARK}*"):
        with suppress(OSError):  # another process may be removing or renaming it
            lock, is_known = _lock(folder, wait=False)
            if lock is not None or (not is_known and _is_old(folder)):
                shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def _new_folder(home: Path) -> tuple[Path, int | None]:
    """A new folder and the lock on it; None where there are no locks."""
    while True:
        folder = home.with_name(f"{home.name}{MARK}{uuid.uuid4().hex[:8]}")
        folder.mkdir()
        # Between making and locking, another process may have taken it for a leftover.
        with suppress(FileNotFoundError):
            lock, _ = _lock(folder, wait=True)
            return folder, lock


def _lock(folder: Path, wait: bool) -> tuple[int | None, bool]:
    """A lock on a folder, if it could be had, and whether locks can be had at all here.

    Raises:
        FileNotFoundError: it is gone, or another stands in its place.
    """
    if fcntl is None:
        return None, False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        os.close(descriptor)
        return None, isinstance(error, BlockingIOError)  # blocking: somebody else has it
    # Between opening and locking, another process may have removed it.
    try:
        is_there = os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        is_there = False
    if not is_there:
        os.close(descriptor)
        raise FileNotFoundError(folder)
    return descriptor, True


def _is_old(folder: Path) -> bool:
    last_written = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return time.time() - last_written > UNLOCKED_SECONDS
