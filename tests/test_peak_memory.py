"""Peak memory: of a stretch of time, not of the process' whole life."""

import resource
from pathlib import Path

import pytest

from seq2seq.training import peak_memory
from seq2seq.training.peak_memory import PeakMemory, higher_peak

MIB = 1 << 20
needs_linux = pytest.mark.skipif(
    not peak_memory._put_mark_back(), reason="this system cannot put its mark back"
)


def hold(mib: int) -> None:
    """Touch so much memory and let go of it."""
    assert len(bytearray(b"x") * (mib * MIB)) == mib * MIB


@needs_linux
def test_each_stretch_has_a_peak_of_its_own() -> None:
    first = PeakMemory()
    base = first.bytes()
    assert base is not None
    hold(200)
    large = first.bytes()
    assert large is not None
    assert 190 * MIB < large - base < 230 * MIB
    second = PeakMemory()
    hold(50)
    small = second.bytes()
    assert small is not None
    assert small < large - 100 * MIB
    assert second.bytes() == small


def test_where_the_mark_cannot_be_put_back_only_a_new_mark_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path)  # no such files, as on macOS
    marks = iter([700, 700, 900])
    usage = type("Usage", (), {"ru_maxrss": property(lambda self: next(marks))})
    monkeypatch.setattr(resource, "getrusage", lambda who: usage())
    monkeypatch.setattr(peak_memory.sys, "platform", "linux")
    peak = PeakMemory()
    assert peak.bytes() is None  # some earlier stretch stood at 700
    assert peak.bytes() == 900 * 1024


def test_a_system_that_only_pretends_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path)
    (tmp_path / "status").write_text("VmHWM:\t  900000 kB\nVmRSS:\t  100000 kB\n")
    peak = PeakMemory()
    assert (tmp_path / "clear_refs").read_text() == "5"
    assert peak.bytes() is None
    (tmp_path / "status").write_text("VmHWM:\t  900001 kB\nVmRSS:\t  100000 kB\n")
    assert peak.bytes() == 900001 * 1024


def test_nothing_is_known_without_any_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path)
    monkeypatch.setattr(peak_memory, "resource", None)
    assert PeakMemory().bytes() is None


def test_one_unknown_stretch_makes_the_whole_unknown() -> None:
    assert higher_peak(3, 5) == 5
    assert higher_peak(None, 5) is None
    assert higher_peak(5, None) is None
