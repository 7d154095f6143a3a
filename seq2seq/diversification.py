"""The journey of a diversified corpus: a run's own training text, and the same as models say it.

Beside each pair (x, y) stand (x, f(x)), f being runs that translate this way, and (b(y), y), b
being runs that translate back. No text comes from elsewhere. What models say is plainer than what
people say, and easier to learn; what several say together is better than what one of them does,
and what each says for itself is more varied; a source that a model has made up differs from its own
as a paraphrase does.

Kim and Rush 2016, "Sequence-Level Knowledge Distillation", for f; Sennrich et al. 2016, "Improving
Neural Machine Translation Models with Monolingual Data", for b; Nguyen et al. 2020, "Data
Diversification: A Simple Strategy For Neural Machine Translation", for both together on the
training text alone.

    FOLDER/about.json                 runs, text and search; written before anything else
    FOLDER/forward.txt, backward.txt  translations, line by line; where they end, work goes on
    FOLDER/forward-1.txt ...          instead, where each run translates for itself
    FOLDER/train.en, train.de         the training pairs: own, forward, backward
    FOLDER/validation.en ...          the other splits, as they were
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.checkpoint import find_run, find_runs, read_config, write_json
from seq2seq.config import CorpusSettings
from seq2seq.decoding import DecodingOptions
from seq2seq.errors import CheckpointError, ConfigError, CorpusError
from seq2seq.learnt import learnt_corpus
from seq2seq.pipeline import DATA, Report
from seq2seq.text.corpus import Corpus, load_corpus
from seq2seq.text.pair_files import PairFiles, open_text
from seq2seq.text.readers import one_line
from seq2seq.text.unfinished import sole_user
from seq2seq.translating import (
    open_translator,
    require_one_direction,
    require_one_tokenizer,
    require_other_direction,
    require_unseen,
)

LAYOUT = "seq2seq diversified corpus"
VERSION = 1
_LINES_AT_ONCE = 500
_REPORT_EVERY = 5000  # sentences


class Diversified(NamedTuple):
    """What has become of a run's training text."""

    folder: Path
    own: int  # pairs
    forward: int
    backward: int


class _Way(NamedTuple):
    """One file's work: who translates which side into it."""

    name: str  # forward or backward, with a number where each run translates for itself
    runs: Sequence[str]  # together, as an ensemble
    side: int  # of the pair that is translated: 0 source, 1 target


def diversify(
    forward: Sequence[str],
    backward: Sequence[str],
    target: Path | None,
    report: Report,
    processes: int = 1,
    quantize: bool = False,
    apart: bool = False,
) -> Diversified:
    """Translate runs' training text by themselves and write a corpus of all of it.

    Work that was interrupted goes on where it stopped; finished translations are kept.

    Args:
        forward: runs of one direction and corpus.
        backward: runs of the other direction; may be empty.
        target: the folder to write; one under `data/`, named by the first run, if absent.
        report: receives one line a message.
        processes: see `DecodingOptions`.
        quantize: likewise.
        apart: each run translates for itself, and all of their pairs are written, instead of all
            runs of a direction together.

    Raises:
        ConfigError: runs that do not belong together.
        CorpusError: `target` holds something else.
    """
    settings = read_config(find_run(forward[0])).settings.corpus
    _require_together(forward, backward, apart)
    corpus = load_corpus(settings, DATA / "prepared", report)
    _require_known_text(corpus, forward, backward, report)
    folder = target or DATA / f"{find_run(forward[0]).resolve().name}-diversified"
    about = _about(corpus, settings, forward, backward) | {"quantize": quantize}
    if apart:  # not noted otherwise, so that folders from before there was a choice still go on
        about["apart"] = True
    _make_folder(folder)
    there, back = _ways("forward", forward, 0, apart), _ways("backward", backward, 1, apart)
    ways = [*there, *back]
    pairs = corpus.splits["train"]
    with sole_user(folder) as is_ours:
        if not is_ours:
            raise CorpusError(f"{folder} is being written by another process; let it end.")
        _begin(folder, about)
        for way in ways:
            _translate(way, pairs, folder, report, processes, quantize)
        _write_splits(folder, corpus, ways)
    own = len(pairs)
    return Diversified(folder, own, own * len(there), own * len(back))


def _ways(name: str, runs: Sequence[str], side: int, apart: bool) -> list[_Way]:
    if apart:
        return [_Way(f"{name}-{n}", (run,), side) for n, run in enumerate(runs, 1)]
    return [_Way(name, runs, side)] if runs else []


def _require_together(forward: Sequence[str], backward: Sequence[str], apart: bool) -> None:
    otherwise = " Or give --apart: each then translates for itself, with its own subwords."
    for folders in filter(None, map(find_runs, (forward, backward))):
        require_one_direction(folders)
        if not apart:
            require_one_tokenizer(folders, otherwise)
    require_other_direction(find_run(forward[0]), backward, "--backward")


def _require_known_text(
    corpus: Corpus, forward: Sequence[str], backward: Sequence[str], report: Report
) -> None:
    """Refuse runs that have learnt anything but this corpus' training text as it is now."""
    for run in forward:
        learnt = learnt_corpus(find_run(run), DATA / "prepared", report)
        if corpus.fingerprint not in (learnt.fingerprint, _diversified_from(learnt.name)):
            raise ConfigError(f"{run} learnt from {learnt.name}, {forward[0]} did not.")
    kept = [split for split in corpus.splits if split != "train"]
    require_unseen(forward, corpus, kept, report)
    require_unseen(backward, corpus, kept, report, turned=True)


def _diversified_from(name: str) -> str | None:
    """The fingerprint of the corpus that a folder of ours was made from; None of another corpus."""
    try:
        about = json.loads((Path(name) / "about.json").read_text(encoding="utf-8"))
        return about["corpus"]["fingerprint"] if about["layout"] == LAYOUT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _about(
    corpus: Corpus, settings: CorpusSettings, forward: Sequence[str], backward: Sequence[str]
) -> dict[str, Any]:
    """What the folder's content depends on."""

    def translators(runs: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {
                "run": folder.resolve().name,
                "weights": _digest(folder / "model.safetensors"),
                "search": asdict(read_config(folder).settings.search),
            }
            for folder in map(find_run, runs)
        ]

    return {
        "layout": LAYOUT,
        "version": VERSION,
        "corpus": {"name": corpus.name, "fingerprint": corpus.fingerprint},
        "languages": [settings.source_language, settings.target_language],
        "forward": translators(forward),
        "backward": translators(backward),
    }


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16)).hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from None


def _make_folder(folder: Path) -> None:
    """Make the folder, unless it is there and can be one of ours."""
    try:
        is_other = folder.exists() and (
            not folder.is_dir() or (any(folder.iterdir()) and not (folder / "about.json").exists())
        )
        if is_other:
            raise CorpusError(f"{folder} holds something else; give another folder with --to.")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _begin(folder: Path, about: dict[str, Any]) -> None:
    """Note what the folder is made from, or make sure that it is the beginning of the same."""
    path = folder / "about.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        # As long as nothing is translated, other runs or options may begin as well.
        is_begun = any(any(folder.glob(f"{name}*.txt")) for name in ("forward", "backward"))
        if known != about and not is_begun:
            write_json(path, about)
            return
    except ValueError as error:
        raise CorpusError(f"{path} is damaged: {error}. Remove {folder}.") from None
    except (OSError, CheckpointError) as error:
        raise _cannot_write(folder, error) from None
    if known != about:
        raise CorpusError(
            f"{folder} was made by other runs, otherwise, or from other text; "
            "give another folder with --to."
        )


def _cannot_write(folder: Path, error: Exception) -> CorpusError:
    return CorpusError(
        f"{folder} cannot be written: {one_line(error)}. The same command goes on where it stopped."
    )


def _translate(
    way: _Way, pairs: PairFiles, folder: Path, report: Report, processes: int, quantize: bool
) -> None:
    """Add to the way's file what it still lacks."""
    path = folder / f"{way.name}.txt"
    done = _keep_whole_lines(path)
    if done > len(pairs):
        raise CorpusError(f"{path} has {done:,} lines for {len(pairs):,} sentences; remove it.")
    if done == len(pairs):
        report(f"{way.name}: all {done:,} sentences were translated before")
        return
    first, *others = way.runs
    ways = DecodingOptions(processes=processes, quantize=quantize, ensemble=tuple(others))
    with open_translator(first, None, report, ways) as translator:
        rest = (f"{pair[way.side]}\n".encode() for pair in islice(iter(pairs), done, None))
        ahead = 0 if processes == 1 else processes
        lines = translator.translate_lines(rest, 1, False, _LINES_AT_ONCE, ahead)
        said = _Progress(way.name, done, len(pairs), report)
        for translation in lines:
            _add_line(path, translation.text)
            said.one_more()


def _add_line(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
    except OSError as error:
        raise _cannot_write(path.parent, error) from None


def _keep_whole_lines(path: Path) -> int:
    """How many translations a file holds; half a line at its end, which a kill leaves, goes."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        lines, whole = 0, 0
        for line in file:
            if line.endswith(b"\n"):
                lines, whole = lines + 1, whole + len(line)
        file.truncate(whole)
    return lines


class _Progress:
    """Says from time to time how far a direction is, and how long it will take."""

    def __init__(self, name: str, done: int, total: int, report: Report) -> None:
        self.name, self.begun_with, self.done, self.total = name, done, done, total
        self.report = report
        self.began = time.monotonic()

    def one_more(self) -> None:
        self.done += 1
        if self.done % _REPORT_EVERY and self.done != self.total:
            return
        each = (time.monotonic() - self.began) / (self.done - self.begun_with)
        left = (self.total - self.done) * each / 60
        self.report(
            f"{self.name}: {self.done:,} of {self.total:,} sentences translated"
            + (f", {left:.1f} min left" if left else "")
        )


def _write_splits(folder: Path, corpus: Corpus, ways: Sequence[_Way]) -> None:
    """The corpus' own splits, and the translations behind its training pairs."""
    try:
        for split, pairs in corpus.splits.items():
            for side, path in enumerate((pairs.source_path, pairs.target_path)):
                made = folder / path.name
                unfinished = made.with_name(made.name + ".unfinished")
                shutil.copyfile(path, unfinished)
                if split == "train":
                    with unfinished.open("a", encoding="utf-8", newline="\n") as file:
                        for way in ways:
                            _append(file.write, way, side, pairs, folder)
                unfinished.replace(made)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _append(
    write: Callable[[str], object], way: _Way, side: int, pairs: PairFiles, folder: Path
) -> None:
    """One side of a way's pairs: what it translated as it was, the other as it was translated."""
    if side == way.side:
        for pair in pairs:
            write(pair[side] + "\n")
        return
    with open_text(folder / f"{way.name}.txt") as lines:
        for line in lines:
            write(line)
