"""Any source of sentence pairs -> cleaned, counted splits on disk.

A split is the corpus' own where it has it; missing validation and test splits are cut off from the
training pairs. The training pairs go through these steps, in this order; each pair is dropped at
the first that refuses it, and counted there:

1. not text, or an empty side (all that evaluation splits are filtered by);
2. an exact duplicate of an earlier pair;
3. its source sentence stands in one of the corpus' own evaluation splits;
4. cut off for validation or test, where the corpus has none: decided by a hash of the split seed
   and the source sentence, so that all its copies land on one side, and before the filters by
   length, so that these settings never change the test;
5. over-long, or with an absurd length ratio.

The result stands in a folder named by its content, prepared once:

    <fingerprint>/corpus.json             what was found, kept and dropped
    <fingerprint>/train.en, train.de      a sentence a line; line n translates line n
    <fingerprint>/train.en.index.npy ...  where each line begins
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.config import CorpusSettings
from seq2seq.errors import CorpusError
from seq2seq.text.cleaning import (
    CLEANING_VERSION,
    EMPTY_SIDE,
    EXACT_DUPLICATE,
    NOT_TEXT,
    clean_sentence,
    quality_drop,
)
from seq2seq.text.hashes import Hashes, HashSet, cut, hash_texts, is_member
from seq2seq.text.pair_files import PairFiles, PairWriter, SentencePair
from seq2seq.text.readers import RawPair, Report, one_line
from seq2seq.text.sources import TEST, TRAIN, VALIDATION, Source, file_spelling, find_source
from seq2seq.text.unfinished import remove_abandoned, unfinished_folder
from seq2seq.text.words import count_words

__all__ = ["Corpus", "PairFiles", "SentencePair", "SplitSummary", "load_corpus"]

_FORMAT = 1  # of the prepared folder
_BLOCK = 4096  # pairs cleaned and hashed at once
_REPORT_EVERY = 1_000_000  # pairs
_SUMMARY = "corpus.json"

Pairs = list[tuple[str, str]]


class SplitSummary(NamedTuple):
    """A row of the table that says what became of a corpus."""

    split: str
    found: int  # pairs read
    kept: int
    drops: Mapping[str, int]  # reason -> pairs; found = kept + all drops
    mean_source_words: float  # of the pairs kept
    mean_target_words: float


@dataclass(frozen=True)
class Corpus:
    """The splits of a corpus on disk, and what became of the pairs they were made from."""

    name: str
    splits: Mapping[str, PairFiles]  # "train", "validation", "test", maybe more such as "long"
    drops: Mapping[str, Mapping[str, int]]  # split -> reason -> pairs; only reasons that occurred
    found: Mapping[str, int]  # split -> pairs read before cleaning
    mean_words: Mapping[str, tuple[float, float]]  # split -> words a sentence: source, target
    fingerprint: str  # changes with the source's content, the settings and the cleaning rules

    def rows(self) -> Iterator[SplitSummary]:
        """A row for each split."""
        for split, pairs in self.splits.items():
            yield SplitSummary(
                split, self.found[split], len(pairs), self.drops[split], *self.mean_words[split]
            )

    def summary(self) -> Iterator[str]:
        """The rows as sentences."""
        for row in self.rows():
            yield (
                f"{row.split}: {row.kept:,} of {row.found:,} pairs kept, "
                f"{row.mean_source_words:.1f} and {row.mean_target_words:.1f} words on average"
                + (f"; dropped: {_listed(row.drops)}" if row.drops else "")
            )


def load_corpus(settings: CorpusSettings, folder: Path, report: Report) -> Corpus:
    """Prepare a corpus under `folder`, or open it where it stands there already.

    Args:
        settings: which corpus and languages, and how it is filtered and cut.
        folder: of all prepared corpora; this one stands in a folder of it named by its content.
        report: is given one-line messages for people.

    Raises:
        CorpusError: the source cannot be found or read, lacks a language or holds too little, or
            the folder cannot be written.
    """
    source = find_source(settings, report)
    fingerprint = _fingerprint(settings, source)
    prepared = folder / fingerprint
    corpus = _open(prepared, settings, source.name)
    if corpus is None:
        _prepare_folder(settings, source, prepared, report)
        corpus = _open(prepared, settings, source.name)
    if corpus is None:
        raise CorpusError(f"{prepared} was changed while it was written. Start again.")
    return corpus


def _fingerprint(settings: CorpusSettings, source: Source) -> str:
    """A name for the prepared content: the source's, wherever it lies, and all that shapes it."""
    shaping = dataclasses.asdict(settings)
    del shaping["name"], shaping["subset"]
    parts = [_FORMAT, CLEANING_VERSION, source.identity, shaping]
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


# The prepared folder


def _paths(folder: Path, split: str, settings: CorpusSettings) -> tuple[Path, Path]:
    """A split's two text files."""

    def path(language: str) -> Path:
        return folder / file_spelling(f"{split}.{language}")

    return path(settings.source_language), path(settings.target_language)


def _open(folder: Path, settings: CorpusSettings, name: str) -> Corpus | None:
    """A prepared corpus, or None where there is none, or files of another size than written."""
    try:
        document: dict[str, Any] = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
        files = {}
        for split, entry in document["splits"].items():
            paths = _paths(folder, split, settings)
            if [path.stat().st_size for path in paths] != entry["bytes"]:
                return None
            files[split] = PairFiles(*paths)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    entries = document["splits"].items()
    return Corpus(
        name=name,
        splits=files,
        drops={split: entry["drops"] for split, entry in entries},
        found={split: entry["found"] for split, entry in entries},
        mean_words={
            split: (entry["mean_words"][0], entry["mean_words"][1]) for split, entry in entries
        },
        fingerprint=folder.name,
    )


def _prepare_folder(
    settings: CorpusSettings, source: Source, prepared: Path, report: Report
) -> None:
    """Prepare in a folder beside, and rename it at the end: nothing half-made can stand there."""
    try:
        remove_abandoned(prepared.parent)
        with unfinished_folder(prepared) as unfinished:
            counts = _Preparation(settings, source, unfinished, report).run()
            _write_summary(unfinished, settings, source, counts)
            if _open(prepared, settings, source.name) is None:
                shutil.rmtree(prepared, ignore_errors=True)  # damaged
                unfinished.rename(prepared)
    except OSError as error:
        if _open(prepared, settings, source.name) is not None:
            return  # another process was quicker
        raise CorpusError(
            f"The prepared corpus cannot be written under {prepared.parent}: "
            f"{one_line(error)}. Make room there, or let the folder be written."
        ) from None


def _write_summary(
    folder: Path, settings: CorpusSettings, source: Source, counts: Mapping[str, _Count]
) -> None:
    document = {
        "corpus": source.name,
        "languages": [settings.source_language, settings.target_language],
        "splits": {
            split: {
                "found": count.found,
                "kept": count.kept,
                "drops": dict(count.drops.most_common()),
                "mean_words": [words / max(count.kept, 1) for words in count.words],
                "bytes": [path.stat().st_size for path in _paths(folder, split, settings)],
            }
            for split, count in counts.items()
        },
        "settings": dataclasses.asdict(settings),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (folder / _SUMMARY).write_text(text + "\n", encoding="utf-8")


# Preparing


@dataclass
class _Count:
    """What became of the pairs of one split so far."""

    found: int = 0
    kept: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    words: list[int] = field(default_factory=lambda: [0, 0])  # of the pairs kept: source, target

    def keep(self, pairs: Pairs) -> None:
        self.kept += len(pairs)
        self.words[0] += sum(count_words(source) for source, _ in pairs)
        self.words[1] += sum(count_words(target) for _, target in pairs)

    def drop(self, reason: str, pairs: int = 1) -> None:
        if pairs:
            self.drops[reason] += pairs

    def table(self) -> str:
        return f"{self.found:,} pairs read" + (f": {_listed(self.drops)}" if self.drops else "")


def _listed(drops: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in Counter(drops).most_common())


class _Preparation:
    """One pass over each split of a source, into a folder."""

    def __init__(
        self, settings: CorpusSettings, source: Source, folder: Path, report: Report
    ) -> None:
        self.settings = settings
        self.source = source
        self.folder = folder
        self.report = report
        self.counts: dict[str, _Count] = {}
        self.evaluation_sources: dict[str, HashSet] = {}

    def run(self) -> Mapping[str, _Count]:
        """Write all splits; their counts, in the order train, validation, test, others."""
        own = self.source.splits
        if TRAIN not in own:
            raise CorpusError(
                f"{self.source.name} has the splits {', '.join(own)}, but no train to learn from."
            )
        known = [TRAIN, VALIDATION, TEST]
        self.counts = {split: _Count() for split in (*known, *sorted(set(own) - set(known)))}
        # A source sentence that stands in several is counted under the test first.
        for split in (TEST, VALIDATION, *sorted(set(own) - set(known))):
            if split in own:
                self._write_evaluation(split)
        missing = [split for split in (TEST, VALIDATION) if split not in own]
        if missing:
            self._write_training_and_cut(missing)
        else:
            with self._writer(TRAIN) as writer:
                for pairs in self._training_blocks():
                    self._write_filtered(writer, pairs)
        if not self.counts[TRAIN].kept:
            raise CorpusError(
                f"{self.source.name}: no training pair is left. {self.counts[TRAIN].table()}."
            )
        return self.counts

    def _writer(self, split: str) -> PairWriter:
        return PairWriter(*_paths(self.folder, split, self.settings))

    def _clean_blocks(self, split: str) -> Iterator[Pairs]:
        """Cleaned pairs of one of the source's splits, a block at a time, without unusable ones."""
        count = self.counts[split]
        raw = self.source.splits[split]()
        while block := list(islice(raw, _BLOCK)):
            before = count.found // _REPORT_EVERY
            count.found += len(block)
            if count.found // _REPORT_EVERY > before:
                self.report(f"{split}: {count.found:,} pairs read")
            yield _clean_block(block, count)

    def _write_evaluation(self, split: str) -> None:
        sources = self.evaluation_sources[split] = HashSet()
        count = self.counts[split]
        with self._writer(split) as writer:
            for pairs in self._clean_blocks(split):
                sources.add(hash_texts(source for source, _ in pairs))
                writer.write(pairs)
                count.keep(pairs)
        if not count.kept:
            raise CorpusError(
                f"{self.source.name}: no pair of the split {split} is left. {count.table()}. In a "
                "local copy without this split, one is cut off from the training pairs."
            )

    def _training_blocks(self) -> Iterator[Pairs]:
        """Clean training pairs that are no duplicates and not in an evaluation split."""
        count = self.counts[TRAIN]
        seen = HashSet()
        for pairs in self._clean_blocks(TRAIN):
            keep = seen.add(hash_texts(f"{source}\n{target}" for source, target in pairs))
            count.drop(EXACT_DUPLICATE, int((~keep).sum()))
            if self.evaluation_sources:
                sources = hash_texts(source for source, _ in pairs)
                for split, known in self.evaluation_sources.items():
                    overlaps = keep & known.contains(sources)
                    count.drop(f"source is in {split}", int(overlaps.sum()))
                    keep &= ~overlaps
            yield [pair for pair, is_kept in zip(pairs, keep.tolist(), strict=True) if is_kept]

    def _write_filtered(self, writer: PairWriter, pairs: Pairs) -> None:
        """Write training pairs that pass the filters by length."""
        count = self.counts[TRAIN]
        max_words, max_ratio = self.settings.max_words, self.settings.max_length_ratio
        kept = []
        for source, target in pairs:
            reason = quality_drop(source, target, max_words, max_ratio)
            if reason is None:
                kept.append((source, target))
            else:
                count.drop(reason)
        writer.write(kept)
        count.keep(kept)

    def _write_training_and_cut(self, missing: list[str]) -> None:
        """Write the training split without what is cut off for the splits in `missing`.

        How many pairs there are is known only at the end, so they are put aside on disk first,
        with a key for each.
        """
        staged_paths = (self.folder / ".staged.source", self.folder / ".staged.target")
        keys_path = self.folder / ".staged.keys"
        with PairWriter(*staged_paths) as staged, keys_path.open("xb") as keys_file:
            for pairs in self._training_blocks():
                staged.write(pairs)
                keys_file.write(self._cut_keys(pairs).tobytes())
        members = dict(zip(missing, self._choose(keys_path, missing), strict=True))
        writers = {split: self._writer(split) for split in (TRAIN, *missing)}
        try:
            rows = iter(PairFiles(*staged_paths))
            with keys_path.open("rb") as keys_file:
                while pairs := [(pair.source, pair.target) for pair in islice(rows, _BLOCK)]:
                    keys = np.frombuffer(keys_file.read(8 * len(pairs)), dtype="<u8")
                    self._deal_out(pairs, keys, members, writers)
            for writer in writers.values():
                writer.close()
        finally:
            for writer in writers.values():
                writer.abandon()
        for path in self.folder.glob(".staged.*"):
            path.unlink()

    def _cut_keys(self, pairs: Pairs) -> Hashes:
        return hash_texts(f"{self.settings.split_seed}\n{source}" for source, _ in pairs)

    def _choose(self, keys_path: Path, missing: list[str]) -> list[Hashes]:
        """The keys of the pairs that are cut off, for each missing split."""
        keys = np.fromfile(keys_path, dtype="<u8")
        if not len(keys):
            return [keys for _ in missing]  # no training pair is left, which is said later
        keys.sort()
        distinct = 1 + int((keys[1:] != keys[:-1]).sum())
        if distinct <= len(missing):
            raise CorpusError(
                f"{self.source.name} has {distinct} distinct source sentences to learn from; at "
                f"least {len(missing) + 1} are needed to cut off {' and '.join(missing)}. "
                "Give it more pairs, or these splits of its own."
            )
        asked = {
            VALIDATION: self.settings.validation_pairs,
            TEST: self.settings.test_pairs,
        }
        tenth = max(1, len(keys) // 10)
        return cut(keys, [min(asked[split], tenth) for split in missing])

    def _deal_out(
        self,
        pairs: Pairs,
        keys: Hashes,
        members: Mapping[str, Hashes],
        writers: Mapping[str, PairWriter],
    ) -> None:
        """Write each pair of a block to the split its key belongs to."""
        is_training = np.ones(len(pairs), dtype=bool)
        for split, chosen in members.items():
            rows = np.flatnonzero(is_member(keys, chosen))
            cut_off = [pairs[row] for row in rows.tolist()]
            is_training[rows] = False
            writers[split].write(cut_off)
            self.counts[split].found += len(cut_off)
            self.counts[split].keep(cut_off)
            self.counts[TRAIN].drop(f"cut off for {split}", len(cut_off))
        self._write_filtered(
            writers[TRAIN], [pairs[row] for row in np.flatnonzero(is_training).tolist()]
        )


def _clean_block(block: list[RawPair], count: _Count) -> Pairs:
    kept = []
    for raw_source, raw_target in block:
        source, target = clean_sentence(raw_source), clean_sentence(raw_target)
        if source is None or target is None:
            count.drop(NOT_TEXT)
        elif source and target:
            kept.append((source, target))
        else:
            count.drop(EMPTY_SIDE)
    return kept
