"""Sentences to subword ids and back: SentencePiece, and the only file that imports it.

Text is not normalised here and no character is ever unknown: what has no subword of its own is
spelt in UTF-8 bytes. So `decode_target(encode_target(text))` gives the text back, with two
exceptions: U+2581 (▁), which SentencePiece keeps for itself, comes back as a space, and line breaks
of any kind come back as spaces, because a translation is one line.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal

import sentencepiece

from seq2seq.config import TokenizerSettings
from seq2seq.errors import CorpusError, TokenizerError
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.segmentation import (
    BPESegmenter,
    RandomSegmenter,
    Subwords,
    UnigramSegmenter,
)

PADDING, BEGIN, END, UNKNOWN = 0, 1, 2, 3

# Unigram training keeps about 20 bytes a character: 2.4 GB and 40 seconds on two cores for this
# many sentences of 120 characters. More of them hardly change the subwords.
TRAINING_SENTENCES = 1_000_000
# The result depends on this number, so it is fixed instead of taken from the machine.
TRAINING_THREADS = 16
ENCODING_THREADS = 2
_SENTENCES_WORTH_A_THREAD = 1000

PART_OF_CHARACTER = "·"  # labels a byte after the first one of its character

_JOINT_FILE = "tokenizer.model"
_SIDE_FILES = ("tokenizer.source.model", "tokenizer.target.model")
# Whatever `str.splitlines` breaks at; bytes can spell any of them.
_LINE_BREAKS_TO_SPACES = dict.fromkeys(map(ord, "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
# SentencePiece skips training sentences with its own sign for the unknown.
_RESERVED = "▅".encode()

sentencepiece.set_min_log_level(2)  # errors reach us as exceptions; its log is not for our users


class Tokenizer:
    """Subwords of both languages, from one joint model or from one model a side.

    Kudo and Richardson 2018, "SentencePiece: A simple and language independent subword tokenizer
    and detokenizer for Neural Text Processing".
    """

    def __init__(self, source_model: bytes, target_model: bytes | None = None) -> None:
        """Read trained models; without `target_model`, the first one serves both sides.

        Raises:
            TokenizerError: not a SentencePiece model, or one with other special ids.
        """
        self._models = (source_model,) if target_model is None else (source_model, target_model)
        self._source = _processor(source_model, "The source model")
        self._target = (
            self._source if target_model is None else _processor(target_model, "The target model")
        )

    @property
    def is_joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return len(self._models) == 1

    @property
    def source_vocabulary_size(self) -> int:
        """Ids on the source side, the special ones and the 256 bytes included."""
        return int(self._source.get_piece_size())

    @property
    def target_vocabulary_size(self) -> int:
        """Ids on the target side, the special ones and the 256 bytes included."""
        return int(self._target.get_piece_size())

    @property
    def fingerprint(self) -> str:
        """A name of the content: two tokenizers that share it encode alike."""
        parts = [hashlib.sha256(model).digest() for model in self._models]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def encode_source(self, sentences: Sequence[str]) -> list[list[int]]:
        """Ids of each sentence; no special id is added, and none occurs."""
        return _encode(self._source, sentences)

    def encode_target(self, sentences: Sequence[str]) -> list[list[int]]:
        """Ids of each sentence; no special id is added, and none occurs."""
        return _encode(self._target, sentences)

    def segmenters(
        self, kind: Literal["unigram", "bpe"], alpha: float
    ) -> tuple[RandomSegmenter, RandomSegmenter]:
        """What draws other cuts of the source's and of the target's sentences.

        Args:
            kind: as the tokenizer was trained; it does not say so itself.
            alpha: unigram draws a cut with its probability to the power of α; bpe leaves this
                share of merges out.
        """
        segmenter = {"unigram": UnigramSegmenter, "bpe": BPESegmenter}[kind]
        source = segmenter(_subwords(self._source), alpha)
        return source, source if self.is_joint else segmenter(_subwords(self._target), alpha)

    def decode_target(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """Plain text of each row of ids: special ids dropped, always one line."""
        words = [[int(token) for token in row if token > UNKNOWN] for row in tokens]
        return [text.translate(_LINE_BREAKS_TO_SPACES) for text in self._target.decode(words)]

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id, ▁ marking the start of a word."""
        return _labels(self._source, ids)

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id, ▁ marking the start of a word."""
        return _labels(self._target, ids)

    def save(self, folder: Path) -> None:
        """Write `tokenizer.model`, or `tokenizer.source.model` and `tokenizer.target.model`.

        Raises:
            TokenizerError: the folder cannot be written.
        """
        names = (_JOINT_FILE,) if self.is_joint else _SIDE_FILES
        others = _SIDE_FILES if self.is_joint else (_JOINT_FILE,)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, model in zip(names, self._models, strict=True):
                unfinished = folder / f"{name}.unfinished"
                unfinished.write_bytes(model)
                unfinished.replace(folder / name)
            for name in others:  # of an earlier tokenizer of the other kind
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise TokenizerError(
                f"Cannot write the tokenizer into {folder}: {error.strerror}. "
                "Free some space or choose a folder you may write to."
            ) from None

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            TokenizerError: a file is missing, damaged or was not made here.
        """
        names = (_JOINT_FILE,) if (folder / _JOINT_FILE).exists() else _SIDE_FILES
        models = []
        for name in names:
            path = folder / name
            try:
                models.append(path.read_bytes())
                _processor(models[-1], str(path))
            except FileNotFoundError:
                raise TokenizerError(
                    f"There is no tokenizer in {folder}: neither {_JOINT_FILE} nor {name}. "
                    "Name the folder of a trained run."
                ) from None
            except OSError as error:
                raise TokenizerError(
                    f"Cannot read {path}: {error.strerror}. Check the file and its permissions."
                ) from None
        return cls(*models)


def train_tokenizer(
    settings: TokenizerSettings, split: PairFiles, report: Callable[[str], None]
) -> Tokenizer:
    """Learn the subwords of a split from its text files.

    Kudo 2018 (unigram language model) or Sennrich et al. 2016 (byte-pair encoding). The same text
    and settings give the same model, byte for byte. Of a very large corpus every n-th sentence is
    read, and `report` is told; likewise where the text cannot fill the vocabulary.

    Raises:
        TokenizerError: there is no text, or the vocabulary has no room for its characters.
        CorpusError: a text file cannot be read.
    """
    paths = (split.source_path, split.target_path)
    if settings.joint:
        return Tokenizer(_train(settings, "both languages", paths, 2 * len(split), report))
    source = _train(settings, "the source language", paths[:1], len(split), report)
    target = _train(settings, "the target language", paths[1:], len(split), report)
    return Tokenizer(source, target)


def _train(
    settings: TokenizerSettings,
    what: str,
    paths: Sequence[Path],
    sentences: int,
    report: Callable[[str], None],
) -> bytes:
    step = max(1, -(-sentences // TRAINING_SENTENCES))
    if step > 1:
        report(f"subwords of {what}: learnt from one in {step} of {sentences:,} sentences")
    try:
        model = _learn(settings, paths, step)
    except RuntimeError as error:
        raise _training_error(str(error), settings, what) from None
    except OSError as error:
        raise CorpusError(
            f"Cannot read {error.filename}: {error.strerror}. Check the file and its permissions."
        ) from None
    size = int(_processor(model, "The new model").get_piece_size())
    if size < settings.vocabulary_size:
        report(f"subwords of {what}: {size:,}; the text cannot fill {settings.vocabulary_size:,}")
    return model


def _learn(settings: TokenizerSettings, paths: Sequence[Path], step: int) -> bytes:
    model = io.BytesIO()
    with ExitStack() as files:
        # Lines and not `input=`, which splits paths at commas and writes them into the model.
        lines = _lines([files.enter_context(path.open("rb")) for path in paths], step)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines,
            model_writer=model,
            model_type=settings.kind,
            vocab_size=settings.vocabulary_size,
            hard_vocab_limit=False,
            character_coverage=settings.character_coverage,
            byte_fallback=True,
            pad_id=PADDING,
            bos_id=BEGIN,
            eos_id=END,
            unk_id=UNKNOWN,
            # The corpus was cleaned already, and a round trip must give the text back.
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            max_sentence_length=2**30,  # longer ones would be skipped in silence; this is the most
            num_threads=TRAINING_THREADS,
            minloglevel=2,
        )
    return model.getvalue()


def _lines(files: Sequence[IO[bytes]], step: int) -> Iterator[bytes]:
    for file in files:
        for line in itertools.islice(file, 0, None, step):
            yield line.rstrip(b"\n").replace(_RESERVED, b" ")


def _training_error(message: str, settings: TokenizerSettings, what: str) -> TokenizerError:
    if too_small := re.search(r"required_chars\. (\d+) vs (\d+)", message):
        return TokenizerError(
            f"tokenizer.vocabulary_size is {settings.vocabulary_size}; the characters of {what} "
            f"need at least {too_small[2]}. Raise it, or lower tokenizer.character_coverage from "
            f"{settings.character_coverage}."
        )
    if "sentences_.empty()" in message:
        return TokenizerError(
            f"The training text of {what} has no sentence to learn subwords from. Check the corpus."
        )
    return TokenizerError(
        f"SentencePiece cannot learn subwords of {what}: {' '.join(message.split())}"
    )


def _processor(model: bytes, name: str) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except RuntimeError:
        raise TokenizerError(
            f"{name} is not a whole SentencePiece model. Copy the file again, or train anew."
        ) from None
    ids = (processor.pad_id(), processor.bos_id(), processor.eos_id(), processor.unk_id())
    # Runs of spaces and a rare character tell a model of ours, and one whose end was not cut off.
    probe = "a  \U0010ffff"
    if ids != (PADDING, BEGIN, END, UNKNOWN) or processor.decode(processor.encode(probe)) != probe:
        raise TokenizerError(
            f"{name} is a SentencePiece model with other special ids or normalisation than ours, "
            "or with its end cut off. Use a tokenizer that this program trained."
        )
    return processor


def _encode(
    processor: sentencepiece.SentencePieceProcessor, sentences: Sequence[str]
) -> list[list[int]]:
    threads = ENCODING_THREADS if len(sentences) >= _SENTENCES_WORTH_A_THREAD else 1
    ids: list[list[int]] = processor.encode(list(sentences), out_type=int, num_threads=threads)
    return ids


def _subwords(processor: sentencepiece.SentencePieceProcessor) -> Subwords:
    every = range(processor.get_piece_size())
    spelt = [i for i in every if i > UNKNOWN and not processor.is_byte(i)]
    names = [processor.id_to_piece(i) for i in spelt]
    return Subwords(
        dict(zip(names, spelt, strict=True)),
        dict(zip(names, map(processor.get_score, spelt), strict=True)),
        [processor.piece_to_id(f"<0x{byte:02X}>") for byte in range(256)],
    )


def _labels(processor: sentencepiece.SentencePieceProcessor, ids: Sequence[int]) -> list[str]:
    labels = []
    for is_byte, run in itertools.groupby(map(int, ids), processor.is_byte):
        pieces = [processor.id_to_piece(token) for token in run]
        # A byte's piece is written <0xE2>.
        labels += _byte_labels(bytes(int(p[3:5], 16) for p in pieces)) if is_byte else pieces
    return labels


def _byte_labels(spelling: bytes) -> list[str]:
    """The character on its first byte and dots on the others; what spells none, in hexadecimal."""
    labels: list[str] = []
    while spelling:
        size, character = _first_character(spelling)
        labels += [character, *[PART_OF_CHARACTER] * (size - 1)]
        spelling = spelling[size:]
    return labels


def _first_character(spelling: bytes) -> tuple[int, str]:
    for size in range(1, 5):
        try:
            character = spelling[:size].decode()
        except UnicodeDecodeError:
            continue
        if character.isprintable():
            return size, character
        break
    return 1, f"0x{spelling[0]:02X}"
