"""Sentence pairs on disk: two plain text files; line n of one translates line n of the other.

People can open them, and sacreBLEU and SentencePiece read them as they are. Beside each stands an
index with the byte each line begins at, so that any pair is read without those before it; text and
index are memory-mapped, so that ten million pairs take no more memory than ten.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TextIO, overload

import numpy as np
from numpy.typing import NDArray

INDEX_SUFFIX = ".index.npy"
_CHUNK = 1 << 20  # bytes searched for line ends at once


class SentencePair(NamedTuple):
    """A sentence and its translation."""

    source: str
    target: str


class PairFiles(Sequence[SentencePair]):
    """The pairs of one split, read from disk when asked for.

    Raises:
        OSError: a file is missing.
        ValueError: the two files differ in length.
    """

    def __init__(self, source_path: Path, target_path: Path) -> None:
        self.source_path = source_path
        self.target_path = target_path
        self._source = _Lines(source_path)
        self._target = _Lines(target_path)
        if len(self._source) != len(self._target):
            raise ValueError(
                f"{source_path} has {len(self._source)} lines, {target_path} {len(self._target)}."
            )

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, row: int) -> SentencePair: ...
    @overload
    def __getitem__(self, row: slice) -> list[SentencePair]: ...
    def __getitem__(self, row: int | slice) -> SentencePair | list[SentencePair]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        number = row + len(self) if row < 0 else row
        if not 0 <= number < len(self):
            raise IndexError(f"Row {row} of {len(self)} pairs.")
        return SentencePair(self._source[number], self._target[number])

    def __iter__(self) -> Iterator[SentencePair]:
        with open_text(self.source_path) as sources, open_text(self.target_path) as targets:
            for source, target in zip(sources, targets, strict=True):
                yield SentencePair(source.removesuffix("\n"), target.removesuffix("\n"))


def open_text(path: Path) -> TextIO:
    """A prepared text file, whose lines end at a line feed alone, whatever else is in them."""
    return path.open(encoding="utf-8", newline="\n")


class _Lines:
    """Random access to the lines of one indexed text file."""

    def __init__(self, path: Path) -> None:
        self._starts: NDArray[np.int64] = np.load(index_path(path), mmap_mode="r")
        self._text: mmap.mmap | bytes = b""  # an empty file cannot be mapped
        with path.open("rb") as file:
            if len(self):
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> str:
        return self._text[self._starts[number] : self._starts[number + 1] - 1].decode()


class PairWriter:
    """Writes the two text files of a split; `close` adds their indexes.

    Sentences must be clean: a line break inside one would shift all later pairs.
    """

    def __init__(self, source_path: Path, target_path: Path) -> None:
        self.paths = (source_path, target_path)
        self._files = (source_path.open("xb"), target_path.open("xb"))
        self.count = 0

    def write(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Add pairs at the end."""
        for side, file in enumerate(self._files):
            file.write("".join([f"{pair[side]}\n" for pair in pairs]).encode())
        self.count += len(pairs)

    def close(self) -> None:
        """Finish the files and write their indexes."""
        for path, file in zip(self.paths, self._files, strict=True):
            file.close()
            write_index(path, self.count)

    def abandon(self) -> None:
        """Close the files as they are; after `close` this does nothing."""
        for file in self._files:
            file.close()

    def __enter__(self) -> PairWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        self.abandon()


def index_path(path: Path) -> Path:
    """Where the index of a text file stands."""
    return path.with_name(path.name + INDEX_SUFFIX)


def write_index(path: Path, lines: int) -> None:
    """Write the bytes at which the lines of a text file begin, and its length: [lines + 1] int64.

    Written through a plain file and not a memory map, where a full disk kills the program.

    Raises:
        ValueError: the file has another number of lines.
    """
    header = {"descr": "<i8", "fortran_order": False, "shape": (lines + 1,)}
    found = position = 0
    with path.open("rb") as text, index_path(path).open("xb") as index:
        np.lib.format.write_array_header_1_0(index, header)
        index.write(np.zeros(1, "<i8").tobytes())
        while chunk := text.read(_CHUNK):
            ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n"))
            index.write((ends + (position + 1)).astype("<i8").tobytes())
            found += len(ends)
            position += len(chunk)
    if found != lines:
        raise ValueError(f"{path} has {found} lines where {lines} were written.")
