"""What a corpus name stands for: where its splits come from, and what names their content.

A name is, in this order:

1. `phrasebook`, the embedded corpus (a folder of that name is `./phrasebook`);
2. a file of exactly that name: JSON lines, CSV, TSV, Parquet;
3. two parallel text files with a comma between them, `a.txt,b.txt`: the source first, unless their
   endings are the two languages;
4. a prefix, `data/news` for `data/news.en` and `data/news.de` (where there is a folder `data/news`
   as well, `data/news/` is the folder);
5. a folder with files named by split, `train.jsonl`, or by split and language, `train.en`;
6. a dataset on the Hugging Face hub, unless the name looks like a path.

Text may be packed by gzip (`.gz`); where a file is there in both forms, the plain one is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from seq2seq.config import CorpusSettings
from seq2seq.errors import CorpusError
from seq2seq.text.readers import (
    KINDS,
    Kind,
    Languages,
    RawPair,
    Report,
    kind_of,
    one_line,
    read_file,
    read_parallel,
)

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"

_OTHER_NAMES = {"val": VALIDATION, "valid": VALIDATION, "dev": VALIDATION}
_OWN_NAMES = (TRAIN, VALIDATION, TEST)
# One file of several that make a split: train-00000-of-00003.parquet
_SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class Source:
    """Where the pairs of a corpus come from."""

    name: str  # for messages
    identity: str  # names the content, wherever it lies
    splits: Mapping[str, Callable[[], Iterator[RawPair]]]  # each call reads from the beginning


def find_source(settings: CorpusSettings, report: Report) -> Source:
    """Find what a corpus' name stands for; nothing is read yet but what names the content.

    Raises:
        CorpusError: there is nothing of that name, or it is not to be read as a corpus.
    """
    languages = Languages(settings.source_language, settings.target_language)
    if settings.name == "phrasebook":
        return _phrasebook(languages, settings.split_seed)
    try:
        local = _find_local(settings, languages, report)
    except (OSError, RuntimeError) as error:  # RuntimeError: "~somebody" who is not there
        raise CorpusError(f"{settings.name} cannot be read: {one_line(error)}.") from None
    return local or _hub(settings, languages, report)


def split_name(name: str) -> str:
    """The name a split goes by here: `train`, `validation`, `test`, or its own."""
    lower = name.lower()
    return _OTHER_NAMES.get(lower, lower if lower in _OWN_NAMES else name)


def _find_local(settings: CorpusSettings, languages: Languages, report: Report) -> Source | None:
    path = Path(settings.name).expanduser()
    if path.is_file():
        return _from_files(settings.name, {TRAIN: [path]}, languages, report)
    parallel = _parallel_files(settings.name, path, languages, report)
    if parallel:
        return _from_files(settings.name, {TRAIN: [parallel]}, languages, report)
    if path.is_dir():
        return _folder(path, settings, languages, report)
    if _looks_like_path(settings.name, path):
        raise CorpusError(
            f"There is no file or folder {settings.name}, nor are there two files "
            f"{settings.name}.{languages.source} and {settings.name}.{languages.target}."
        )
    return None


def _looks_like_path(name: str, path: Path) -> bool:
    return (
        name.startswith((".", "/", "~"))
        or not _HUB_NAME.fullmatch(name)
        or path.suffix.lower() in (*KINDS, ".gz")
        or ("/" in name and path.parent.is_dir())
    )


def _phrasebook(languages: Languages, seed: int) -> Source:
    from seq2seq.text.phrasebook import phrasebook

    if set(languages) != {"en", "ko"}:
        raise CorpusError(
            f"phrasebook has en and ko; not {languages.source} to {languages.target}. Choose from "
            "what it has with --corpus.source-language and --corpus.target-language."
        )
    splits = phrasebook(seed)
    content = hashlib.blake2b(digest_size=16)
    for split, pairs in splits.items():
        content.update(f"{split} {len(pairs)}\n".encode())
        content.update("".join(f"{english}\n{korean}\n" for english, korean in pairs).encode())
    step = 1 if languages.source == "en" else -1
    return Source(
        name="phrasebook",
        identity=f"phrasebook {content.hexdigest()}",
        splits={
            split_name(split): partial(_directed, pairs, step) for split, pairs in splits.items()
        },
    )


def _directed(pairs: list[tuple[str, str]], step: int) -> Iterator[RawPair]:
    return ((pair[::step][0], pair[::step][1]) for pair in pairs)


def _hub(settings: CorpusSettings, languages: Languages, report: Report) -> Source:
    from seq2seq.text.hub import dataset_fingerprint, fetch_dataset, read_dataset

    name = settings.name
    datasets = fetch_dataset(name, settings.subset, report)
    own_names = {split_name(own): own for own in datasets}
    if len(own_names) < len(datasets):
        raise CorpusError(
            f"{name} has one split under two names: {', '.join(sorted(datasets))}. Name a local "
            "copy with one of them: --corpus.name path/to/folder"
        )
    return Source(
        name=name,
        identity=" ".join(
            f"{split}={dataset_fingerprint(datasets[own])}" for split, own in own_names.items()
        ),
        splits={
            split: partial(read_dataset, f"{name} ({own})", datasets[own], languages)
            for split, own in own_names.items()
        },
    )


# Local files: one file holds both languages, or two are parallel

Parallel = tuple[Path, Path]
Place = Path | Parallel


def _from_files(
    name: str, splits: Mapping[str, list[Place]], languages: Languages, report: Report
) -> Source:
    files = {
        split: [_Files(place, languages, report) for place in places]
        for split, places in splits.items()
    }
    return Source(
        name=name,
        identity="; ".join(
            f"{split}: {' '.join(file.identity() for file in files[split])}"
            for split in sorted(files)
        ),
        splits={split: partial(_read_all, split, files[split]) for split in files},
    )


def _read_all(split: str, files: list[_Files]) -> Iterator[RawPair]:
    try:
        yield from chain.from_iterable(file.read() for file in files)
    except CorpusError as error:
        if split in _OWN_NAMES:
            raise
        raise CorpusError(
            f"{error} It was read as a split named {split}; if it is none, move it elsewhere."
        ) from None


class _Files:
    """One file with both languages, or two parallel ones."""

    def __init__(self, place: Place, languages: Languages, report: Report) -> None:
        self.place = place
        self.languages = languages
        self.report = report
        self.kind: Kind | None = None if isinstance(place, tuple) else _known_kind(place)

    def identity(self) -> str:
        """Size and BLAKE2b hash of all content, about a second for a gigabyte.

        The time of the last change would be quicker, and wrong after a copy or an edit within the
        clock's resolution.
        """
        paths = self.place if isinstance(self.place, tuple) else (self.place,)
        return f"{self.kind or 'parallel'} {' '.join(_content(path) for path in paths)}"

    def read(self) -> Iterator[RawPair]:
        if isinstance(self.place, tuple):
            return read_parallel(*self.place)
        return read_file(self.place, _known_kind(self.place), self.languages, self.report)


def _known_kind(path: Path) -> Kind:
    kind = kind_of(path)
    if kind is None:
        raise CorpusError(
            f"{path} is none of the files that hold two languages: {', '.join(KINDS)} (text also "
            "with .gz). Two parallel text files are named with a comma: a.txt,b.txt."
        )
    return kind


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16))
            packed = ".gz" if path.suffix.lower() == ".gz" else ""
            return f"{file.tell()}:{digest.hexdigest()}{packed}"
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {one_line(error)}.") from None


def _plain_or_packed(path: Path) -> Path | None:
    candidates = (path, path.with_name(path.name + ".gz"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _parallel_files(name: str, path: Path, languages: Languages, report: Report) -> Parallel | None:
    """Two files named with a comma, or by a prefix of which both languages are there."""
    if "," in name:
        paths = [Path(part.strip()).expanduser() for part in name.split(",")]
        missing = [str(part) for part in paths if not part.is_file()]
        if missing:
            raise CorpusError(f"There is no file {' and no file '.join(missing)}.")
        if len(paths) != 2:
            raise CorpusError(f"{name} names {len(paths)} files; parallel text is two.")
        return _in_order(paths[0], paths[1], languages, report)
    if name.endswith("/") or not path.name:
        return None
    source, target = (
        _plain_or_packed(path.with_name(f"{path.name}.{file_spelling(language)}"))
        for language in languages
    )
    if source and target:
        return source, target
    if (source or target) and not path.is_dir():
        missing_language = languages.target if source else languages.source
        raise CorpusError(
            f"There is {source or target}, but no {path}.{missing_language} to go with it."
        )
    return None


def _in_order(first: Path, second: Path, languages: Languages, report: Report) -> Parallel:
    """Two named files, the source's first."""
    endings = [path.name.removesuffix(".gz").rpartition(".")[2] for path in (first, second)]
    if endings == [languages.target, languages.source]:
        return second, first
    if endings != list(languages):
        report(f"{first} is read as {languages.source} and {second} as {languages.target}")
    return first, second


def _folder(path: Path, settings: CorpusSettings, languages: Languages, report: Report) -> Source:
    """A folder of splits; a copy of a hub dataset may have them in `data/` or in its subset's."""
    inner = [path / settings.subset] if settings.subset else []
    for folder in (*inner, path, path / "data"):
        splits = _splits_in(folder, languages, report) if folder.is_dir() else {}
        if splits:
            return _from_files(settings.name, splits, languages, report)
    names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise CorpusError(
        f"{settings.name} has no file named by its split, such as train.jsonl, train.tsv or "
        f"train.{languages.source} with train.{languages.target}; it has {listed or 'no files'}."
    )


def _splits_in(folder: Path, languages: Languages, report: Report) -> dict[str, list[Place]]:
    """The files of each split of a folder: one, two that are parallel, or the shards of one."""
    names = sorted({path.name.removesuffix(".gz") for path in folder.iterdir() if path.is_file()})
    found: dict[str, dict[str, list[Place]]] = {}  # split -> what it is made of -> files
    for name in names:
        path = _plain_or_packed(folder / name)
        if name.startswith(".") or path is None:
            continue
        stem, _, ending = name.rpartition(".")
        shard = _SHARD.fullmatch(stem)
        own = shard["split"] if shard else stem
        language = next((one for one in languages if name.endswith(f".{file_spelling(one)}")), None)
        if own and _is_table(path, own):
            what = f"{own}-*-of-{shard['total']}.{ending}" if shard else path.name
            found.setdefault(split_name(own), {}).setdefault(what, []).append(path)
        elif language:
            stem = name.removesuffix(f".{file_spelling(language)}")
            parallel = _both_languages(folder, stem, languages, report)
            what = f"{stem}.{languages.source} with {stem}.{languages.target}"
            if parallel:
                found.setdefault(split_name(stem), {})[what] = [parallel]
    for split, places in found.items():
        if len(places) > 1:
            raise CorpusError(
                f"{folder} has the split {split} {len(places)} times: {', '.join(places)}. "
                "Keep one of them."
            )
        _require_all_shards(next(iter(places.values())))
    return {split: next(iter(places.values())) for split, places in found.items()}


def _require_all_shards(places: Sequence[Place]) -> None:
    """Refuse a split of which files are missing, such as the second of three."""
    paths = [place for place in places if isinstance(place, Path)]
    shards = [shard for path in paths if (shard := _SHARD.search(path.name))]
    numbers = {int(shard["number"]) for shard in shards}
    total = int(shards[0]["total"]) if shards else 0
    missing = sorted(set(range(total)) - numbers)
    if missing or len(numbers) > total:
        raise CorpusError(
            f"{paths[0].parent} has {len(numbers)} of the {total} files {shards[0]['split']}-*-of-"
            f"{shards[0]['total']}"
            + (f"; number {missing[0]:05} is missing." if missing else ", which are too many.")
        )


def file_spelling(name: str) -> str:
    """A language as the ending of a file: a column's name may hold what a file's name may not."""
    return re.sub(r'[%/\\:*?"<>|\0]', lambda match: f"%{ord(match[0]):02X}", name)


def _is_table(path: Path, split: str) -> bool:
    # A folder's .json is often about the data, and its .txt a text: they must be named by a split.
    kind = kind_of(path)
    unclear = path.name.lower().removesuffix(".gz").endswith((".json", ".txt"))
    return kind is not None and (not unclear or split_name(split) in _OWN_NAMES)


def _both_languages(
    folder: Path, stem: str, languages: Languages, report: Report
) -> Parallel | None:
    source, target = (
        _plain_or_packed(folder / f"{stem}.{file_spelling(language)}") for language in languages
    )
    if source and target:
        return source, target
    there, missing = (source, languages.target) if source else (target, languages.source)
    what = f"{there}, but no {stem}.{missing} to go with it"
    if split_name(stem) in _OWN_NAMES:
        raise CorpusError(f"There is {what}.")
    report(f"There is {what}: it is left out.")
    return None
