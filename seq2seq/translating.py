"""From a run's weights to translations and their scores: the second half of the journey.

`pipeline.py` is the first: corpus → tokenizer → batches → model → training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from seq2seq.checkpoint import find_run, find_runs, lineage, load_model, read_config
from seq2seq.config import SearchSettings, fingerprint_text
from seq2seq.decoding import DEFAULT_OPTIONS, DecodingOptions
from seq2seq.errors import CheckpointError, ConfigError, CorpusError
from seq2seq.evaluation.conventions import Convention
from seq2seq.evaluation.evaluate import Evaluation, evaluate_split
from seq2seq.inference.ensemble import Ensemble
from seq2seq.inference.processes import SearchProcesses, require_processes
from seq2seq.inference.quantized import quantized
from seq2seq.inference.reranking import NoisyChannelReranker, SourceScorer
from seq2seq.inference.shortlist import (
    Shortlist,
    load_lexicon,
    require_shortlist,
    save_lexicon,
)
from seq2seq.inference.translator import Translator
from seq2seq.learnt import learnt_corpus, warn_of_other_text
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.pipeline import DATA, Report, prepare_split
from seq2seq.starting import warn_of_known
from seq2seq.text.corpus import Corpus, load_corpus
from seq2seq.text.lexicon import learn_lexicon
from seq2seq.text.readers import one_line
from seq2seq.text.tokenizer import Tokenizer


def load_translator(
    name: str,
    search: SearchSettings | None,
    report: Report,
    options: DecodingOptions = DEFAULT_OPTIONS,
) -> Translator:
    """A run's model with its tokenizer, ready to translate.

    Args:
        name: the run's.
        search: instead of the run's own.
        report: receives one line a message.
        options: all but `processes`.

    Raises:
        ConfigError: integers are asked of a run that uses a GPU; a shortlist out of range, or of
            an ensemble; runs that make no ensemble, or translate in the wrong direction.
    """
    folders = find_runs([name, *options.ensemble])
    folder = folders[0]
    config = read_config(folder)
    require_ensemble(folders)
    require_other_direction(folder, options.rerank_by, "--rerank-by")
    if options.shortlist is not None:
        require_shortlist(options.shortlist)  # before its lexicon is learnt
        if options.ensemble:
            raise ConfigError("--shortlist works with one run alone; leave it or --ensemble out.")
    if options.threads:
        torch.set_num_threads(options.threads)
    place = partial(_place, folder=folder, quantize=options.quantize)
    models = [place(member) for member in folders]
    tokenizer = Tokenizer.load(folder)
    settings = search or config.settings.search
    return Translator(
        Ensemble(models) if options.ensemble else models[0],
        tokenizer,
        settings,
        report=report,
        shortlist=None
        if options.shortlist is None
        else prepare_shortlist(folder, tokenizer, options.shortlist, report),
        reranker=_reranker(folder, options, settings),
    )


def _place(member: Path, folder: Path, quantize: bool) -> EncoderDecoder:
    """A run's model where `folder`'s works: on its GPU if it has one."""
    model = load_model(member)
    wanted = read_config(folder).settings.training.device
    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        if quantize:
            raise ConfigError(
                f"--quantize is for CPUs, and {folder.name} runs on this machine's GPU; leave it "
                "out, or hide the GPU with CUDA_VISIBLE_DEVICES=-1."
            )
        return model.cuda()
    return quantized(model) if quantize else model


def _reranker(
    folder: Path, options: DecodingOptions, search: SearchSettings
) -> NoisyChannelReranker | None:
    if not options.rerank_by:
        return None
    if search.beam_size == 1:
        raise ConfigError(
            "--rerank-by chooses from the beam, and a beam of 1 leaves no choice; "
            "give --beam-size 5."
        )
    scorers = [
        # Never in integers: those products are made for search, step by step.
        SourceScorer(run.name, _place(run, folder, quantize=False), Tokenizer.load(run))
        for run in find_runs(options.rerank_by)
    ]
    return NoisyChannelReranker(scorers, options.used_rerank_weight, search.length_penalty)


@contextmanager
def open_translator(
    name: str,
    search: SearchSettings | None,
    report: Report,
    options: DecodingOptions = DEFAULT_OPTIONS,
) -> Iterator[Translator]:
    """`load_translator`, searching in several processes of one thread each if asked to.

    They end with the block.

    Raises:
        ConfigError: as `load_translator`; fewer than one process, or several of them on a GPU or
            together with `threads`.
    """
    require_processes(options.processes)
    if options.processes > 1 and options.threads:
        raise ConfigError(
            "--processes have one thread each; leave --threads out, or --processes at 1."
        )
    translator = load_translator(name, search, report, options)
    if options.processes == 1:
        yield translator
        return
    if translator.device.type != "cpu":
        raise ConfigError(
            f"--processes is for CPUs, and {name} runs on this machine's GPU; leave it out, or "
            "hide the GPU with CUDA_VISIBLE_DEVICES=-1."
        )
    if options.rerank_by:  # what they find is reranked here, and the cores are theirs
        torch.set_num_threads(1)
    # The lexicon of a shortlist was learnt and kept just now, so that they only read it.
    theirs = replace(options, threads=1, rerank_by=(), rerank_weight=None)
    load = partial(load_translator, name, search, _silence, theirs)
    translator.processes = SearchProcesses(load, options.processes)
    try:
        yield translator
    finally:
        translator.processes.close()


def _silence(message: str) -> None:
    """What several processes would say several times, one has said."""


def require_ensemble(folders: Sequence[Path]) -> None:
    """Refuse runs that cannot translate together.

    Raises:
        ConfigError: another tokenizer or another direction than the first's.
    """
    require_one_direction(folders)
    require_one_tokenizer(folders)


def require_one_tokenizer(folders: Sequence[Path], otherwise: str = "") -> None:
    """Refuse runs that do not share the first one's subwords.

    Raises:
        ConfigError: another tokenizer; `otherwise` says what else can be done.
    """
    first, *others = folders
    fingerprint = Tokenizer.load(first).fingerprint if others else ""
    for other in others:
        if Tokenizer.load(other).fingerprint != fingerprint:
            raise ConfigError(
                f"{other.name} has another tokenizer than {first.name}; the runs of an ensemble "
                "need the same one: train them on one corpus with the same --tokenizer settings."
                f"{otherwise}"
            )


def require_one_direction(folders: Sequence[Path]) -> None:
    """Refuse runs that do not translate what the first of them translates.

    Raises:
        ConfigError: another direction than the first's.
    """
    first, *others = folders
    languages = _direction(first)
    for other in others:
        if _direction(other) != languages:
            raise ConfigError(
                f"{other.name} translates {_direction(other)} and {first.name} {languages}; "
                "runs that translate one text need one direction."
            )


def require_other_direction(folder: Path, backward: Sequence[str], option: str) -> None:
    """Refuse runs that do not translate back what the run in `folder` translates.

    Raises:
        ConfigError: a run of another direction; `option` is what named it.
    """
    settings = read_config(folder).settings.corpus
    for run in backward:
        back = read_config(find_run(run)).settings.corpus
        way = (back.source_language, back.target_language)
        if way != (settings.target_language, settings.source_language):
            raise ConfigError(
                f"{run} translates {way[0]} to {way[1]}; {option} needs runs that translate "
                f"{settings.target_language} to {settings.source_language}."
            )


def require_unseen(
    runs: Sequence[str],
    kept: Corpus,
    splits: Sequence[str],
    report: Report,
    turned: bool = False,
) -> None:
    """Refuse runs that have learnt pairs of these splits, or started from a run that has.

    A corpus without splits for validation and test is cut by its source sentences, and so elsewhere
    in each direction: what one direction keeps for the test, the other may have learnt. So may a
    run that learnt from a larger corpus.

    Args:
        runs: all of one direction.
        kept: the corpus whose splits are to be unknown to them.
        splits: of `kept`.
        report: receives one line a message.
        turned: the runs translate from the corpus' target language to its source language.

    Raises:
        ConfigError: how many they have learnt.
        CheckpointError: the text that a run learnt has changed since, or a run is gone.
        CorpusError: the text that a run learnt is no longer there.
    """
    pairs = {pair for split in splits for pair in kept.splits[split]}
    way = -1 if turned else 1
    for run in (before for name in runs for before in lineage(find_run(name))):
        learnt = learnt_corpus(run, DATA / "prepared", report)
        seen = sum(pair[::way] in pairs for pair in learnt.splits["train"])
        if seen:
            raise ConfigError(
                f"{run.name} learnt {seen:,} pairs of {' and '.join(splits)}, which it would know "
                "by heart. Where a corpus has no validation and test files of its own, each "
                "direction and each larger corpus keeps others: give it such files, and train "
                "again."
            )


def _direction(folder: Path) -> str:
    """The run's languages: en to de."""
    corpus = read_config(folder).settings.corpus
    return f"{corpus.source_language} to {corpus.target_language}"


def prepare_shortlist(
    folder: Path, tokenizer: Tokenizer, per_subword: int, report: Report
) -> Shortlist:
    """A run's shortlist; what it needs is learnt from the training pairs once and kept.

    Raises:
        CheckpointError: they have changed since the run learnt them.
        CorpusError: they are no longer there.
    """
    config = read_config(folder)
    path = folder / "lexicon.npz"
    text = config.corpus or fingerprint_text(config.settings.corpus)
    learnt_from = f"{tokenizer.fingerprint} {text}"
    lexicon = load_lexicon(path, learnt_from)
    sizes = (tokenizer.source_vocabulary_size, tokenizer.target_vocabulary_size)
    if lexicon is None:
        corpus = learnt_corpus(folder, DATA / "prepared", report)
        report("shortlist: learning from the training pairs which subwords translate which")
        lexicon = learn_lexicon(prepare_split(corpus, "train", tokenizer, report), *sizes)
        try:
            save_lexicon(path, lexicon, learnt_from)
        except CheckpointError as error:
            report(f"shortlist: learnt anew each time, because {one_line(error)}")
    return Shortlist(lexicon, per_subword, sizes[1], tokenizer.is_joint)


def _keeps_scores(folder: Path, options: DecodingOptions, report: Report) -> bool:
    """Whether scores will be the run's own and can be written; if not, why is said."""
    if not_its_own := options.unkept_options:
        report(f"{folder.name}: scores of {not_its_own} are shown, but not kept")
    elif not os.access(folder, os.W_OK):
        report(f"{folder.name}: its folder cannot be written: scores are shown, but not kept")
    else:
        return True
    return False


def evaluate_run(
    name: str,
    splits: Sequence[str],
    search: SearchSettings | None,
    report: Report,
    options: DecodingOptions = DEFAULT_OPTIONS,
    convention: Convention = "cased",
) -> list[Evaluation]:
    """Score a run on splits of its own corpus; translations and scores stay in its folder.

    Those of faster ways, and of those together with other runs, do not: what is kept is the
    model's own.
    """
    folder = find_run(name)
    config = read_config(folder)
    settings = config.settings.corpus
    corpus = load_corpus(settings, DATA / "prepared", report)
    warn_of_other_text(folder, config.corpus, corpus, report)
    for split in splits:
        if split not in corpus.splits:
            raise CorpusError(
                f"The corpus has no split {split!r}; it has {', '.join(corpus.splits)}."
            )
    require_unseen(options.rerank_by, corpus, splits, report, turned=True)
    for member in find_runs(options.ensemble):
        if read_config(member).corpus != corpus.fingerprint:
            warn_of_known(member, corpus, DATA / "prepared", report)
    evaluations = []
    with open_translator(name, search, report, options) as translator:
        keeps = _keeps_scores(folder, options, report)
        for split in splits:
            pairs = corpus.splits[split]
            report(f"{folder.name}: translating {len(pairs):,} sentences of {split}")
            evaluation, _ = evaluate_split(
                translator,
                pairs,
                split,
                corpus.fingerprint,
                folder if keeps else None,
                convention=convention,
                language=settings.target_language,
            )
            evaluations.append(evaluation)
    return evaluations
