"""Folders under another name: renamed when whole, removed when nobody alive owns them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seq2seq.text import unfinished
from seq2seq.text.unfinished import UNLOCKED_SECONDS, remove_abandoned, unfinished_folder

WRITER = """
from pathlib import Path
from seq2seq.text.unfinished import unfinished_folder
with unfinished_folder(Path("cache/home")) as folder:
    (folder / "half").write_text("half a line")
    print(folder.name, flush=True)
    input()
    folder.rename("cache/home")
"""


@pytest.fixture
def writer(workplace: Path):
    """Another process that is writing, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(unfinished.__file__).parents[2])},
    )
    yield process, Path("cache") / process.stdout.readline().strip()
    process.kill()
    process.wait()


def test_a_whole_folder_is_renamed_and_a_failed_one_removed(workplace):
    home = Path("deep/cache/home")
    with unfinished_folder(home) as folder:
        assert folder.parent == home.parent
        (folder / "text").write_text("whole")
        folder.rename(home)
    assert [path.name for path in home.parent.iterdir()] == ["home"]
    assert (home / "text").read_text() == "whole"
    with pytest.raises(KeyboardInterrupt), unfinished_folder(home):
        raise KeyboardInterrupt
    assert [path.name for path in home.parent.iterdir()] == ["home"]


def test_what_a_living_process_writes_stays_and_what_a_killed_one_left_goes(writer):
    process, folder = writer
    os.utime(folder / "half", (1, 1))
    os.utime(folder, (1, 1))
    remove_abandoned(folder.parent)
    assert (folder / "half").read_text() == "half a line"
    process.kill()
    process.wait()
    assert folder.exists()
    remove_abandoned(folder.parent)
    assert not folder.exists()


def test_the_other_process_can_still_finish(writer):
    process, folder = writer
    remove_abandoned(folder.parent)
    process.communicate("\n")
    assert process.returncode == 0
    assert [path.name for path in Path("cache").iterdir()] == ["home"]


def test_one_that_was_taken_for_a_leftover_before_its_lock_is_made_again(workplace, monkeypatch):
    lock, made = unfinished._lock, []

    def too_late(folder, wait):
        made.append(folder)
        if len(made) == 1:
            folder.rmdir()
        return lock(folder, wait)

    monkeypatch.setattr(unfinished, "_lock", too_late)
    with unfinished_folder(Path("cache/home")) as folder:
        assert folder == made[1] != made[0]
        assert folder.is_dir()


def test_without_locks_age_decides(workplace, monkeypatch):
    monkeypatch.setattr(unfinished, "fcntl", None)
    old, new = (Path("cache") / f"home{unfinished.MARK}{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "half").write_text("half a line")
    past = time.time() - UNLOCKED_SECONDS - 1
    for path in (old / "half", old):
        os.utime(path, (past, past))
    remove_abandoned(Path("cache"))
    assert new.exists()
    assert not old.exists()
