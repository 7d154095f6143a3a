"""A split as subword ids on disk, made once and memory-mapped.

Each side is two .npy files: the ids of all sentences end to end, and where each sentence begins.
The folder is named by its content (the tokenizer and the text), so the same text is never encoded
twice and changed text is never mistaken for it. Ten million pairs take no more memory than ten.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.errors import CorpusError
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.tokenizer import Tokenizer
from seq2seq.text.unfinished import put_in_place, remove_abandoned, unfinished_folder

_FORMAT = b"1"  # part of the folder's name: raise it when the files change their meaning
_CHUNK = 20_000  # pairs encoded at once
_REPORT_EVERY = 1_000_000  # pairs; a multiple of _CHUNK


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Rows of ids of different lengths, stored end to end; no special ids.

    Attributes:
        tokens: all ids, [tokens], uint16 or int32.
        offsets: where each row begins, and the end of the last, [rows + 1], int64.
    """

    tokens: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> TokenRows:
        """The same in memory, from lists."""
        lengths = [len(row) for row in rows]
        tokens = np.fromiter(itertools.chain.from_iterable(rows), np.int32, sum(lengths))
        return cls(tokens, np.cumsum([0, *lengths], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[Any]:
        return self.tokens[self.offsets[row] : self.offsets[row + 1]]

    def lengths_of(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Ids in each of these rows, without those of all; END is not among them."""
        return (self.offsets[rows + 1] - self.offsets[rows]).astype(np.int32)

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """Ids in each row, [rows]; END is not among them."""
        return np.diff(self.offsets).astype(np.int32)


@dataclass(frozen=True, eq=False)
class TokenizedSplit:
    """The pairs of a split as ids: row n of one side translates row n of the other."""

    source_rows: TokenRows
    target_rows: TokenRows

    @classmethod
    def of(cls, source: Sequence[Sequence[int]], target: Sequence[Sequence[int]]) -> TokenizedSplit:
        """The same in memory, from lists."""
        return cls(TokenRows.of(source), TokenRows.of(target))

    def __len__(self) -> int:
        return len(self.source_rows)

    @property
    def source_lengths(self) -> NDArray[np.int32]:
        """Source ids of each pair, [pairs]; END is not counted."""
        return self.source_rows.lengths

    @property
    def target_lengths(self) -> NDArray[np.int32]:
        """Target ids of each pair, [pairs]; BEGIN and END are not counted."""
        return self.target_rows.lengths

    def source(self, row: int) -> NDArray[Any]:
        """Source ids of one pair, without special ids."""
        return self.source_rows[row]

    def target(self, row: int) -> NDArray[Any]:
        """Target ids of one pair, without special ids."""
        return self.target_rows[row]


def tokenize_split(
    pairs: PairFiles, tokenizer: Tokenizer, folder: Path, report: Callable[[str], None]
) -> TokenizedSplit:
    """Encode a split, or open what an earlier call wrote under `folder` for the same content.

    Written to a temporary name and renamed, so that an interruption leaves nothing half-made; what
    a kill left under that name is removed.

    Raises:
        CorpusError: the text cannot be read or the ids cannot be written.
    """
    home = folder / _name(pairs, tokenizer)
    try:
        remove_abandoned(folder)
        split = _open(home, len(pairs))
        if split is None and home.exists():
            report(f"subwords: {home} is damaged and is made anew")
            shutil.rmtree(home)
        if split is None:
            _write(pairs, tokenizer, home, report)
            split = _open(home, len(pairs))
    except OSError as error:
        raise CorpusError(
            f"Cannot keep the text's subwords under {folder}: {error.strerror or error} "
            f"({error.filename or folder}). Check free space and permissions there."
        ) from None
    if split is None:
        raise CorpusError(
            f"What was just written to {home} does not read back. Check that disk for faults."
        )
    return split


def _name(pairs: PairFiles, tokenizer: Tokenizer) -> str:
    parts = [_FORMAT, tokenizer.fingerprint.encode()]
    for path in (pairs.source_path, pairs.target_path):
        try:
            with path.open("rb") as file:
                parts.append(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise CorpusError(
                f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
            ) from None
    return hashlib.sha256(b" ".join(parts)).hexdigest()[:24]


def _open(home: Path, pairs: int) -> TokenizedSplit | None:
    """Map the files of a split; None where they are missing or damaged."""
    try:
        source, target = _open_rows(home, "source"), _open_rows(home, "target")
    except (FileNotFoundError, ValueError, EOFError):  # a header or a length that is no .npy
        return None
    is_whole = all(
        rows.offsets.shape == (pairs + 1,) and rows.tokens.shape == (rows.offsets[-1],)
        for rows in (source, target)
    )
    return TokenizedSplit(source, target) if is_whole else None


def _open_rows(home: Path, side: str) -> TokenRows:
    # A plain array on the mapped file: np.memmap itself is slow to index.
    tokens, offsets = (
        np.asarray(np.load(home / f"{side}.{what}.npy", mmap_mode="r"))
        for what in ("tokens", "offsets")
    )
    return TokenRows(tokens, offsets)


def _write(
    pairs: PairFiles, tokenizer: Tokenizer, home: Path, report: Callable[[str], None]
) -> None:
    with unfinished_folder(home) as unfinished:
        _encode(pairs, tokenizer, unfinished, report)
        put_in_place(unfinished, home)


def _encode(
    pairs: PairFiles, tokenizer: Tokenizer, folder: Path, report: Callable[[str], None]
) -> None:
    done = 0
    remaining = iter(pairs)
    with (
        _RowsFile(folder, "source", tokenizer.source_vocabulary_size) as sources,
        _RowsFile(folder, "target", tokenizer.target_vocabulary_size) as targets,
    ):
        while chunk := list(itertools.islice(remaining, _CHUNK)):
            sources.append(tokenizer.encode_source([pair.source for pair in chunk]))
            targets.append(tokenizer.encode_target([pair.target for pair in chunk]))
            done += len(chunk)
            if done % _REPORT_EVERY == 0:
                report(f"subwords: {done:,} of {len(pairs):,} pairs")


class _RowsFile:
    """Writes the two files of one side, chunk by chunk."""

    def __init__(self, folder: Path, side: str, vocabulary_size: int) -> None:
        self._tokens = _GrowingArray(
            folder / f"{side}.tokens.npy",
            np.dtype("<u2") if vocabulary_size <= 1 << 16 else np.dtype("<i4"),
        )
        self._offsets = _GrowingArray(folder / f"{side}.offsets.npy", np.dtype("<i8"))
        self._offsets.append(np.zeros(1))

    def append(self, rows: Sequence[Sequence[int]]) -> None:
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self._offsets.append(self._tokens.length + np.cumsum(lengths))
        tokens = itertools.chain.from_iterable(rows)
        self._tokens.append(np.fromiter(tokens, np.int32, int(lengths.sum())))

    def __enter__(self) -> _RowsFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._tokens.close()
        finally:
            self._offsets.close()


class _GrowingArray:
    """A one-dimensional .npy file that is written front to back, its length not known before.

    Not a memory map, where a full disk kills the program instead of raising an error.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.length = 0
        self._dtype = dtype
        self._file = path.open("xb")
        self._write_header()

    def append(self, values: NDArray[Any]) -> None:
        self._file.write(values.astype(self._dtype).tobytes())
        self.length += len(values)

    def close(self) -> None:
        with self._file:
            self._file.seek(0)
            self._write_header()  # numpy pads headers, so that a longer length fits in place

    def _write_header(self) -> None:
        shape = (self.length,)
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
