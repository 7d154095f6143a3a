"""IBM model 1 against a case worked by hand and against the same sums written as loops."""

import random
from collections import defaultdict

import numpy as np
import pytest

from seq2seq.text import lexicon
from seq2seq.text.lexicon import CANDIDATES, learn_lexicon, translation_table
from seq2seq.text.tokenized import TokenizedSplit
from seq2seq.text.tokenizer import END

A, B, X, Y = 4, 5, 6, 7


def as_dict(split, iterations):
    source, target, probability = translation_table(split, 20, iterations)
    keys = zip(source.tolist(), target.tolist(), strict=True)
    return dict(zip(keys, probability.tolist(), strict=True))


def test_two_pairs_worked_by_hand():
    split = TokenizedSplit.of([[A], [A, B]], [[X], [X, Y]])
    # First: x of the first pair is a's or nobody's, a half each; all else is a third.
    first = {(A, X): 5 / 7, (A, Y): 2 / 7, (B, X): 1 / 2, (B, Y): 1 / 2}
    assert as_dict(split, 1) == pytest.approx(first | {(END, X): 5 / 7, (END, Y): 2 / 7})
    # Second: in the pair of two, x is a's by 10/27, b's by 7/27; y is a's by 4/15, b's by 7/15.
    second = {(A, X): 235 / 307, (A, Y): 72 / 307, (B, X): 5 / 14, (B, Y): 9 / 14}
    assert as_dict(split, 2) == pytest.approx(second | {(END, X): 235 / 307, (END, Y): 72 / 307})


def slow_twin(pairs, iterations):
    table = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target in pairs:
            words = [*source, END]
            for y in target:
                whole = sum(table[x, y] for x in words)
                for x in words:
                    counts[x, y] += table[x, y] / whole
                    totals[x] += table[x, y] / whole
        table = {key: count / totals[key[0]] for key, count in counts.items()}
    return table


def test_equals_the_same_sums_as_loops():
    draw = random.Random(1)
    pairs = [
        ([draw.randint(4, 9) for _ in range(draw.randint(0, 6))],
         [draw.randint(4, 12) for _ in range(draw.randint(0, 6))])
        for _ in range(40)
    ]  # fmt: skip
    split = TokenizedSplit.of(*zip(*pairs, strict=True))
    assert as_dict(split, 4) == pytest.approx(slow_twin(pairs, 4))


def test_the_likeliest_come_first_and_frequencies_are_counted():
    split = TokenizedSplit.of([[A], [A, B], [B]], [[X], [X, Y], [Y, Y]])
    found = learn_lexicon(split, 10, 10)
    assert found.candidates.shape == (10, CANDIDATES)
    assert found.candidates[A, :3].tolist() == [X, Y, END]
    assert found.candidates[B, :3].tolist() == [Y, X, END]
    assert (found.candidates[9] == END).all()
    assert found.frequent.tolist() == [Y, X]


def test_of_a_large_corpus_every_nth_pair_is_read(monkeypatch):
    monkeypatch.setattr(lexicon, "MOST_PAIRS", 2)
    split = TokenizedSplit.of([[A], [B], [A]], [[X], [Y], [X]])
    assert as_dict(split, 1) == pytest.approx({(A, X): 1.0, (END, X): 1.0})


def test_long_sentences_count_for_more(monkeypatch):
    monkeypatch.setattr(lexicon, "MOST_CELLS", 6)  # of three pairs with four cells each
    split = TokenizedSplit.of([[A], [B], [A]], [[X, X], [Y, Y], [X, X]])
    assert as_dict(split, 1) == pytest.approx({(A, X): 1.0, (END, X): 1.0})


def test_nothing_is_learnt_from_nothing():
    found = learn_lexicon(TokenizedSplit.of([], []), 6, 6)
    assert (found.candidates == END).all()
    assert found.frequent.dtype == np.int32
    assert len(found.frequent) == 0
