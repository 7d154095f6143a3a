"""The journey of a language model: as a translation run's (`pipeline.py`), the target side alone.

corpus → tokenizer → batches → language model → training → perplexity

Corpus, tokenizer and batches are those of the translation runs with the same settings, so that
its perplexity a token stands beside theirs: what they gain is what the source tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from seq2seq import pipeline
from seq2seq.checkpoint import (
    LanguageConfig,
    load_language_model,
    read_language_config,
    write_json,
    write_language_config,
)
from seq2seq.config import LanguageSettings
from seq2seq.evaluation.perplexity import Perplexity, measure_perplexity
from seq2seq.learnt import require_same_text, warn_of_other_text
from seq2seq.model.encoder_decoder import parameter_count
from seq2seq.model.language_model import LanguageModel
from seq2seq.pipeline import Report
from seq2seq.text.corpus import load_corpus
from seq2seq.text.tokenizer import Tokenizer
from seq2seq.training.display import TrainingDisplay
from seq2seq.training.loop import Display, Trainer, require_machine


def train_language_run(
    settings: LanguageSettings,
    folder: Path,
    resume: bool,
    report: Report,
    display: Display | None = None,
) -> None:
    """Train a language model from text to its best weights.

    Args:
        settings: all of the run.
        folder: where it lies; made if absent.
        resume: go on with the run in `folder` where it stopped.
        report: receives one line a message.
        display: where to show the training; a bar of its own if absent.

    Raises:
        Seq2SeqError: any user's mistake on the way; the folder then holds the last good state.
        Interrupted: Ctrl-C; everything is saved.
    """
    require_machine(settings.training)
    with pipeline.training_in(folder, resume) as is_needed:
        if is_needed:
            _trainer(settings, folder, resume, report, display).run()


def _trainer(
    settings: LanguageSettings,
    folder: Path,
    resume: bool,
    report: Report,
    display: Display | None,
) -> Trainer[LanguageModel]:
    """All that training needs, ready to begin or to go on."""
    corpus = pipeline.prepare_corpus(settings.corpus, report)
    if resume:
        require_same_text(folder, read_language_config(folder).corpus, corpus)
    tokenizer = pipeline.tokenizer_of_run(
        corpus, settings.tokenizer, folder if resume else None, report
    )
    config = LanguageConfig(settings, tokenizer.target_vocabulary_size, corpus.fingerprint)
    torch.manual_seed(settings.training.seed)
    model = LanguageModel(settings.model, config.vocabulary)
    report(f"model: {parameter_count(model):,} parameters")
    train, validation = (
        pipeline.prepare_split(corpus, split, tokenizer, report)
        for split in ("train", "validation")
    )
    if not resume:
        tokenizer.save(folder)
        write_language_config(folder, config)
    pairs = corpus.splits["train"]
    trainer = Trainer(
        model,
        settings.training,
        train,
        validation,
        None,
        lambda row: f"“{pipeline.short(pairs[row].target)}”",
        folder,
        display or TrainingDisplay(),
        pipeline.batch_sampler(settings, pairs, tokenizer),
    )
    report(f"precision: {trainer.precision}")
    pipeline.report_warmup(trainer, report)
    if resume:
        trainer.resume()
    return trainer


def evaluate_language_run(folder: Path, report: Report) -> list[Perplexity]:
    """Perplexity of the best weights on every split but the training one; kept as scores.json."""
    config = read_language_config(folder)
    settings = config.settings
    corpus = load_corpus(settings.corpus, pipeline.DATA / "prepared", report)
    warn_of_other_text(folder, config.corpus, corpus, report)
    tokenizer, model = Tokenizer.load(folder), load_language_model(folder)
    found = [
        measure_perplexity(
            model,
            pipeline.prepare_split(corpus, split, tokenizer, report),
            pairs,
            split,
            settings.training.batch_tokens,
        )
        for split, pairs in corpus.splits.items()
        if split != "train"
    ]
    document = {one.split: {"corpus": corpus.fingerprint, **one.as_json()} for one in found}
    write_json(folder / "scores.json", document)
    return found


def settings_to_resume(
    folder: Path, wanted: LanguageSettings | None, machine: Mapping[str, str]
) -> LanguageSettings:
    """See `pipeline.settings_to_resume`."""
    return pipeline.going_on(folder, read_language_config(folder).settings, wanted, machine)
