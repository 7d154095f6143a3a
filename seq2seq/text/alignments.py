"""Word alignments that are known beforehand: those of the embedded corpus.

They are written out once in Pharaoh's format, a sentence a line: `0-0 1-7 2-6` says that source
word 1 and target word 7 tell the same, words counted from 0 and split at spaces.
"""

from __future__ import annotations

from pathlib import Path

from seq2seq.config import CorpusSettings
from seq2seq.text.corpus import Corpus

Links = tuple[tuple[int, int], ...]


def load_alignments(
    settings: CorpusSettings, corpus: Corpus, folder: Path
) -> dict[str, list[Links]]:
    """The links of each pair of the evaluation splits; no splits where alignments are not known.

    Args:
        settings: of the corpus.
        corpus: as prepared from these settings.
        folder: of all alignments; this corpus' lie in a folder of it named like the prepared text.
    """
    if settings.name != "phrasebook":
        return {}
    home = folder / corpus.fingerprint
    splits = [split for split in corpus.splits if split != "train"]
    paths = {split: home / f"{split}.links" for split in splits}
    if not all(path.is_file() for path in paths.values()):
        _write(settings, corpus, paths)
    return {
        split: [_parsed(line) for line in path.read_text(encoding="ascii").splitlines()]
        for split, path in paths.items()
    }


def _write(settings: CorpusSettings, corpus: Corpus, paths: dict[str, Path]) -> None:
    from seq2seq.text.phrasebook import aligned_phrasebook

    known = aligned_phrasebook(settings.split_seed)
    is_forward = settings.source_language == "en"
    for split, path in paths.items():
        links = {(pair.english, pair.korean): pair.links for pair in known[split]}
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        for pair in corpus.splits[split]:
            found = links[pair if is_forward else pair[::-1]]
            ordered = found if is_forward else sorted((other, one) for one, other in found)
            lines.append(" ".join(f"{source}-{target}" for source, target in ordered) + "\n")
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_text("".join(lines), encoding="ascii")
        unfinished.replace(path)


def _parsed(line: str) -> Links:
    pairs = (link.split("-") for link in line.split())
    return tuple((int(source), int(target)) for source, target in pairs)
