"""Batches and the tokenised cache against counting, a slow twin and hand-made cases."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.config import TokenizerSettings
from seq2seq.errors import CorpusError
from seq2seq.text import batches as batches_module
from seq2seq.text import tokenized
from seq2seq.text.batches import (
    Batch,
    BatchOrder,
    collate,
    evaluation_batches,
    padding_share,
    training_batches,
)
from seq2seq.text.pair_files import PairFiles, PairWriter
from seq2seq.text.tokenized import TokenizedSplit, tokenize_split
from seq2seq.text.tokenizer import BEGIN, END, PADDING, Tokenizer, train_tokenizer

MULTI30K = Path(
    os.environ.get("SEQ2SEQ_MULTI30K", Path(__file__).parents[2] / "shared" / "data" / "multi30k")
)

sentence = st.lists(st.integers(4, 70_000), max_size=12)
pair_lists = st.lists(st.tuples(sentence, sentence), min_size=1, max_size=40)


def _split(pairs: list[tuple[list[int], list[int]]]) -> TokenizedSplit:
    return TokenizedSplit.of([source for source, _ in pairs], [target for _, target in pairs])


def _rows(order: BatchOrder) -> list[list[int]]:
    return [rows.tolist() for rows in order]


def _random_split(pairs: int, seed: int = 0) -> TokenizedSplit:
    random = np.random.default_rng(seed)
    target = random.integers(1, 30, pairs)
    source = np.maximum(1, target + random.integers(-3, 4, pairs))
    return TokenizedSplit.of(
        [[4] * int(length) for length in source], [[5] * int(length) for length in target]
    )


# Collation


def test_collate_a_case_made_by_hand() -> None:
    split = TokenizedSplit.of([[7, 8, 9], [], [5]], [[6], [4, 5], []])
    batch = collate(split, np.array([2, 0, 1]))
    assert batch.source.tolist() == [[5, END, 0, 0], [7, 8, 9, END], [END, 0, 0, 0]]
    assert batch.source_lengths.tolist() == [2, 4, 1]
    assert batch.target.tolist() == [[BEGIN, END, 0, 0], [BEGIN, 6, END, 0], [BEGIN, 4, 5, END]]
    assert batch.target_lengths.tolist() == [1, 2, 3]
    assert batch.rows.tolist() == [2, 0, 1]
    assert {tensor.dtype for tensor in batch} == {torch.int64}


def _slow_collate(split: TokenizedSplit, rows: list[int]) -> Batch:
    sources = [[*split.source(row).tolist(), END] for row in rows]
    targets = [[BEGIN, *split.target(row).tolist(), END] for row in rows]

    def table(lists: list[list[int]]) -> torch.Tensor:
        width = max(map(len, lists))
        return torch.tensor([[*row, *[PADDING] * (width - len(row))] for row in lists])

    return Batch(
        table(sources),
        torch.tensor([len(row) for row in sources]),
        table(targets),
        torch.tensor([len(row) - 1 for row in targets]),
        torch.tensor(rows),
    )


@given(pairs=pair_lists, data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_collate_equals_a_slow_twin(
    pairs: list[tuple[list[int], list[int]]], data: st.DataObject
) -> None:
    split = _split(pairs)
    rows = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, max_size=50))
    fast, slow = collate(split, np.array(rows)), _slow_collate(split, rows)
    for name in Batch._fields:
        assert torch.equal(getattr(fast, name), getattr(slow, name)), name


def test_a_batch_moves_its_tokens_and_keeps_its_lengths_on_the_cpu() -> None:
    batch = collate(_random_split(5), np.arange(5)).to("meta")
    devices = [tensor.device.type for tensor in batch]
    assert devices == ["meta", "cpu", "meta", "cpu", "cpu"]


# The order of batches


@given(
    pairs=pair_lists, budget=st.integers(1, 40), seed=st.integers(-5, 5), window=st.integers(1, 50)
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_each_pair_once_an_epoch_within_the_budget(
    pairs: list[tuple[list[int], list[int]]], budget: int, seed: int, window: int
) -> None:
    split = _split(pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "WINDOW", window)
        orders = (training_batches(split, budget, seed, 3), evaluation_batches(split, budget))
    for order in orders:
        assert sorted(row for rows in order for row in rows) == list(range(len(pairs)))
        for rows in order:
            tokens = sum(len(pairs[row][1]) + 1 for row in rows)
            assert len(rows) == 1 or tokens <= budget


def test_batches_are_filled_and_a_pair_above_the_budget_stands_alone() -> None:
    split = TokenizedSplit.of([[4]] * 6, [[5] * length for length in (1, 9, 2, 1, 3, 2)])
    assert _rows(evaluation_batches(split, 7)) == [[0, 3, 2], [5, 4], [1]]


def test_source_lengths_rise_and_fall_so_that_neighbours_are_alike() -> None:
    lengths = [(1, 2), (5, 2), (3, 2), (1, 3), (5, 3), (3, 3)]
    split = _split([([4] * source, [5] * target) for source, target in lengths])
    assert _rows(evaluation_batches(split, 100)) == [[0, 2, 1, 4, 5, 3]]


@given(seed=st.integers(0, 2**70), epoch=st.integers(0, 1000))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_the_order_is_a_function_of_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    split = _random_split(300)
    order = _rows(training_batches(split, 100, seed, epoch))
    np.random.seed(epoch)  # the global state must not matter
    assert _rows(training_batches(split, 100, seed, epoch)) == order
    assert _rows(training_batches(split, 100, seed, epoch + 1)) != order
    assert _rows(training_batches(split, 100, seed + 1, epoch)) != order
    assert _rows(training_batches(split, 100, seed, epoch)[7:]) == order[7:]  # resuming at batch 7


def test_the_order_does_not_change_between_versions() -> None:
    """A resumed run must meet the batches that the interrupted one would have met."""
    split = TokenizedSplit.of([[4]] * 8, [[5] * (1 + row % 2) for row in range(8)])
    assert _rows(training_batches(split, 6, seed=1, epoch=2)) == [[5, 1], [2, 7], [6, 0, 4], [3]]


def _all_at_once(split: TokenizedSplit, budget: int, seed: int, epoch: int) -> list[list[int]]:
    """An epoch of a corpus that fits one window, pair by pair."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
    source, target = split.source_lengths.tolist(), split.target_lengths.tolist()
    shuffled = random.permutation(len(split)).tolist()
    rows = sorted(shuffled, key=lambda r: (target[r], -source[r] if target[r] % 2 else source[r]))
    spent = int(random.integers(budget))
    batches: list[list[int]] = []
    for row in rows:
        if not batches or spent + target[row] + 1 > budget:
            spent = 0 if batches else spent
            batches.append([])
        batches[-1].append(row)
        spent += target[row] + 1
    return [batches[k] for k in random.permutation(len(batches))]


@given(seed=st.integers(0, 99), epoch=st.integers(0, 9), budget=st.integers(30, 300))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_corpus_of_one_window_is_ordered_as_a_whole(seed: int, epoch: int, budget: int) -> None:
    split = _random_split(400, seed)
    assert _rows(training_batches(split, budget, seed, epoch)) == _all_at_once(
        split, budget, seed, epoch
    )


@given(
    pairs=st.integers(2, 300),
    window=st.integers(1, 60),
    block=st.integers(1, 9),
    epoch=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_larger_corpus_goes_window_by_window(
    pairs: int, window: int, block: int, epoch: int
) -> None:
    split, budget, block = _random_split(pairs), 90, min(block, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "WINDOW", window)
        patch.setattr(batches_module, "_block", lambda: block)
        order = training_batches(split, budget, 1, epoch)
        batches = _rows(order)
        assert sorted(row for rows in batches for row in rows) == list(range(pairs))
        assert len(order) == len(batches)
        # Any batch can be had without those before it, and in any order.
        again = training_batches(split, budget, 1, epoch)
        for k in (len(batches) - 1, 0, len(batches) // 2):
            assert again[k].tolist() == batches[k]
        assert again[-1].tolist() == batches[-1]
        assert _rows(again[len(batches) // 3 :: 2]) == batches[len(batches) // 3 :: 2]
    if pairs <= window:
        return
    # Blocks of neighbours stay together: each is spread over the batches of one window alone, and
    # the windows follow one another.
    place = {row: k for k, rows in enumerate(batches) for row in rows}
    spans = [
        (min(of), max(of))
        for start in range(0, pairs, block)
        for of in [[place[row] for row in range(start, min(start + block, pairs))]]
    ]
    windows = -(-len(spans) // (window // block))
    cuts = [
        k for k in range(1, len(batches)) if all(last < k or k <= first for first, last in spans)
    ]
    assert len(cuts) >= windows - 1


def test_windows_are_shuffled_within_and_chosen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "WINDOW", 1024)
    split = _random_split(5000)
    first, second = (_rows(training_batches(split, 200, 1, epoch)) for epoch in (0, 1))
    assert {tuple(sorted(rows)) for rows in first}.isdisjoint(tuple(sorted(r)) for r in second)
    begin = [row for rows in first for row in rows][:900]
    assert 2000 < np.mean(begin) < 3000  # from all over the corpus
    mean = [float(split.target_lengths[rows].mean()) for rows in first]
    assert abs(np.corrcoef(mean, np.arange(len(mean)))[0, 1]) < 0.3
    # Each of five windows sorts by itself and mixes a few lengths more where two meet.
    assert np.mean([np.ptp(split.target_lengths[rows]) for rows in first]) < 2


def test_memory_is_that_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "WINDOW", 1 << 14)
    offsets = np.arange(1_000_001, dtype=np.int64) * 10
    side = tokenized.TokenRows(np.broadcast_to(np.uint16(9), 10_000_000), offsets)
    split = TokenizedSplit(side, side)
    tracemalloc.start()
    try:
        order = training_batches(split, 1000, 1, 0)
        seen = sum(len(rows) for rows in order)
        share = padding_share(split, 1000, 1, 0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 1_000_000
    assert share == (0.0, 0.0)
    assert most < 3_000_000  # bytes; one number for each pair would be 8,000,000


def test_batches_mix_and_epochs_group_pairs_anew() -> None:
    split = _random_split(2000)
    first, second = (training_batches(split, 200, 1, epoch) for epoch in (0, 1))
    mean = [float(split.target_lengths[rows].mean()) for rows in first]
    assert abs(np.corrcoef(mean, np.arange(len(mean)))[0, 1]) < 0.3  # not from short to long
    again = {tuple(sorted(rows)) for rows in first} & {tuple(sorted(rows)) for rows in second}
    assert len(again) < len(first) / 4


def test_rows_restore_the_order_of_the_split() -> None:
    split = _random_split(50)
    found = np.zeros(50, dtype=np.int64)
    for rows in evaluation_batches(split, 60):
        batch = collate(split, rows)
        found[batch.rows] = batch.target_lengths
    assert found.tolist() == (split.target_lengths + 1).tolist()


def test_an_empty_split_has_no_batches() -> None:
    split = TokenizedSplit.of([], [])
    assert len(split) == len(training_batches(split, 10, 1, 0)) == 0
    assert _rows(evaluation_batches(split, 10)) == []
    assert padding_share(split, 10, 1, 0) == (0.0, 0.0)


@given(pairs=pair_lists, budget=st.integers(1, 60))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_padding_share_is_the_share_of_zeros(
    pairs: list[tuple[list[int], list[int]]], budget: int
) -> None:
    split = _split(pairs)
    made = [collate(split, rows) for rows in training_batches(split, budget, 1, 0)]
    share = padding_share(split, budget, 1, 0)
    for found, tables in (
        (share.source, [batch.source for batch in made]),
        (share.target, [batch.target[:, 1:] for batch in made]),
    ):
        zeros = sum(int((table == PADDING).sum()) for table in tables)
        assert found == pytest.approx(zeros / sum(table.numel() for table in tables))


# The tokenised cache

PAIRS = [(f"the cat number {n} sat", f"고양이 {n} 번이 앉았다 " * (n % 4)) for n in range(30)]


@pytest.fixture
def pairs(tmp_path: Path) -> PairFiles:
    return _write(tmp_path, "train", PAIRS)


def _write(folder: Path, name: str, pairs: list[tuple[str, str]]) -> PairFiles:
    paths = (folder / f"{name}.en", folder / f"{name}.ko")
    with PairWriter(*paths) as writer:
        writer.write(pairs)
    return PairFiles(*paths)


@pytest.fixture
def tokenizer(pairs: PairFiles) -> Tokenizer:
    return train_tokenizer(TokenizerSettings("bpe", 320), pairs, lambda line: None)


def _fail(*args: object) -> Any:
    raise AssertionError("encoded a second time")


def test_the_cache_holds_what_the_tokenizer_says(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized, "_CHUNK", 7)  # several chunks, the last one shorter
    split = tokenize_split(pairs, tokenizer, tmp_path / "cache", print)
    sources = tokenizer.encode_source([source for source, _ in PAIRS])
    targets = tokenizer.encode_target([target for _, target in PAIRS])
    assert [split.source(row).tolist() for row in range(len(split))] == sources
    assert [split.target(row).tolist() for row in range(len(split))] == targets
    assert split.source_lengths.tolist() == [len(ids) for ids in sources]
    assert split.target_lengths.tolist() == [len(ids) for ids in targets]
    assert 0 in split.target_lengths  # an empty sentence stays a row
    assert split.source_rows.tokens.dtype == np.uint16
    assert isinstance(split.source_rows.tokens.base, np.memmap)


def test_a_second_call_opens_the_first_ones_files(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    first = tokenize_split(pairs, tokenizer, folder, print)
    monkeypatch.setattr(Tokenizer, "encode_source", _fail)
    monkeypatch.setattr(Tokenizer, "encode_target", _fail)
    second = tokenize_split(pairs, tokenizer, folder, print)
    assert second.source_rows.tokens.tolist() == first.source_rows.tokens.tolist()
    copied = _write(tmp_path, "elsewhere", PAIRS)  # the content counts, not the path
    assert len(tokenize_split(copied, tokenizer, folder, print)) == len(PAIRS)
    assert len(list(folder.iterdir())) == 1


def test_changed_text_or_tokenizer_is_encoded_anew(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    tokenize_split(pairs, tokenizer, folder, print)
    changed = [(PAIRS[0][0].upper(), PAIRS[0][1]), *PAIRS[1:]]
    split = tokenize_split(_write(tmp_path, "changed", changed), tokenizer, folder, print)
    assert split.source(0).tolist() == tokenizer.encode_source([changed[0][0]])[0]
    other = train_tokenizer(TokenizerSettings("bpe", 310), pairs, print)
    split = tokenize_split(pairs, other, folder, print)
    assert split.target(1).tolist() == other.encode_target([PAIRS[1][1]])[0]
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_an_interruption_leaves_nothing_behind(
    error: BaseException,
    pairs: PairFiles,
    tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*args: object) -> None:
        raise error

    folder = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "encode_target", interrupt)
        expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else CorpusError
        with pytest.raises(expected):
            tokenize_split(pairs, tokenizer, folder, print)
    assert list(folder.iterdir()) == []
    assert len(tokenize_split(pairs, tokenizer, folder, print)) == len(PAIRS)


def test_disk_trouble_is_a_corpus_error_of_one_line(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CorpusError, match=r"Cannot keep the text's subwords under .*file: Not a d"):
        tokenize_split(pairs, tokenizer, tmp_path / "file", print)
    pairs.target_path.unlink()
    with pytest.raises(CorpusError, match=r"Cannot read .*train\.ko: No such file"):
        tokenize_split(pairs, tokenizer, tmp_path / "cache", print)


def test_a_full_disk_is_a_corpus_error(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    opened = Path.open

    def open_full(path: Path, mode: str = "r", *args: Any, **others: Any) -> Any:
        target = (Path("/dev/full"), "wb") if mode == "xb" else (path, mode)
        return opened(*target, *args, **others)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(CorpusError, match=r"under .*cache: No space left on device .* free space"):
        tokenize_split(pairs, tokenizer, tmp_path / "cache", print)
    assert list((tmp_path / "cache").iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    tokenize_split(pairs, tokenizer, folder, print)
    [home] = folder.iterdir()
    left = folder / "0123456789ab.unfinished-01234567"
    left.mkdir()
    (left / "source.tokens.npy").write_bytes(b"half")
    tokenize_split(pairs, tokenizer, folder, print)  # already there, and yet
    assert list(folder.iterdir()) == [home]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def _zero_the_header(path: Path) -> None:
    path.write_bytes(bytes(128) + path.read_bytes()[128:])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncate, _zero_the_header, _empty, Path.unlink])
@pytest.mark.parametrize("name", ["source.tokens.npy", "target.offsets.npy"])
def test_damaged_files_are_made_anew_and_said(
    damage: Callable[[Path], None],
    name: str,
    pairs: PairFiles,
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cache"
    whole = tokenize_split(pairs, tokenizer, folder, print).source_rows.tokens.tolist()
    [home] = folder.iterdir()
    damage(home / name)
    said: list[str] = []
    again = tokenize_split(pairs, tokenizer, folder, said.append)
    assert again.source_rows.tokens.tolist() == whole
    assert said == [f"subwords: {home} is damaged and is made anew"]


def test_two_runs_at_once_share_the_faster_ones_files(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "cache"
    tokenize_split(pairs, tokenizer, elsewhere, print)
    [theirs] = elsewhere.iterdir()
    rename = Path.rename

    def slower(path: Path, home: Path) -> Path:
        shutil.copytree(theirs, home)
        return rename(path, home)

    monkeypatch.setattr(Path, "rename", slower)
    split = tokenize_split(pairs, tokenizer, folder, print)
    assert split.source(3).tolist() == tokenizer.encode_source([PAIRS[3][0]])[0]
    assert [path.name for path in folder.iterdir()] == [theirs.name]


class _WideTokenizer:
    """Ids above 65,535, as a very large vocabulary has them."""

    fingerprint = "wide"
    source_vocabulary_size = 1 << 16
    target_vocabulary_size = (1 << 16) + 1

    def encode_source(self, sentences: list[str]) -> list[list[int]]:
        return [[(1 << 16) - 1] for _ in sentences]

    def encode_target(self, sentences: list[str]) -> list[list[int]]:
        return [[1 << 16] for _ in sentences]


def test_ids_have_16_bits_where_the_vocabulary_fits_and_32_elsewhere(
    pairs: PairFiles, tmp_path: Path
) -> None:
    split = tokenize_split(pairs, _WideTokenizer(), tmp_path, print)  # type: ignore[arg-type]
    assert (split.source_rows.tokens.dtype, split.target_rows.tokens.dtype) == (np.uint16, np.int32)
    batch = collate(split, np.array([4]))
    assert batch.source.tolist() == [[65535, END]]
    assert batch.target.tolist() == [[BEGIN, 65536, END]]


def test_progress_is_said(
    pairs: PairFiles, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized, "_CHUNK", 5)
    monkeypatch.setattr(tokenized, "_REPORT_EVERY", 10)
    said: list[str] = []
    tokenize_split(pairs, tokenizer, tmp_path / "cache", said.append)
    assert said == [f"subwords: {done} of 30 pairs" for done in (10, 20, 30)]


@pytest.mark.skipif(not MULTI30K.exists(), reason="Multi30k is not here")
def test_multi30k_goes_there_and_back_with_little_padding(tmp_path: Path) -> None:
    with (MULTI30K / "train.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    pairs = _write(tmp_path, "train", [(row["en"].strip(), row["de"].strip()) for row in rows])
    tokenizer = train_tokenizer(TokenizerSettings("bpe", 4000), pairs, print)
    assert tokenizer.source_vocabulary_size == 4000
    split = tokenize_split(pairs, tokenizer, tmp_path / "cache", print)
    ids = [split.target(row).tolist() for row in range(len(split))]
    assert tokenizer.decode_target(ids) == [pair.target for pair in pairs]
    share = padding_share(split, batch_tokens=1000, seed=1, epoch=0)
    assert share.source < 0.06
    assert share.target < 0.005
