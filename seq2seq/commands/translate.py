"""`seq2seq translate`: standard input to standard output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from seq2seq.commands.arguments import decoding_options, parse, run_search, say
from seq2seq.errors import ConfigError

if TYPE_CHECKING:
    from seq2seq.inference.translator import Translation, Translator

LINES_AT_ONCE = 500


@dataclass(frozen=True)
class Translate:
    """Translate standard input to standard output, one line in, one line out."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder under checkpoints/, or a path."""
    ensemble: tuple[str, ...] = ()
    """Other runs that translate together with this one: the mean of their probabilities."""
    beam_size: int | None = None
    """Hypotheses kept; the run's own setting if absent; 1 is greedy."""
    length_penalty: float | None = None
    """Exponent of the length normalisation; the run's own setting if absent."""
    n_best: int = 1
    """Translations a sentence; above 1 each line reads `number ||| translation ||| score`."""
    attention: Path | None = None
    """Draw the first sentence's attention map into this PNG or SVG file."""
    threads: int | None = None
    """CPU threads; the default leaves the choice to torch."""
    processes: int = 1
    """Translate in so many processes of one thread each: faster for many sentences on a CPU."""
    quantize: bool = False
    """Multiply in 8-bit integers: faster on a CPU, at a small cost in BLEU."""
    shortlist: int | None = None
    """Choose from so many likeliest translations of each source subword, and the most frequent
    ones, instead of the whole vocabulary: faster; 50 is a good number."""
    rerank_by: tuple[str, ...] = ()
    """Runs of the other direction: of the beam's hypotheses the one wins whose source they find
    likely, too (noisy-channel reranking). It takes as long again as a search in float32."""
    rerank_weight: float | None = None
    """How much their score counts beside the run's own; 0.3 if absent."""


def run(arguments: list[str]) -> int:
    """Translate line by line."""
    chosen = parse(Translate, "translate", arguments)
    from seq2seq import translating

    search = run_search(chosen.run, chosen.beam_size, chosen.length_penalty)
    options = decoding_options(chosen)
    if chosen.attention:
        from seq2seq.report.plots import require_format

        require_format(chosen.attention)
    with translating.open_translator(chosen.run, search, say, options) as translator:
        _translate(translator, chosen)
    return 0


def _translate(translator: Translator, chosen: Translate) -> None:
    # A person who types wants each answer at once; a file goes faster in large batches.
    at_once = 1 if sys.stdin.isatty() else LINES_AT_ONCE
    ahead = 0 if at_once == 1 or chosen.processes == 1 else chosen.processes
    draws = chosen.attention is not None
    lines = translator.translate_lines(sys.stdin.buffer, chosen.n_best, draws, at_once, ahead)
    failure: ConfigError | None = ConfigError("There is no attention to draw: no sentence came in.")
    for number, translation in enumerate(lines):
        _print_translation(number, translation, chosen.n_best)
        if number == 0 and chosen.attention:
            failure = _draw_attention(translation, chosen.attention)
    sys.stdout.flush()
    if chosen.attention and failure is not None:  # last: the translations are what was asked for
        raise failure


def _print_translation(number: int, translation: Translation, n_best: int) -> None:
    if n_best == 1:
        print(translation.text)
    else:
        for candidate in translation.candidates:
            print(f"{number} ||| {candidate.text} ||| {candidate.score:.4f}")
    if sys.stdin.isatty():
        sys.stdout.flush()


def _draw_attention(translation: Translation, path: Path) -> ConfigError | None:
    """Why it could not be drawn, if it could not."""
    from seq2seq.report.plots import attention_map

    if translation.weights is None:
        return ConfigError(
            "There is no attention to draw: the first sentence is empty, or the run has none."
        )
    source, target = translation.source_pieces, translation.target_pieces
    try:
        attention_map(source, target, translation.weights.numpy(), path)
    except ConfigError as error:
        return error
    say(f"The attention map of the first sentence lies in {path}.")
    return None
