"""`seq2seq language-model`: train a model of the target language alone."""

from __future__ import annotations

from dataclasses import dataclass

from seq2seq.commands.arguments import (
    machine_choices,
    names_settings,
    parse_settings,
    run_folder,
    run_name,
    say,
)
from seq2seq.config import LanguageSettings, Settings, language_settings


@dataclass(frozen=True)
class TrainLanguageModel(LanguageSettings):
    """Train a language model on the target side: seq2seq language-model [PRESET] [OPTIONS].

    Presets, corpora and tokenizers are those of `seq2seq train`, so that perplexities a token can
    be set beside those of translation runs. Prints nats and perplexity, a token and a word, of
    all splits but the training one, and keeps them in the run's scores.json.
    """

    run: str | None = None
    """Name of the run's folder under checkpoints/, or a path; by default made of corpus, languages
    and seed."""
    resume: bool = False
    """Go on with a run that was stopped; its own settings apply. One that was begun with `auto` may
    be given --training.device and --training.precision."""


def run(arguments: list[str]) -> int:
    """Train, or go on, and measure."""
    chosen = parse_settings(TrainLanguageModel, "language-model", arguments, _default)
    settings = LanguageSettings(chosen.corpus, chosen.tokenizer, chosen.model, chosen.training)
    name = chosen.run or run_name(settings, "language-model")
    folder = run_folder(name)
    from seq2seq import language, pipeline
    from seq2seq.report.tables import perplexity_text
    from seq2seq.training.loop import Interrupted

    if chosen.resume:
        named = names_settings(arguments)
        machine = machine_choices(settings.training, arguments)
        settings = language.settings_to_resume(folder, settings if named else None, machine)
    if not (chosen.resume and pipeline.is_finished(folder)):
        try:
            language.train_language_run(settings, folder, chosen.resume, say)
        except Interrupted as stop:
            say(
                f"Saved at update {stop.update:,}. Go on with: "
                f"seq2seq language-model --run {name} --resume"
            )
            return 130
    found = language.evaluate_language_run(folder, say)
    print(perplexity_text(folder.name, {one.split: one.as_json() for one in found}))
    say(f"The run lies in {folder}. Write text with: seq2seq generate {name}")
    return 0


def _default(base: Settings) -> TrainLanguageModel:
    """The command with a preset's values."""
    values = language_settings(base)
    return TrainLanguageModel(values.corpus, values.tokenizer, values.model, values.training)
