"""Every generator against the paper's definition, worked out by hand or in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.errors import ConfigError
from seq2seq.memory import reber, temporal_order
from seq2seq.memory.catalogue import TASKS, make_task
from seq2seq.memory.sequences import Sequences, at_the_end, within

MANY = 300


def drawn(name: str, lag: int | None = None, count: int = MANY, **more: int) -> Sequences:
    return make_task(name, lag, **more).fresh(count, np.random.default_rng(1))


def test_successors_in_the_reber_grammar_by_hand():
    # B T (B T X S E) T E: after each symbol what the diagram allows.
    assert reber.successors("BTBTXSETE") == ["TP", "B", "TP", "SX", "XS", "E", "T", "E"]
    # The loops: S in state 2, T in state 3, X from 4 back to 3, P from 5 back to 4.
    assert reber.successors("BPBTSSXXVPSEPE") == [
        "TP", "B", "TP", "SX", "SX", "SX", "XS", "TV", "PV", "XS", "E", "P", "E",
    ]  # fmt: skip
    with pytest.raises(KeyError):
        reber.successors("BTBVETE")


def test_reber_strings_are_of_the_grammar_and_both_branches_come():
    random = np.random.default_rng(1)
    texts = [reber.embedded_string(random) for _ in range(MANY)]
    for text in texts:
        assert all(map(str.__contains__, reber.successors(text), text[1:]))
        assert text[1] == text[-2]
    assert 0.4 < sum(text[1] == "T" for text in texts) / MANY < 0.6
    assert min(map(len, texts)) == 9


def test_an_encoded_reber_string_by_hand():
    sequences = reber.encode(["BTBTXSETE", "BPBPVVEPE"])
    names = [[reber.SYMBOLS[symbol] for symbol in row] for row in sequences.inputs]
    assert names == [list("BTBTXSET"), list("BPBPVVEP")]
    first = sequences.rows == 0
    following = [reber.SYMBOLS[symbol] for symbol in sequences.targets[first].argmax(1)]
    assert following == list("TBTXSETE")
    assert sequences.truth[0].tolist() == [0, 1, 1, 0, 0, 0, 0]  # T or P after B
    assert sequences.times[first].tolist() == list(range(8))


def test_reber_sets_do_not_overlap_and_training_stays_in_its_own():
    task = make_task("1", None).for_seed(3)
    training, test = reber._pools(3, 256)
    assert len(training) == len(test) == 256
    assert not set(training) & set(test)
    # Of inner strings B P V V E has probability 1/8, so about 1 in 16 training strings is this one.
    assert 6 <= training.count("BPBPVVEPE") <= 28
    sequences = task.training(100, np.random.default_rng(1))
    for row, length in zip(sequences.inputs, sequences.lengths, strict=True):
        text = "".join(reber.SYMBOLS[symbol] for symbol in row[:length]) + "E"
        assert text in training
    assert len(task.exam(np.random.default_rng(1)).lengths) == 512
    assert reber._pools(4, 256)[0] != training


def test_a_reber_string_is_correct_when_the_legal_units_are_the_most_active():
    task = make_task("1", None)
    sequences = reber.encode(["BTBTXSETE", "BPBPVVEPE"])
    outputs = 0.1 + 0.3 * sequences.truth
    assert task.judge(outputs, sequences).correct.tolist() == [True, True]
    outputs[6, reber.SYMBOLS.index("P")] = 0.5  # the wrong branch before the end of the first
    assert task.judge(outputs, sequences).correct.tolist() == [False, True]


def test_2a_by_hand():
    sequences = drawn("2a", 4)
    # a_1 a_2 a_3 are 0 1 2, x is 3, y is 4; read all but the last, predict all but the first.
    kinds = {tuple(row) for row in sequences.inputs}
    assert kinds == {(3, 0, 1, 2), (4, 0, 1, 2)}
    predicted = sequences.targets.argmax(1).reshape(MANY, 4)
    assert (predicted[:, :3] == [0, 1, 2]).all()
    assert (predicted[:, 3] == sequences.inputs[:, 0]).all()
    assert 0.4 < (predicted[:, 3] == 3).mean() < 0.6
    assert sequences.times.reshape(MANY, 4).tolist() == [[0, 1, 2, 3]] * MANY
    assert make_task("2a", 100).output_size == 101


def test_2b_draws_what_lies_between_and_asks_for_the_first_at_the_end():
    sequences = drawn("2b", 8)
    assert (sequences.targets.argmax(1) == sequences.inputs[:, 0]).all()
    assert set(sequences.inputs[:, 0]) == {7, 8}
    assert set(sequences.inputs[:, 1:].ravel()) == set(range(7))
    assert sequences.times.tolist() == [7] * MANY


def test_2c_asks_at_the_trigger_for_the_second_symbol():
    lag, kinds = 20, 5
    sequences = drawn("2c", lag, distractors=kinds)
    trigger, begin, x = kinds, kinds + 1, kinds + 2
    for row, length, target in zip(
        sequences.inputs, sequences.lengths, sequences.targets, strict=True
    ):
        symbols = row[:length].tolist()
        assert symbols[0] == begin
        assert symbols[1] == x + target.argmax()
        assert symbols.index(trigger) == length - 1
        assert len(symbols[2:-1]) >= lag
        assert all(symbol < kinds for symbol in symbols[2:-1])
    assert (sequences.times == sequences.lengths - 1).all()
    # After q distractors each further one comes with probability 9/10: 9 on average.
    extra = drawn("2c", lag, 20_000).lengths - lag - 3
    assert extra.min() == 0
    assert extra.mean() == pytest.approx(9, abs=0.3)
    assert (extra == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert make_task("2c", 1000).input_size == 1004
    assert make_task("2c", 1000).minimal_lag == 1001


def test_3a_only_the_first_values_tell_the_class():
    sequences = drawn("3a", 100)
    first = sequences.inputs[:, :3, 0]
    assert set(first.ravel()) == {1.0, -1.0}
    assert (first == first[:, :1]).all()
    assert (sequences.targets[:, 0] == (first[:, 0] > 0)).all()
    noise = sequences.inputs[:, 3:100, 0]
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.var() == pytest.approx(0.2, abs=0.01)
    assert set(sequences.lengths) == set(range(100, 111))


def test_3b_has_noise_on_the_signal_and_3c_on_the_targets_too():
    noisy = drawn("3b", 100, 3000)
    signs = 2 * noisy.targets - 1
    first = noisy.inputs[:, :3, 0] * signs
    assert first.mean() == pytest.approx(1, abs=0.02)
    assert first.var() == pytest.approx(0.2, abs=0.02)
    sequences = drawn("3c", 100, 3000)
    assert set(sequences.truth.ravel().round(6)) == {np.float32(0.2), np.float32(0.8)}
    noise = sequences.targets - sequences.truth
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.var() == pytest.approx(0.1, abs=0.01)
    first = sequences.inputs[:, :3, 0]
    assert set(first.ravel()) == {1.0, -1.0}
    assert ((sequences.truth[:, 0] < 0.3) == (first[:, 0] > 0)).all()


@pytest.mark.parametrize(("name", "neutral"), [("4", 0.0), ("5", 1.0), ("5-13", 1.0)])
def test_4_and_5_by_reading_the_marks(name, neutral):
    lag, rare = 30, 0
    sequences = drawn(name, lag, 1000)
    places = []
    for pairs, length, target in zip(
        sequences.inputs, sequences.lengths, sequences.targets[:, 0], strict=True
    ):
        values, marks = pairs[:length].T
        marked = np.flatnonzero(marks == 1).tolist()
        assert marks[0] == marks[-1] == -1
        assert set(np.delete(marks, [0, *marked, length - 1])) == {0}
        numbers = [values[place] for place in marked]
        if len(marked) == 1:  # the first pair was marked, and its mark gave way
            rare += 1
            assert values[0] == neutral
            numbers.append(np.float32(neutral))
        assert len(numbers) == 2
        expected = sum(numbers) / 4 + 0.5 if name == "4" else numbers[0] * numbers[1]
        assert target == pytest.approx(expected, abs=1e-6)
        places.append(marked)
    assert 0 < rare < 250
    both = np.array([pair for pair in places if len(pair) == 2])
    assert both.max() == lag // 2 - 1  # among the first T/2 pairs
    assert both[:, 0].max() <= 13
    assert set(sequences.lengths) == {30, 31, 32, 33}
    low = sequences.inputs[..., 0].min()
    assert (low < -0.9) if name == "4" else (low == 0)
    assert sequences.inputs[..., 0].max() > 0.9


@pytest.mark.parametrize(("name", "places"), [("6a", [(10, 20), (50, 60)]),
                                              ("6b", [(10, 20), (33, 43), (66, 76)])])  # fmt: skip
def test_6_by_reading_the_order(name, places):
    sequences = drawn(name, 100, 1000)
    seen = [set() for _ in places]
    for row, length, target in zip(
        sequences.inputs, sequences.lengths, sequences.targets, strict=True
    ):
        text = "".join(temporal_order.SYMBOLS[symbol] for symbol in row[:length])
        assert text[0] == "E"
        assert text[-1] == "B"
        found = [place for place, symbol in enumerate(text) if symbol in "XY"]
        assert set(text) - set("EBXY") <= set("abcd")
        order = "".join(text[place] for place in found)
        # Q R S U in the paper's order: XX, XY, YX, YY; and likewise for three.
        assert target.argmax() == int(order.replace("X", "0").replace("Y", "1"), 2)
        assert target.sum() == 1
        for place, places_seen in zip(found, seen, strict=True):
            places_seen.add(place)
    for (least, most), places_seen in zip(places, seen, strict=True):
        assert places_seen == set(range(least, most + 1))
    assert set(sequences.lengths) == set(range(100, 111))


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_names_sequences_and_select_cuts_them_out(name):
    one, again = drawn(name, count=20), drawn(name, count=20)
    for part, same in zip(one, again, strict=True):
        assert (part == same).all()
    part = one.select(5, 8)
    assert part.lengths.tolist() == one.lengths[5:8].tolist()
    assert part.inputs.shape[1] == part.lengths.max()
    mine = (one.rows >= 5) & (one.rows < 8)
    assert (part.targets == one.targets[mine]).all()
    assert (part.rows == one.rows[mine] - 5).all()
    task = make_task(name, None)
    assert one.targets.shape[1] == task.output_size
    if task.of_symbols:
        assert one.inputs.max() < task.input_size
    else:
        assert one.inputs.shape[2] == task.input_size
    assert one.lengths.max() <= task.longest


def test_within_by_hand():
    inputs, lengths = np.zeros((2, 3), dtype=np.int64), np.array([3, 2])
    sequences = at_the_end(inputs, lengths, np.array([[0, 1], [1, 0]], dtype=np.float32))
    outputs = np.array([[0.1, 0.75], [0.9, 0.3]], dtype=np.float32)
    verdict = within(outputs, sequences, 0.28)
    assert verdict.correct.tolist() == [True, False]
    np.testing.assert_allclose(verdict.errors, [0.175, 0.2], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("7", 100), "There is no task '7'; there are 1, 2a, 2b, 2c, 3a,"),
        (("4", 19), "Task 4 has no lag of 19; the least is 20."),
        (("2c", 0), "Task 2c has no lag of 0; the least is 1."),
        (("1", 10), "Task 1 has the lags of its grammar; leave --lags out."),
        (("4", 100, 7), "Task 4 has no distractors to choose; only 2c has."),
    ],
)
def test_what_cannot_be_is_refused(arguments, line):
    with pytest.raises(ConfigError) as refused:
        make_task(*arguments)
    assert line in str(refused.value)
