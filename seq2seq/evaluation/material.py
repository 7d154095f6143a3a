"""What a comparison is made from: runs, their corpus, and what they made of its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq.checkpoint import read_config
from seq2seq.config import Settings
from seq2seq.errors import CheckpointError
from seq2seq.text.alignments import Links
from seq2seq.text.corpus import Corpus
from seq2seq.text.pair_files import open_text


class Entrant(NamedTuple):
    """One run that takes part."""

    system: str
    seed: int
    folder: Path
    failure: str | None = None  # why there is nothing to compare of it


class Material(NamedTuple):
    """What a comparison is made from."""

    entrants: list[Entrant]  # at least one of them without failure
    corpus: Corpus
    splits: list[str]  # to compare on; the first is the main one
    alignments: Mapping[str, Sequence[Links]]  # split → links of each pair; empty if not known
    language_models: Sequence[Entrant] = ()  # the ladder's ground floor: one system over its seeds

    @property
    def standing(self) -> dict[str, list[Entrant]]:
        """System → its runs that did not fail; systems without any left out.

        In the order in which systems were named, whichever of their seeds failed.
        """
        found: dict[str, list[Entrant]] = {entrant.system: [] for entrant in self.entrants}
        for entrant in self.entrants:
            if entrant.failure is None:
                found[entrant.system].append(entrant)
        return {system: runs for system, runs in found.items() if runs}


class Outputs(NamedTuple):
    """One split's text, and what the runs make of it."""

    sources: list[str]
    references: list[str]
    translations: dict[str, list[list[str]]]  # system → for each standing run, all sentences

    def joined(self, other: Outputs) -> Outputs:
        """Both splits one after the other."""
        return Outputs(
            self.sources + other.sources,
            self.references + other.references,
            {
                system: [a + b for a, b in zip(seeds, other.translations[system], strict=True)]
                for system, seeds in self.translations.items()
            },
        )


def read_outputs(material: Material, split: str) -> Outputs:
    """One split with the translations that all runs left in their folders.

    Raises:
        CheckpointError: translations are missing, or not one a sentence.
    """
    pairs = list(material.corpus.splits[split])
    translations = {
        system: [_lines(run.folder / f"translations.{split}.txt", len(pairs)) for run in runs]
        for system, runs in material.standing.items()
    }
    return Outputs([pair.source for pair in pairs], [pair.target for pair in pairs], translations)


def _lines(path: Path, expected: int) -> list[str]:
    try:
        with open_text(path) as file:
            lines = [line.removesuffix("\n") for line in file]
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from None
    if len(lines) != expected:
        raise CheckpointError(
            f"{path} has {len(lines):,} lines for {expected:,} sentences; evaluate that run again."
        )
    return lines


def settings_of(material: Material) -> dict[str, Settings]:
    """The settings of each system's first run."""
    return {
        system: read_config(runs[0].folder).settings for system, runs in material.standing.items()
    }
