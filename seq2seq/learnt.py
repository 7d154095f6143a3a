"""What text a run has learnt, found again and held to be the same.

A run keeps its corpus' settings and the fingerprint of the text that they stood for; the text
itself lies among the prepared corpora, or is read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seq2seq.checkpoint import read_config
from seq2seq.errors import CheckpointError
from seq2seq.text.corpus import Corpus, load_corpus


def learnt_corpus(folder: Path, prepared: Path, report: Callable[[str], None]) -> Corpus:
    """The corpus that a run has learnt from.

    Args:
        folder: the run's.
        prepared: the folder of all prepared corpora.
        report: receives one line a message.

    Raises:
        CheckpointError: its text has changed since.
        CorpusError: its text is no longer there.
    """
    config = read_config(folder)
    learnt = load_corpus(config.settings.corpus, prepared, report)
    if config.corpus is None:
        report(
            f"{folder.name}: what text it learnt was not noted; taken to be {learnt.name} as it is"
        )
    elif config.corpus != learnt.fingerprint:
        raise CheckpointError(
            f"{folder} learnt {_other_text(config.corpus, learnt)}; put the old text back."
        )
    return learnt


def require_same_text(folder: Path, kept: str | None, corpus: Corpus) -> None:
    """Refuse to go on with a run on other text than it began to learn.

    Args:
        folder: the run's.
        kept: the fingerprint that it began with; None where it is not known.
        corpus: what its settings stand for now.

    Raises:
        CheckpointError: the text has changed.
    """
    if kept is not None and kept != corpus.fingerprint:
        raise CheckpointError(
            f"{folder} learns {_other_text(kept, corpus)}; put the old text back, or start another "
            "run with --run NAME."
        )


def warn_of_other_text(
    folder: Path, kept: str | None, corpus: Corpus, report: Callable[[str], None]
) -> None:
    """Say where a run is about to be measured on another text than it learnt."""
    if kept is not None and kept != corpus.fingerprint:
        report(
            f"{folder.name}: it learnt {_other_text(kept, corpus)}; what is measured on now may "
            "stand in what it learnt"
        )


def _other_text(kept: str, corpus: Corpus) -> str:
    return (
        f"from {corpus.name} as it was (fingerprint {kept}), and its text or the rules of cleaning "
        f"have changed since ({corpus.fingerprint})"
    )
