"""The journey of one run to its trained weights, one function a stage.

corpus → tokenizer → batches → model → training; `translating.py` goes on to translations and
scores, and `comparison.py` sends several runs the whole way.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from seq2seq.checkpoint import (
    RunConfig,
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
from seq2seq.errors import CheckpointError, TokenizerError
from seq2seq.evaluation.scores import bleu
from seq2seq.inference.translator import Translator
from seq2seq.learnt import require_same_text
from seq2seq.model.encoder_decoder import EncoderDecoder, parameter_count
from seq2seq.starting import find_start, first_model, warn_of_known
from seq2seq.text.batches import TokenizedSplit, padding_share, tokenize_split
from seq2seq.text.corpus import Corpus, load_corpus
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.subword_sampling import SubwordSampler
from seq2seq.text.tokenizer import Tokenizer, train_tokenizer
from seq2seq.text.unfinished import (
    put_in_place,
    remove_abandoned,
    sole_user,
    unfinished_folder,
)
from seq2seq.training.display import TrainingDisplay
from seq2seq.training.history import History
from seq2seq.training.loop import Display, Trainer, require_machine

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
    home = DATA / "tokenizers" / name[:16]
    if home.exists():
        try:
            return Tokenizer.load(home)
        except TokenizerError as error:
            report(f"subwords: learnt anew, because those kept are damaged: {error}")
            shutil.rmtree(home, ignore_errors=True)
    tokenizer = train_tokenizer(settings, corpus.splits["train"], report)
    try:
        remove_abandoned(home.parent)
        with unfinished_folder(home) as unfinished:
            tokenizer.save(unfinished)
            put_in_place(unfinished, home)
    except OSError as error:
        raise TokenizerError(
            f"Cannot keep the subwords in {home}: {error.strerror}. Check free space and "
            "permissions there."
        ) from None
    return tokenizer


def tokenizer_of_run(
    corpus: Corpus, settings: TokenizerSettings, kept: Path | None, report: Report
) -> Tokenizer:
    """The subwords of the run that goes on or is started from, if there is one; else its own."""
    return Tokenizer.load(kept) if kept else prepare_tokenizer(corpus, settings, report)


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
    require_machine(settings.training)
    with training_in(folder, resume) as is_needed:
        if is_needed:
            _trainer(settings, folder, resume, report, display).run()


@contextmanager
def training_in(folder: Path, resume: bool) -> Iterator[bool]:
    """Have a run's folder for one training alone: of two, each would overwrite the other's weights.

    Yields:
        Whether there is anything to train; not so where another process has just finished it.

    Raises:
        CheckpointError: another process trains there, or a new run's folder holds one already.
    """
    with ExitStack() as stack:
        is_made, is_ours = _occupy(folder, stack)
        if not is_ours:
            raise CheckpointError(
                f"{folder} is being trained by another process; let it end, or give another "
                "--run NAME."
            )
        if not resume and (folder / "config.json").exists():
            raise CheckpointError(
                f"{folder} exists already; go on with it by --resume, or give another --run NAME."
            )
        try:
            yield not (resume and is_finished(folder))
        finally:
            if is_made:
                with suppress(OSError):  # it holds something, unless training was refused at once
                    folder.rmdir()


def _occupy(folder: Path, stack: ExitStack) -> tuple[bool, bool]:
    """Whether a folder had to be made, and whether it is ours alone until the stack ends."""
    while True:
        is_made = not folder.is_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{folder} cannot be made: {error.strerror}.") from None
        with suppress(FileNotFoundError):  # another process made it, and has just removed it
            return is_made, stack.enter_context(sole_user(folder))


def _trainer(
    settings: Settings, folder: Path, resume: bool, report: Report, display: Display | None
) -> Trainer[EncoderDecoder]:
    """All that training needs, ready to begin or to go on."""
    goes_on = resume and (folder / "training_state.pt").is_file()
    start = None if goes_on else find_start(settings)
    corpus = prepare_corpus(settings.corpus, report)
    if resume:
        require_same_text(folder, read_config(folder).corpus, corpus)
    tokenizer = tokenizer_of_run(corpus, settings.tokenizer, folder if resume else start, report)
    train = prepare_split(corpus, "train", tokenizer, report)
    validation = prepare_split(corpus, "validation", tokenizer, report)
    _report_batches(settings, train, report)
    config = RunConfig(
        settings,
        tokenizer.source_vocabulary_size,
        tokenizer.target_vocabulary_size,
        corpus.fingerprint,
    )
    model = _first_model(config, start, report)
    if start:
        warn_of_known(start, corpus, DATA / "prepared", report)
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
    report_warmup(trainer, report)
    if resume:
        trainer.resume()
    return trainer


def report_warmup(trainer: Trainer[Any], report: Report) -> None:
    """Say where the budget is too short for the warm-up asked for."""
    wanted, warmup = trainer.settings.warmup_updates, trainer.warmup_updates
    if warmup < wanted:
        report(
            f"warm-up: {warmup:,} updates, a quarter of the budget, instead of "
            f"training.warmup_updates {wanted:,}"
        )


def _first_model(config: RunConfig, start: Path | None, report: Report) -> EncoderDecoder:
    """The run's model as it is before its first update."""
    model = first_model(config, start)
    report(f"model: {parameter_count(model):,} parameters")
    if start:
        learnt = read_config(start).settings.corpus
        report(
            f"start: weights and subwords of {start.name}, which translates "
            f"{learnt.source_language} to {learnt.target_language}"
        )
    return model


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
