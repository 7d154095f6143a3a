"""`seq2seq inspect`: what a sentence does inside a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from seq2seq.commands.arguments import parse, run_search, say
from seq2seq.errors import ConfigError

if TYPE_CHECKING:
    from seq2seq.inference.inspection import Inspection

Part = Literal["encoder", "decoder", "attention"]


@dataclass(frozen=True)
class Inspect:
    """Draw what a sentence does inside a run: gates, states, attention, alternatives."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder under checkpoints/, or a path."""
    source: str
    """The sentence, in the run's source language."""
    show: tuple[Part, ...] = ()
    """Parts to show; all that the run has if absent."""
    n_best: int | None = None
    """Alternative translations; as many as the beam is wide, at most 5, if absent."""
    beam_size: int | None = None
    """Hypotheses kept; the run's own setting if absent; 1 is greedy."""
    length_penalty: float | None = None
    """Exponent of the length normalisation; the run's own setting if absent."""
    out: Path | None = None
    """Folder for inspection.png and inspection.json, which are replaced if they are there; the
    folder `inspect` in the run's own if absent."""


def run(arguments: list[str]) -> int:
    """Translate the sentence, follow the cells, draw and write."""
    chosen = parse(Inspect, "inspect", arguments)
    from seq2seq.checkpoint import find_run, load_model, read_config, write_json
    from seq2seq.inference.inspection import inspect_sentence, inspection_document
    from seq2seq.report.gate_plots import draw_inspection
    from seq2seq.text.tokenizer import Tokenizer

    folder = find_run(chosen.run)
    search = run_search(chosen.run, chosen.beam_size, chosen.length_penalty)
    n_best = min(5, search.beam_size) if chosen.n_best is None else chosen.n_best
    model = load_model(folder)
    inspection = inspect_sentence(model, Tokenizer.load(folder), chosen.source, search, n_best)
    inspection = _only(inspection, chosen.show, folder)
    out = folder / "inspect" if chosen.out is None else chosen.out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out} cannot be made a folder: {error.strerror}.") from None
    draw_inspection(inspection, out / "inspection.png")
    about = {"run": folder.name, "cell": read_config(folder).settings.model.cell}
    write_json(out / "inspection.json", about | inspection_document(inspection), indent=None)
    for number, one in enumerate(inspection.alternatives, 1):
        print(f"{number} ||| {one.text} ||| {one.score:.4f}")
    say(f"The picture lies in {out / 'inspection.png'}, its numbers in {out / 'inspection.json'}.")
    return 0


def _only(inspection: Inspection, show: tuple[Part, ...], folder: Path) -> Inspection:
    """The parts asked for."""
    if "attention" in show and inspection.attention is None:
        raise ConfigError(
            f"{folder} reads one context vector and has no attention to show; "
            "leave attention out of --show."
        )
    if not show:
        return inspection
    return inspection._replace(
        cells=[trace for trace in inspection.cells if trace.part in show],
        attention=inspection.attention if "attention" in show else None,
    )
