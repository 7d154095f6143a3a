"""Sentences in, translations out: cleaned, cut to size, batched, searched and put in order again.

What comes in goes out, one for one and in order: an empty sentence has the empty translation, and
a sentence too long for the model is translated in pieces, which is said and never silent.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from seq2seq.config import SearchSettings
from seq2seq.errors import ConfigError, CorpusError
from seq2seq.inference.processes import SearchProcesses
from seq2seq.inference.search import Hypothesis, TranslationModel, normalised, search
from seq2seq.inference.shortlist import Shortlist, shortlisted_search
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.text.cleaning import clean_sentence
from seq2seq.text.tokenizer import END, PADDING, PART_OF_CHARACTER

WORD_START = "▁"
# About 60 sentences of 14 subwords in a beam of 5. Measured with 512 units, 4,000 subwords and one
# core: 16 sentences at once are 14% slower, and 256, whose memory leaves the caches, 28%.
CPU_BATCH_TOKENS = 4000
_SENTENCE_END = tuple(".!?…。！？।؟")
_ENDS_WITHOUT_SPACE = tuple("。！？")
_CLOSING = "\"'”’»)]」』）"


class SubwordTokenizer(Protocol):
    """What a translator asks of a tokenizer; `Tokenizer` is one."""

    def encode_source(self, sentences: Sequence[str]) -> list[list[int]]:
        """Ids of each sentence, no special ones among them."""

    def decode_target(self, tokens: Sequence[Sequence[int]]) -> list[str]:
        """Text of each row of ids, without line breaks."""

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id, ▁ marking the start of a word."""

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """One readable label an id."""


class Candidate(NamedTuple):
    """One of the best translations of a sentence."""

    text: str
    score: float  # log P(target | source) / length^alpha, or the reranker's; 0 if empty
    target_pieces: list[str]  # END among them; empty unless weights were asked for
    weights: Tensor | None  # [target, source]: a row for each target piece, summing to 1


class Translation(NamedTuple):
    """The translation of one sentence, with the next best if they were asked for."""

    candidates: list[Candidate]  # the best first, at least one
    source_pieces: list[str]  # END among them; empty unless weights were asked for

    @property
    def text(self) -> str:
        """The best translation: one line."""
        return self.candidates[0].text

    @property
    def score(self) -> float:
        """The best translation's."""
        return self.candidates[0].score

    @property
    def target_pieces(self) -> list[str]:
        """The best translation's."""
        return self.candidates[0].target_pieces

    @property
    def weights(self) -> Tensor | None:
        """The best translation's."""
        return self.candidates[0].weights


class _Found(NamedTuple):
    """A translation of one piece."""

    hypothesis: Hypothesis
    text: str


class Reranker(Protocol):
    """Puts candidates into another order: `reranking.NoisyChannelReranker`."""

    def __call__(
        self, sources: Sequence[str], translations: Sequence[Translation]
    ) -> list[Translation]:
        """The same translations, their candidates with other scores, the best first."""


class _Begun(NamedTuple):
    """Sentences on their way: batches handed out, translations not yet waited for."""

    texts: list[str]
    sources: list[list[list[int]]]  # ids of each sentence's pieces
    batches: list[tuple[list[int], Callable[[], list[list[Hypothesis]]]]]  # of pieces, by number
    n_best: int
    with_weights: bool


class Translator:
    """A model, its tokenizer and a search, put to work on text.

    Args:
        model: an `EncoderDecoder`, or anything that search can use; it stays where it is.
        tokenizer: the one the model was trained with.
        settings: how to search.
        report: told, in one line, of every sentence that is translated in pieces.
        max_piece_tokens: the most subwords that the model is given at once. Longer sentences are
            cut at the end of a sentence, else at a space, else anywhere.
        batch_tokens: source tokens, padding and each hypothesis of the beam counted, in a batch;
            the default is CPU_BATCH_TOKENS on the CPU and ten times as many elsewhere.
        clean: one line of text, as the model's training text was cleaned; None for what is no text.
        shortlist: which subwords each sentence may become, for an `EncoderDecoder`; all if absent.
        processes: where to search instead of here: with the same model, settings and shortlist.
        reranker: puts the whole beam of each sentence into another order, before `n_best` of it
            are taken; of a sentence that is translated in pieces it sees nothing.

    Raises:
        ConfigError: `max_piece_tokens` is below 1.
        TypeError: a shortlist of another model than an `EncoderDecoder`.
    """

    def __init__(
        self,
        model: TranslationModel[Any, Any],
        tokenizer: SubwordTokenizer,
        settings: SearchSettings,
        report: Callable[[str], None],
        *,
        max_piece_tokens: int = 200,
        batch_tokens: int | None = None,
        clean: Callable[[str], str | None] = clean_sentence,
        shortlist: Shortlist | None = None,
        processes: SearchProcesses | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Nothing is computed yet."""
        if max_piece_tokens < 1:
            raise ConfigError(f"max_piece_tokens is {max_piece_tokens}; it must be at least 1.")
        if shortlist is not None and not isinstance(model, EncoderDecoder):
            raise TypeError("a shortlist needs an EncoderDecoder, whose output layer it knows")
        self.model = model
        self.tokenizer = tokenizer
        self.settings = settings
        self.report = report
        self.max_piece_tokens = max_piece_tokens
        self.batch_tokens = batch_tokens
        self.clean = clean
        self.shortlist = shortlist
        self.processes = processes
        self.reranker = reranker

    def translate(
        self, sentences: Sequence[str], n_best: int = 1, with_weights: bool = False
    ) -> list[Translation]:
        """Translate sentences, each by itself; as many come back, in the same order.

        Raises:
            ConfigError: `n_best` is not within 1 to the beam size.
            CorpusError: a sentence holds half a surrogate pair.
        """
        return self._finish(self._begin(sentences, 1, n_best, with_weights))

    def translate_lines(
        self,
        lines: Iterable[bytes],
        n_best: int = 1,
        weights_of_first: bool = False,
        chunk_lines: int = 500,
        chunks_ahead: int = 0,
    ) -> Iterator[Translation]:
        r"""Translate a stream of UTF-8 lines, such as `sys.stdin.buffer`, one for one.

        A line ends at \n, which a file opened in binary mode cuts at and nothing else; a \r before
        it is dropped. `chunk_lines` lines are read, translated together and yielded before more
        are read; `chunks_ahead` times as many are read ahead, to keep several processes busy.
        With `weights_of_first` the first line, which is then translated by itself, has weights.

        Raises:
            ConfigError: `n_best` is not within 1 to the beam size.
            CorpusError: a line is not UTF-8. All lines before it were translated and yielded.
        """
        begun: deque[_Begun] = deque()
        for first, chunk, error in _chunks(lines, chunk_lines, weights_of_first):
            begun.append(self._begin(chunk, first, n_best, weights_of_first and first == 1))
            while len(begun) > (0 if error else chunks_ahead):
                yield from self._finish(begun.popleft())
            if error:
                raise error
        while begun:
            yield from self._finish(begun.popleft())

    def _begin(
        self, sentences: Sequence[str], first_line: int, n_best: int, with_weights: bool
    ) -> _Begun:
        texts = [self._cleaned(text, line) for line, text in enumerate(sentences, first_line)]
        encoded = self.tokenizer.encode_source(texts)
        sources = [self._pieces(ids, line) for line, ids in enumerate(encoded, first_line)]
        pieces = [piece for source in sources for piece in source]
        submit = self.processes.submit if self.processes else partial(partial, self.search_batch)
        # The search refuses what no beam can give.
        wanted = max(n_best, self.settings.beam_size) if self.reranker and n_best > 0 else n_best
        batches = [
            (numbers, submit([[*pieces[number], END] for number in numbers], wanted, with_weights))
            for numbers in self._batches([len(piece) for piece in pieces])
        ]
        return _Begun(texts, sources, batches, n_best, with_weights)

    def _finish(self, begun: _Begun) -> list[Translation]:
        best = {
            number: hypotheses
            for numbers, wait in begun.batches
            for number, hypotheses in zip(numbers, wait(), strict=True)
        }
        ordered = [best[number] for number in range(len(best))]
        texts = iter(self.tokenizer.decode_target([h.tokens for of in ordered for h in of]))
        found = iter([[_Found(h, next(texts)) for h in of] for of in ordered])
        translations = [
            self._translation(source, found, begun.n_best, begun.with_weights)
            for source in begun.sources
        ]
        return self._reranked(begun, translations) if self.reranker else translations

    def _reranked(self, begun: _Begun, translations: list[Translation]) -> list[Translation]:
        assert self.reranker is not None
        whole = [row for row, pieces in enumerate(begun.sources) if len(pieces) == 1]
        texts = [begun.texts[row] for row in whole]
        for row, reordered in zip(
            whole, self.reranker(texts, [translations[row] for row in whole]), strict=True
        ):
            translations[row] = reordered
        return [
            translation._replace(candidates=translation.candidates[: begun.n_best])
            for translation in translations
        ]

    def _cleaned(self, text: str, line: int) -> str:
        cleaned = self.clean(text)
        if cleaned is None:
            raise CorpusError(
                f"Line {line:,} holds half a surrogate pair, which is no character; remove it."
            )
        return cleaned

    def _pieces(self, ids: list[int], line: int) -> list[list[int]]:
        """A sentence's ids in pieces that the model can take; none of an empty sentence."""
        if len(ids) <= self.max_piece_tokens:
            return [ids] if ids else []
        ends = cut_points(self.tokenizer.source_pieces(ids), self.max_piece_tokens)
        self.report(
            f"Line {line:,} is {len(ids):,} subwords long; translated in {len(ends):,} pieces"
            + (", not reranked." if self.reranker else ".")
        )
        return [ids[start:end] for start, end in itertools.pairwise([0, *ends])]

    def search_batch(
        self, rows: list[list[int]], n_best: int, with_weights: bool
    ) -> list[list[Hypothesis]]:
        """The best translations of each row of source ids, END last, all rows as one batch."""
        source, lengths = self._padded(rows)
        if self.shortlist is None:
            return search(self.model, source, lengths, self.settings, n_best, with_weights)
        assert isinstance(self.model, EncoderDecoder)
        return shortlisted_search(
            self.model, self.shortlist, source, lengths, self.settings, n_best, with_weights
        )

    def _batches(self, lengths: list[int]) -> Iterator[list[int]]:
        """Row numbers, batch by batch: like lengths together, the longest first."""
        ample = CPU_BATCH_TOKENS * (1 if self.device.type == "cpu" else 10)
        batch_tokens = self.batch_tokens or ample
        batch: list[int] = []
        room = 0
        for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
            if len(batch) >= room:
                if batch:
                    yield batch
                longest = (lengths[row] + 1) * self.settings.beam_size
                batch, room = [], max(1, batch_tokens // longest)
            batch.append(row)
        if batch:
            yield batch

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        parameters = self.model.parameters() if isinstance(self.model, nn.Module) else iter(())
        return next((parameter.device for parameter in parameters), torch.device("cpu"))

    def _padded(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        lengths = torch.tensor([len(row) for row in rows])
        source = nn.utils.rnn.pad_sequence(
            [torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDING
        )
        return source.to(self.device), lengths

    def _translation(
        self,
        source: list[list[int]],
        found: Iterator[list[_Found]],
        n_best: int,
        with_weights: bool,
    ) -> Translation:
        """Put a sentence's pieces together; takes as many from `found` as there are."""
        if not source:
            return Translation([Candidate("", 0.0, [], None)], [])
        best = [next(found) for _ in source]
        if len(best) > 1:  # never reranked: the rest of the beam was searched for nothing
            best = [of[:n_best] for of in best]
        # Of several pieces the n-th best of the whole joins the n-th best of each.
        candidates = [self._candidate(parts, with_weights) for parts in zip(*best, strict=False)]
        candidates.sort(key=lambda candidate: -candidate.score)
        labels = [self.tokenizer.source_pieces([*piece, END]) for piece in source if with_weights]
        return Translation(candidates, [label for piece in labels for label in piece])

    def _candidate(self, parts: tuple[_Found, ...], with_weights: bool) -> Candidate:
        hypotheses = [part.hypothesis for part in parts]
        score = normalised(
            sum(hypothesis.log_probability for hypothesis in hypotheses),
            sum(hypothesis.length for hypothesis in hypotheses),
            self.settings.length_penalty,
        )
        labels = [
            self.tokenizer.target_pieces([*h.tokens, END] if h.complete else h.tokens)
            for h in hypotheses
            if with_weights
        ]
        weights = [h.weights for h in hypotheses if h.weights is not None]
        return Candidate(
            " ".join(part.text for part in parts if part.text),
            score,
            [label for piece in labels for label in piece],
            torch.block_diag(*weights) if weights else None,  # type: ignore[no-untyped-call]
        )


def _chunks(
    lines: Iterable[bytes], most: int, first_alone: bool
) -> Iterator[tuple[int, list[str], CorpusError | None]]:
    """Number of the first line, lines as text, and what is wrong with the line after the last."""
    chunk: list[str] = []
    first = 1
    for number, line in enumerate(lines, start=1):
        try:
            chunk.append(line.removesuffix(b"\n").removesuffix(b"\r").decode())
        except UnicodeDecodeError as error:
            wrong = CorpusError(
                f"Line {number:,} is not UTF-8: its byte {error.start + 1:,} is "
                f"0x{line[error.start]:02X}. Convert the text to UTF-8."
            )
            yield first, chunk, wrong
            return
        if len(chunk) >= most or (first_alone and number == 1):
            yield first, chunk, None
            chunk, first = [], number + 1
    yield first, chunk, None


def cut_points(labels: Sequence[str], most: int) -> list[int]:
    """Where to cut subwords into pieces of at most `most`: the end of each piece.

    The latest place possible at the end of a sentence, else before a word, else between characters;
    within one only where it has more bytes than a piece may have subwords.
    """
    ends: list[int] = []
    start = 0
    while len(labels) - start > most:
        places = range(start + most, start, -1)
        start = next(
            itertools.chain(
                (
                    place
                    for place in places
                    if _is_between_sentences(*labels[place - 1 : place + 1])
                ),
                (place for place in places if labels[place].startswith(WORD_START)),
                (place for place in places if labels[place] != PART_OF_CHARACTER),
                places,
            )
        )
        ends.append(start)
    return [*ends, len(labels)]


def _is_between_sentences(before: str, after: str) -> bool:
    before = before.rstrip(_CLOSING)
    return before.endswith(_ENDS_WITHOUT_SPACE) or (
        before.endswith(_SENTENCE_END) and after.startswith(WORD_START)
    )
