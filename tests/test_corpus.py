"""Preparing a corpus: what is kept, dropped, cut off and written, against hand-made cases."""

from __future__ import annotations

import itertools
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from seq2seq.config import CorpusSettings
from seq2seq.errors import CorpusError
from seq2seq.text import corpus as corpus_module
from seq2seq.text import sources
from seq2seq.text.corpus import Corpus, SplitSummary, load_corpus
from seq2seq.text.readers import RawPair

EN_DE = CorpusSettings(
    name="data",
    source_language="en",
    target_language="de",
    max_words=5,
    validation_pairs=2,
    test_pairs=2,
)
MULTI30K = Path(
    os.environ.get(
        "SEQ2SEQ_MULTI30K", Path(__file__).parents[1] / ".." / "shared" / "data" / "multi30k"
    )
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**splits: list[tuple[object, object]]) -> None:
    """Write a folder `data` with a JSON lines file for each split."""
    folder = Path("data")
    folder.mkdir(exist_ok=True)
    for split, pairs in splits.items():
        lines = [json.dumps({"en": source, "de": target}) for source, target in pairs]
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def load(
    settings: CorpusSettings = EN_DE, folder: str = "prepared", messages: list[str] | None = None
) -> Corpus:
    return load_corpus(settings, Path(folder), ([] if messages is None else messages).append)


def error_of(settings: CorpusSettings = EN_DE, folder: str = "prepared") -> str:
    with pytest.raises(CorpusError) as caught:
        load(settings, folder)
    assert "\n" not in str(caught.value)
    assert not [path.name for path in Path().glob("prepared/*.unfinished-*")]
    return str(caught.value)


def numbered(count: int) -> list[tuple[object, object]]:
    return [(f"source {number}", f"target {number}") for number in range(count)]


# Cleaning, counting and overlap


LONG_SIDE = "six words are one too many"
DIRTY: list[tuple[object, object]] = [
    ("one", "eins"),
    ("  two\ttwo ", "zwei\u2028zwei"),
    ("one", "eins"),  # exact duplicate
    (" one", "eins\n"),  # and one more, once cleaned
    ("one", "Eins"),  # another translation of the same source
    ("", "leer"),  # empty side
    ("empty", " \ufeff "),  # empty side
    (None, "null"),  # not text
    ("number", 3),  # not text
    (LONG_SIDE, "lang"),  # over-long
    ("x" * 60, "y"),  # absurd length ratio
    ("in both", "in beiden"),  # source is in test and validation
    ("in long", "in lang"),  # source is in long
]


def test_every_pair_is_kept_or_counted_under_its_reason() -> None:
    evaluation: list[tuple[object, object]] = [("in both", "a"), (LONG_SIDE * 2, "b"), ("c", "d")]
    write(
        train=DIRTY,
        val=evaluation,
        test=[*evaluation, *evaluation, ("", "x"), (None, "y"), ("x" * 60, "y")],
        long=[("in long", "z")],
    )
    corpus = load()
    assert list(corpus.splits) == ["train", "validation", "test", "long"]
    assert list(corpus.splits["train"]) == [
        ("one", "eins"),
        ("two two", "zwei zwei"),
        ("one", "Eins"),
    ]
    assert list(corpus.splits["validation"]) == evaluation
    # A test keeps duplicates, long and unlike sentences: it must stay comparable.
    assert list(corpus.splits["test"]) == [*evaluation, *evaluation, ("x" * 60, "y")]
    assert corpus.found == {"train": 13, "validation": 3, "test": 9, "long": 1}
    assert corpus.drops == {
        "train": {
            "exact duplicate": 2,
            "empty side": 2,
            "not text": 2,
            "over-long": 1,
            "source is in test": 2,  # "x" * 60 too: overlap goes before the length ratio
            "source is in long": 1,
        },
        "validation": {},
        "test": {"empty side": 1, "not text": 1},
        "long": {},
    }


def test_the_length_ratio_is_counted() -> None:
    write(train=[*numbered(2), ("x" * 60, "y")], val=numbered(1), test=[("t", "t")])
    assert load().drops["train"] == {"source is in validation": 1, "absurd length ratio": 1}


def test_the_summary_has_a_row_for_each_split() -> None:
    write(train=[*DIRTY[:3], ("a b c", "d")], val=[("v", "w w")], test=[("t t", "u")])
    corpus = load()
    assert list(corpus.rows()) == [
        SplitSummary("train", 4, 3, {"exact duplicate": 1}, 2.0, 4 / 3),
        SplitSummary("validation", 1, 1, {}, 1.0, 2.0),
        SplitSummary("test", 1, 1, {}, 2.0, 1.0),
    ]
    assert list(corpus.summary()) == [
        "train: 3 of 4 pairs kept, 2.0 and 1.3 words on average; dropped: 1 exact duplicate",
        "validation: 1 of 1 pairs kept, 1.0 and 2.0 words on average",
        "test: 1 of 1 pairs kept, 2.0 and 1.0 words on average",
    ]


# The cut


def test_missing_splits_are_cut_off_by_source() -> None:
    copies: list[tuple[object, object]] = [
        (f"source {number % 40}", f"target {number}") for number in range(100)
    ]
    write(train=copies)
    settings = replace(EN_DE, validation_pairs=7, test_pairs=1000)
    corpus = load(settings)
    by_split = {split: set(pairs) for split, pairs in corpus.splits.items()}
    # 7 pairs for validation; a tenth of 100 for the test. Each source stands 2 or 3 times, so that
    # these numbers may be missed by 1.
    validation, test = len(corpus.splits["validation"]), len(corpus.splits["test"])
    assert validation in (6, 7)
    assert test in (9, 10)
    assert len(corpus.splits["train"]) == 100 - validation - test
    assert corpus.found == {"train": 100, "validation": validation, "test": test}
    assert corpus.drops["train"] == {
        "cut off for validation": validation,
        "cut off for test": test,
    }
    assert set.union(*by_split.values()) == set(copies)
    sources_of = [{pair.source for pair in pairs} for pairs in by_split.values()]
    assert all(not one & other for one, other in itertools.combinations(sources_of, 2))
    # In the order of the source, each.
    train = [pair for pair in copies if pair in by_split["train"]]
    assert list(corpus.splits["train"]) == train


def test_the_cut_depends_on_the_split_seed_and_not_on_order_or_filters() -> None:
    write(train=[*numbered(200), *((f"{LONG_SIDE} {number}", "x") for number in range(200))])
    settings = replace(EN_DE, test_pairs=20, validation_pairs=20)
    tests = {}
    for name, other in {
        "same": settings,
        "seed": replace(settings, split_seed=1),
        "filters": replace(settings, max_words=50, max_length_ratio=100),
    }.items():
        tests[name] = set(load(other).splits["test"])
    assert tests["filters"] == tests["same"]
    assert len(tests["seed"] & tests["same"]) < 10
    assert any(pair.source.startswith(LONG_SIDE) for pair in tests["same"])
    write(train=[*((f"{LONG_SIDE} {number}", "x") for number in range(200)), *numbered(200)])
    assert set(load(settings).splits["test"]) == tests["same"]


def test_a_missing_validation_shares_no_source_with_the_own_test() -> None:
    write(train=[*numbered(20), *numbered(20)], test=numbered(15))
    corpus = load()
    assert corpus.drops["train"] == {
        "exact duplicate": 20,
        "source is in test": 15,
        "cut off for validation": 1,  # at most a tenth of 5, but one at least
    }
    assert len(corpus.splits["train"]) == 4
    assert len(corpus.splits["test"]) == 15


def test_three_sources_are_just_enough() -> None:
    write(train=[("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1"), ("c", "2")])
    found = ["".join(pair.source for pair in pairs) for pairs in load().splits.values()]
    assert sorted(found) == ["aa", "bb", "cc"]


texts = st.text(alphabet="ab \n\u2028", max_size=3)
values = st.one_of(texts, st.none())
pair_lists = st.lists(st.tuples(values, values), max_size=40)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(train=pair_lists, own_test=pair_lists, has_test=st.booleans())
def test_invariants_of_any_corpus(
    train: list[tuple[object, object]], own_test: list[tuple[object, object]], has_test: bool
) -> None:
    for path in Path().glob("data/*"):
        path.unlink()
    write(train=train, **({"test": own_test} if has_test else {}))
    try:
        corpus = load()
    except CorpusError as error:
        assert any(  # noqa: PT017
            words in str(error)
            for words in ("distinct source sentences", "pair is left", "pair of the split test")
        )
        return
    for split, pairs in corpus.splits.items():
        assert len(list(pairs)) == len(pairs) > 0
        assert corpus.found[split] == len(pairs) + sum(corpus.drops[split].values())
        assert all(pair.source and pair.target for pair in pairs)
        texts_of_split = [path.read_bytes() for path in (pairs.source_path, pairs.target_path)]
        assert [text.count(b"\n") for text in texts_of_split] == [len(pairs)] * 2
    assert corpus.found["train"] == len(train)
    assert max(Counter(corpus.splits["train"]).values()) == 1
    sources_of = {split: {pair.source for pair in pairs} for split, pairs in corpus.splits.items()}
    assert not sources_of["train"] & (sources_of["test"] | sources_of["validation"])


# The prepared folder


def test_the_files_are_plain_text_that_anybody_reads() -> None:
    write(train=numbered(3), val=[("v", "größe")], test=[("t", "u")])
    corpus = load()
    folder = Path("prepared") / corpus.fingerprint
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["corpus.json"]
        + [
            f"{split}.{language}{ending}"
            for split in ("train", "validation", "test")
            for language in ("en", "de")
            for ending in ("", ".index.npy")
        ]
    )
    assert (folder / "validation.de").read_text(encoding="utf-8") == "größe\n"
    document = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    assert document["splits"]["train"]["kept"] == 3
    assert document["languages"] == ["en", "de"]


def test_a_second_load_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    write(train=DIRTY, val=[("v", "w")], test=[("t", "u")])
    first = load()

    def no_reading(*_: object) -> Iterator[RawPair]:
        raise AssertionError("the corpus was read again")

    monkeypatch.setattr(sources, "read_file", no_reading)
    second = load()
    assert second.fingerprint == first.fingerprint
    assert (second.found, second.drops, second.mean_words) == (
        first.found,
        first.drops,
        first.mean_words,
    )
    assert list(second.splits["train"]) == list(first.splits["train"])
    Path("data").rename("moved")  # the same content elsewhere
    assert load(replace(EN_DE, name="moved")).fingerprint == first.fingerprint


def test_the_fingerprint_changes_with_all_that_shapes_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(train=numbered(30))
    fingerprints = [load().fingerprint]
    for changed in (
        replace(EN_DE, max_words=6),
        replace(EN_DE, max_length_ratio=2.0),
        replace(EN_DE, split_seed=1),
        replace(EN_DE, test_pairs=1),
        replace(EN_DE, source_language="de", target_language="en"),
    ):
        fingerprints.append(load(changed).fingerprint)
    with monkeypatch.context() as patch:
        patch.setattr(corpus_module, "CLEANING_VERSION", 1000)
        fingerprints.append(load().fingerprint)
    write(train=numbered(31))
    fingerprints.append(load().fingerprint)
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize(
    "damage", ["shorter", "gone", "empty", "no summary", "half a summary", "a list"]
)
def test_a_damaged_folder_is_prepared_again(damage: str) -> None:
    write(train=numbered(3), val=[("v", "w")], test=[("t", "u")])
    corpus = load()
    folder = Path("prepared") / corpus.fingerprint
    match damage:
        case "shorter":
            (folder / "train.en").write_text("source 0\n")
        case "gone":
            (folder / "test.de.index.npy").unlink()
        case "empty":
            (folder / "test.de.index.npy").write_bytes(b"")
        case "a list":
            (folder / "corpus.json").write_text("[]")
        case "no summary":
            (folder / "corpus.json").unlink()
        case _:
            (folder / "corpus.json").write_text('{"splits": ')
    assert list(load().splits["train"]) == numbered(3)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_preparation_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def stop(*_: object) -> None:
        raise interruption

    write(train=numbered(3), val=[("v", "w")], test=[("t", "u")])
    with monkeypatch.context() as patch:
        patch.setattr(corpus_module, "quality_drop", stop)
        with pytest.raises(interruption):
            load()
    assert list(Path("prepared").iterdir()) == []
    assert len(load().splits["train"]) == 3


def test_leftovers_of_a_killed_preparation_are_removed() -> None:
    write(train=numbered(3), val=[("v", "w")], test=[("t", "u")])
    left = Path("prepared/of another corpus.unfinished-0")
    left.mkdir(parents=True)
    (left / "train.en").write_text("half a line")
    fingerprint = load().fingerprint
    assert [path.name for path in Path("prepared").iterdir()] == [fingerprint]


def test_two_processes_at_once_end_with_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    write(train=numbered(3), val=[("v", "w")], test=[("t", "u")])
    rename = Path.rename

    def overtaken(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        load()  # the other process finishes first
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    corpus = load()
    assert [path.name for path in Path("prepared").iterdir()] == [corpus.fingerprint]


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    write(train=numbered(3), val=[("v", "w")], test=[("t", "u")])
    Path("prepared").write_text("a file in the way")
    assert error_of().startswith("The prepared corpus cannot be written under prepared: ")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus_module.PairWriter, "write", full)
    assert error_of(folder="elsewhere") == (
        "The prepared corpus cannot be written under elsewhere: No space left on device. "
        "Make room there, or let the folder be written."
    )
    assert list(Path("elsewhere").iterdir()) == []


def test_a_column_name_that_is_no_file_name() -> None:
    Path("a.tsv").write_text("text/en\ttext%de\none\teins\ntwo\tzwei\nthree\tdrei\n")
    settings = replace(EN_DE, name="a.tsv", source_language="text/en", target_language="text%de")
    corpus = load(settings)
    assert corpus.splits["train"].source_path.name == "train.text%2Fen"
    assert corpus.splits["train"].target_path.name == "train.text%25de"


def test_progress_is_told_every_so_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "_BLOCK", 10)
    monkeypatch.setattr(corpus_module, "_REPORT_EVERY", 20)
    write(train=numbered(45), val=[("v", "w")], test=[("t", "u")])
    messages: list[str] = []
    load(messages=messages)
    assert messages == ["train: 20 pairs read", "train: 40 pairs read"]


# What cannot be a corpus


def test_nothing_left_to_learn_from() -> None:
    empty: list[tuple[object, object]] = [("", "x")] * 100
    own = {"val": [("v", "w")], "test": [("t", "u")]}
    write(train=[*empty, *((f"{LONG_SIDE} {n}", "x") for n in range(20))], **own)  # type: ignore[arg-type]
    assert error_of() == (
        "data: no training pair is left. 120 pairs read: 100 empty side, 20 over-long."
    )
    write(train=[])
    assert error_of() == "data: no training pair is left. 0 pairs read."


def test_nothing_left_to_cut() -> None:
    write(train=[("", "x")] * 3)
    assert error_of() == "data: no training pair is left. 3 pairs read: 3 empty side."


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (
            {"train": [("a", "1"), ("a", "2"), ("b", "1")]},
            "data has 2 distinct source sentences to learn from; at least 3 are needed to cut off "
            "test and validation. Give it more pairs, or these splits of its own.",
        ),
        (
            {"train": [("a", "1")], "test": [("t", "u")]},
            "data has 1 distinct source sentences to learn from; at least 2 are needed to cut off "
            "validation. Give it more pairs, or these splits of its own.",
        ),
        (
            {"train": [("a", "1")], "test": [("", "u"), (None, "x")]},
            "data: no pair of the split test is left. 2 pairs read: 1 empty side, 1 not text. In a "
            "local copy without this split, one is cut off from the training pairs.",
        ),
        (
            {"test": [("t", "u")], "val": [("t", "u")]},
            "data has the splits test, validation, but no train to learn from.",
        ),
    ],
)
def test_too_little(splits: dict[str, list[tuple[object, object]]], message: str) -> None:
    write(**splits)
    assert error_of() == message


def test_a_fault_in_the_middle_of_a_file_leaves_nothing() -> None:
    Path("data.en").write_text("one\ntwo\n")
    Path("data.de").write_text("eins\n")
    assert error_of() == (
        "data.de ends at line 1, but its partner goes on. "
        "Line n of data.de must translate line n of data.en."
    )
    assert list(Path("prepared").iterdir()) == []


# Size, and real text


def test_memory_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "_BLOCK", 512)
    with Path("data.en").open("w") as source, Path("data.de").open("w") as target:
        for number in range(20_000):
            source.write(f"{number} {'words ' * 60}\n")
            target.write(f"{number} {'Worte ' * 60}\n")
    assert Path("data.en").stat().st_size > 7e6
    settings = replace(EN_DE, max_words=100)
    tracemalloc.start()
    corpus = load(settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(corpus.splits["train"]) == 20_000 - 4
    assert peak < 4e6  # a block of pairs, and some bytes for each pair; the text has 15 MB


@pytest.mark.skipif(not MULTI30K.is_dir(), reason="Multi30k is not here")
def test_multi30k() -> None:
    corpus = load(CorpusSettings(str(MULTI30K), source_language="en", target_language="de"))
    assert corpus.found == {"train": 29_000, "validation": 1_014, "test": 1_000}
    assert corpus.drops == {
        "train": {
            "exact duplicate": 3,
            "absurd length ratio": 2,
            "source is in validation": 1,
        },
        "validation": {},
        "test": {},
    }
    assert corpus.splits["test"][0] == (
        "A man in an orange hat starring at something.",
        "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
    )
