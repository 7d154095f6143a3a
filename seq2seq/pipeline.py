"""The whole journey of one run, one function a stage; `comparison.py` sends several on it.

corpus → tokenizer → batches → model → training → search → scores
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from seq2seq.checkpoint import (
    RunConfig,
    build_model,
    find_run,
    load_model,
    read_config,
    write_config,
)
from seq2seq.config import (
    CorpusSettings,
    LanguageSettings,
    SearchSettings,
    Settings,
    SettingsT,
    TokenizerSettings,
    fingerprint_text,
)
from seq2seq.errors import CheckpointError, ConfigError, CorpusError
from seq2seq.evaluation.conventions import Convention
from seq2seq.evaluation.evaluate import Evaluation, evaluate_split
from seq2seq.evaluation.scores import bleu
from seq2seq.inference.ensemble import Ensemble
from seq2seq.inference.processes import SearchProcesses, require_processes
from seq2seq.inference.quantized import quantized
from seq2seq.inference.shortlist import Shortlist, load_lexicon, save_lexicon
from seq2seq.inference.translator import Translator
from seq2seq.model.encoder_decoder import EncoderDecoder, parameter_count
from seq2seq.text.batches import TokenizedSplit, padding_share, tokenize_split
from seq2seq.text.corpus import Corpus, load_corpus
from seq2seq.text.lexicon import learn_lexicon
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.subword_sampling import SubwordSampler
from seq2seq.text.tokenizer import Tokenizer, train_tokenizer
from seq2seq.training.display import TrainingDisplay
from seq2seq.training.history import History
from seq2seq.training.loop import Display, Trainer

DATA = Path("data")
Report = Callable[[str], None]


def prepare_corpus(settings: CorpusSettings, report: Report) -> Corpus:
    """Read, clean and split the sentence pairs, and say what became of them."""
    corpus = load_corpus(settings, DATA / "prepared", report)
    for line in corpus.summary():
        report(line)
    return corpus


def prepare_tokenizer(corpus: Corpus, settings: TokenizerSettings, report: Report) -> Tokenizer:
    """Learn subwords from the training pairs, or take those learnt before from the same text."""
    name = hashlib.sha256((corpus.fingerprint + fingerprint_text(settings)).encode()).hexdigest()
    folder = DATA / "tokenizers" / name[:16]
    if any(folder.glob("*.model")):
        return Tokenizer.load(folder)
    tokenizer = train_tokenizer(settings, corpus.splits["train"], report)
    tokenizer.save(folder)
    return tokenizer


def tokenizer_of_run(
    corpus: Corpus, settings: TokenizerSettings, folder: Path, resume: bool, report: Report
) -> Tokenizer:
    """The subwords that a run began with, if it goes on; else those that it is to begin with."""
    return Tokenizer.load(folder) if resume else prepare_tokenizer(corpus, settings, report)


def prepare_split(
    corpus: Corpus, split: str, tokenizer: Tokenizer, report: Report
) -> TokenizedSplit:
    """The tokens of one split, made once and kept on the disk."""
    return tokenize_split(corpus.splits[split], tokenizer, DATA / "tokenized", report)


def validation_scorer(
    pairs: PairFiles, tokenizer: Tokenizer, search: SearchSettings, report: Report
) -> Callable[[EncoderDecoder], float]:
    """A function from a model to its greedy BLEU on these pairs, 0 to 100."""
    greedy = SearchSettings(beam_size=1, max_length_factor=search.max_length_factor)
    sources = [pair.source for pair in pairs]
    references = [pair.target for pair in pairs]

    def score(model: EncoderDecoder) -> float:
        translations = Translator(model, tokenizer, greedy, report).translate(sources)
        return bleu([translation.text for translation in translations], references)

    return score


def train_run(
    settings: Settings,
    folder: Path,
    resume: bool,
    report: Report,
    display: Display | None = None,
) -> None:
    """Train one run from text to its best weights.

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
    corpus = prepare_corpus(settings.corpus, report)
    if resume:
        require_same_text(folder, read_config(folder).corpus, corpus)
    tokenizer = tokenizer_of_run(corpus, settings.tokenizer, folder, resume, report)
    train = prepare_split(corpus, "train", tokenizer, report)
    validation = prepare_split(corpus, "validation", tokenizer, report)
    _report_batches(settings, train, report)
    config = RunConfig(
        settings,
        tokenizer.source_vocabulary_size,
        tokenizer.target_vocabulary_size,
        corpus.fingerprint,
    )
    torch.manual_seed(settings.training.seed)
    model = build_model(config)
    report(f"model: {parameter_count(model):,} parameters")
    if not resume:
        tokenizer.save(folder)
        write_config(folder, config)
    pairs = corpus.splits["train"]
    trainer = Trainer(
        model,
        settings.training,
        train,
        validation,
        validation_scorer(corpus.splits["validation"], tokenizer, settings.search, report),
        lambda row: f"“{short(pairs[row].source)}” → “{short(pairs[row].target)}”",
        folder,
        display or TrainingDisplay(),
        batch_sampler(settings, pairs, tokenizer),
    )
    report(f"precision: {trainer.precision}")
    if resume and (folder / "training_state.pt").is_file():
        trainer.resume()
    trainer.run()


def batch_sampler(
    settings: Settings | LanguageSettings, pairs: PairFiles, tokenizer: Tokenizer
) -> SubwordSampler | None:
    """What cuts training sentences anew at every visit, if the settings ask for it."""
    alpha = settings.training.subword_sampling
    if alpha is None:
        return None
    segmenters = tokenizer.segmenters(settings.tokenizer.kind, alpha)
    return SubwordSampler(pairs, segmenters, settings.training.seed)


def _report_batches(settings: Settings, train: TokenizedSplit, report: Report) -> None:
    training = settings.training
    share = padding_share(train, training.batch_tokens, training.seed, epoch=0)
    report(
        f"batches: about {training.batch_tokens:,} target tokens each; padding is "
        f"{100 * share.source:.1f}% of the source and {100 * share.target:.1f}% of the target"
    )


def short(text: str, length: int = 80) -> str:
    """The beginning of a text, for messages."""
    return text if len(text) <= length else text[: length - 1] + "…"


def load_translator(
    name: str,
    search: SearchSettings | None,
    report: Report,
    threads: int | None = None,
    quantize: bool = False,
    shortlist: int | None = None,
    ensemble: Sequence[str] = (),
) -> Translator:
    """A run's model with its tokenizer, ready to translate.

    Args:
        name: the run's.
        search: instead of the run's own.
        report: receives one line a message.
        threads: of the CPU; torch's choice if absent.
        quantize: translate in 8-bit integers, on the CPU.
        shortlist: likeliest translations of each source subword to choose from; all if absent.
        ensemble: other runs that translate together with this one.

    Raises:
        ConfigError: integers are asked of a run that uses a GPU; a shortlist out of range, or of
            an ensemble; runs that make no ensemble.
    """
    folder = find_run(name)
    config = read_config(folder)
    folders = [folder, *(find_run(other) for other in ensemble)]
    require_ensemble(folders)
    if shortlist is not None and ensemble:
        raise ConfigError("--shortlist works with one run alone; leave it or --ensemble out.")
    if threads:
        torch.set_num_threads(threads)
    models = [load_model(member) for member in folders]
    on_gpu = config.settings.training.device in ("auto", "cuda") and torch.cuda.is_available()
    if on_gpu and quantize:
        raise ConfigError(
            f"--quantize is for CPUs, and {folder.name} runs on this machine's GPU; leave it out, "
            "or hide the GPU with CUDA_VISIBLE_DEVICES=-1."
        )
    if on_gpu:
        models = [model.cuda() for model in models]
    if quantize:
        models = [quantized(model) for model in models]
    tokenizer = Tokenizer.load(folder)
    return Translator(
        Ensemble(models) if ensemble else models[0],
        tokenizer,
        search or config.settings.search,
        report=report,
        shortlist=None
        if shortlist is None
        else prepare_shortlist(folder, tokenizer, shortlist, report),
    )


@contextmanager
def open_translator(
    name: str,
    search: SearchSettings | None,
    report: Report,
    threads: int | None = None,
    quantize: bool = False,
    shortlist: int | None = None,
    ensemble: Sequence[str] = (),
    processes: int = 1,
) -> Iterator[Translator]:
    """`load_translator`, searching in several processes of one thread each if asked to.

    They end with the block.

    Raises:
        ConfigError: as `load_translator`; fewer than one process, or several of them on a GPU or
            together with `threads`.
    """
    require_processes(processes)
    if processes > 1 and threads:
        raise ConfigError(
            "--processes have one thread each; leave --threads out, or --processes at 1."
        )
    translator = load_translator(name, search, report, threads, quantize, shortlist, ensemble)
    if processes == 1:
        yield translator
        return
    if translator.device.type != "cpu":
        raise ConfigError(
            f"--processes is for CPUs, and {name} runs on this machine's GPU; leave it out, or "
            "hide the GPU with CUDA_VISIBLE_DEVICES=-1."
        )
    # The lexicon of a shortlist was learnt and kept just now, so that they only read it.
    load = partial(load_translator, name, search, _silence, 1, quantize, shortlist, ensemble)
    translator.processes = SearchProcesses(load, processes)
    try:
        yield translator
    finally:
        translator.processes.close()


def _silence(message: str) -> None:
    """What several processes would say several times, one has said."""


def require_ensemble(folders: Sequence[Path]) -> None:
    """Refuse runs that cannot translate together.

    Raises:
        ConfigError: a run named twice, another tokenizer or another direction than the first's.
    """
    first, *others = folders
    languages = _direction(first)
    fingerprint = Tokenizer.load(first).fingerprint if others else ""
    for place, other in enumerate(others, 1):
        if other.resolve() in [folder.resolve() for folder in folders[:place]]:
            rest = " ".join(dict.fromkeys(folder.name for folder in others if folder != first))
            raise ConfigError(
                f"{other.name} is named twice; name the other runs alone: "
                f"{first.name} --ensemble {rest or 'RUN'}."
            )
        if _direction(other) != languages:
            raise ConfigError(
                f"{other.name} translates {_direction(other)} and {first.name} {languages}; "
                "an ensemble needs one direction."
            )
        if Tokenizer.load(other).fingerprint != fingerprint:
            raise ConfigError(
                f"{other.name} has another tokenizer than {first.name}; the runs of an ensemble "
                "need the same one: train them on one corpus with the same --tokenizer settings."
            )


def _direction(folder: Path) -> str:
    """The run's languages: en to de."""
    corpus = read_config(folder).settings.corpus
    return f"{corpus.source_language} to {corpus.target_language}"


def prepare_shortlist(
    folder: Path, tokenizer: Tokenizer, per_subword: int, report: Report
) -> Shortlist:
    """A run's shortlist; what it needs is learnt from the training pairs once and kept."""
    settings = read_config(folder).settings.corpus
    path = folder / "lexicon.npz"
    # Subwords are learnt from the training text, so that other text has another tokenizer.
    learnt_from = f"{tokenizer.fingerprint} {fingerprint_text(settings)}"
    lexicon = load_lexicon(path, learnt_from)
    sizes = (tokenizer.source_vocabulary_size, tokenizer.target_vocabulary_size)
    if lexicon is None:
        corpus = load_corpus(settings, DATA / "prepared", report)
        report("shortlist: learning from the training pairs which subwords translate which")
        lexicon = learn_lexicon(prepare_split(corpus, "train", tokenizer, report), *sizes)
        save_lexicon(path, lexicon, learnt_from)
    return Shortlist(lexicon, per_subword, sizes[1], tokenizer.is_joint)


def evaluate_run(
    name: str,
    splits: Sequence[str],
    search: SearchSettings | None,
    report: Report,
    quantize: bool = False,
    shortlist: int | None = None,
    convention: Convention = "cased",
    ensemble: Sequence[str] = (),
    processes: int = 1,
) -> list[Evaluation]:
    """Score a run on splits of its own corpus; translations and scores stay in its folder.

    Those of the faster ways, `quantize` and `shortlist`, and of an `ensemble` with other runs do
    not: what is kept is the model's own.
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
    faster = quantize or shortlist is not None
    evaluations = []
    how = (None, quantize, shortlist, ensemble, processes)
    with open_translator(name, search, report, *how) as translator:
        if faster:
            report(f"{folder.name}: scores of --quantize and --shortlist are shown, but not kept")
        if ensemble:
            report(f"{folder.name}: scores of an ensemble are shown, but not kept")
        for split in splits:
            pairs = corpus.splits[split]
            report(f"{folder.name}: translating {len(pairs):,} sentences of {split}")
            evaluation, _ = evaluate_split(
                translator,
                pairs,
                split,
                corpus.fingerprint,
                None if faster or ensemble else folder,
                convention=convention,
                language=settings.target_language,
            )
            evaluations.append(evaluation)
    return evaluations


def is_finished(folder: Path) -> bool:
    """Whether the run's training came to its end."""
    return History(folder).finished() is not None


def settings_to_resume(
    folder: Path, wanted: Settings | None, machine: Mapping[str, str]
) -> Settings:
    """The settings of the run in `folder`, which must be those wanted, if any were named.

    Args:
        folder: the run's.
        wanted: all settings as the command names them; None if it names none.
        machine: of `training.device` and `training.precision` those that the command names: a run
            that was begun with `auto` may go on with them.

    Raises:
        CheckpointError: there is no such run, or it was trained with other settings.
    """
    return going_on(folder, read_config(folder).settings, wanted, machine)


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


def warn_of_other_text(folder: Path, kept: str | None, corpus: Corpus, report: Report) -> None:
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


def going_on(
    folder: Path, kept: SettingsT, wanted: SettingsT | None, machine: Mapping[str, str]
) -> SettingsT:
    """The settings under which a run goes on: see `settings_to_resume`.

    Raises:
        CheckpointError: they differ from its own, and in what.
    """
    free = {name: value for name, value in machine.items() if vars(kept.training)[name] == "auto"}
    settings = _with_training(kept, free)
    wanted = _with_training(wanted or kept, machine)
    if wanted != settings:
        raise CheckpointError(
            f"{folder} goes on with its own settings, but {first_difference(settings, wanted)}; "
            "leave that out, or start another run with --run NAME."
        )
    return settings


def _with_training(settings: SettingsT, values: Mapping[str, str]) -> SettingsT:
    training = dataclasses.replace(settings.training, **values)  # type: ignore[arg-type]
    return dataclasses.replace(settings, training=training)


def first_difference(one: SettingsT, other: SettingsT) -> str:
    """The first setting in which two runs differ, in words; empty if they are equal."""
    for group, settings in vars(one).items():
        mine, theirs = vars(settings), vars(getattr(other, group))
        for name, value in mine.items():
            if theirs[name] != value:
                return f"{group}.{name} is {value} there and {theirs[name]} here"
    return ""
