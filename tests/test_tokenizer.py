"""The tokenizer against the text itself: what goes in comes back, in the same ids, every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq.config import TokenizerSettings
from seq2seq.errors import CorpusError, TokenizerError
from seq2seq.text import tokenizer as module
from seq2seq.text.pair_files import PairFiles, PairWriter
from seq2seq.text.tokenizer import BEGIN, END, PADDING, UNKNOWN, Tokenizer, train_tokenizer

PAIRS = [
    ("The cat sat on the mat.", "고양이가 매트 위에 앉았다."),
    ("A dog runs in the park.", "개가 공원에서 달린다."),
    ("She reads a long book.", "그녀는 긴 책을 읽는다."),
    ("He drinks hot coffee.", "그는 뜨거운 커피를 마신다."),
    ("The children play outside.", "아이들이 밖에서 논다."),
    ("We walk to the station.", "우리는 역까지 걷는다."),
    ("They sing an old song.", "그들은 오래된 노래를 부른다."),
    ("The train is late today.", "오늘은 기차가 늦는다."),
    ("I like the blue house.", "나는 파란 집이 좋다."),
    ("The cat drinks the milk.", "고양이가 우유를 마신다."),
]

Write = Callable[..., PairFiles]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(pairs: Sequence[tuple[str, str]] = PAIRS, name: str = "train") -> PairFiles:
        paths = (tmp_path / f"{name}.source", tmp_path / f"{name}.target")
        with PairWriter(*paths) as writer:
            writer.write(pairs)
        return PairFiles(*paths)

    return write


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp(request.param)
    with PairWriter(folder / "a", folder / "b") as writer:
        writer.write(PAIRS)
    choice = TokenizerSettings(kind=request.param, vocabulary_size=400)
    return train_tokenizer(choice, PairFiles(folder / "a", folder / "b"), lambda line: None)


def _models(tokenizer: Tokenizer, folder: Path) -> list[bytes]:
    tokenizer.save(folder)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
text_as_cleaned = st.text(
    st.characters(codec="utf-8", exclude_characters=LINE_BREAKS + "▁"), max_size=40
)


@given(text=text_as_cleaned)
@example(text="")
@example(text="  two  spaces,\ttab and NUL \0 ")
@example(text="ＦＵＬＬ width, Case, 한국어 ﬁ é e\u0301 ½ 😀👨\u200d👩\u200d👧")
@example(text="<s> </s> <pad> <unk> <0x41> ⁇ ▅ \ufffd \ufeff")
@settings(max_examples=200, deadline=None, derandomize=True)
def test_text_comes_back_as_it_was_and_nothing_is_unknown(trained: Tokenizer, text: str) -> None:
    for encode in (trained.encode_source, trained.encode_target):
        [ids] = encode([text])
        assert all(UNKNOWN < number < trained.target_vocabulary_size for number in ids)
        assert trained.decode_target([ids]) == [text]


def test_the_two_signs_that_do_not_come_back_become_spaces(trained: Tokenizer) -> None:
    texts = ["a▁b", *(f"a{sign}b" for sign in LINE_BREAKS)]
    assert trained.decode_target(trained.encode_target(texts)) == ["a b"] * len(texts)
    assert all(len(f"a{sign}b".splitlines()) == 2 for sign in LINE_BREAKS)
    every_sign = (chr(point) for point in range(sys.maxunicode + 1))
    assert {sign for sign in every_sign if len(f"a{sign}b".splitlines()) > 1} == set(LINE_BREAKS)


def test_decoding_drops_special_ids_and_survives_any_bytes(trained: Tokenizer) -> None:
    [ids] = trained.encode_target(["The cat"])
    noisy = [BEGIN, *ids, UNKNOWN, END, PADDING, PADDING]
    assert trained.decode_target([noisy, [], [BEGIN, END]]) == ["The cat", "", ""]
    byte = trained.encode_target(["\x00"])[0][-1]  # ids of the bytes follow each other
    assert trained.decode_target([[byte + 0xFF], [byte + ord("\n")]]) == ["\ufffd", " "]


def test_pieces_are_readable_one_label_an_id(trained: Tokenizer) -> None:
    [ids] = trained.encode_source(["the ☃é"])
    labels = trained.source_pieces([*ids, END])
    assert len(labels) == len(ids) + 1
    assert labels[-6:] == ["☃", "·", "·", "é", "·", "</s>"]
    assert "".join(labels[:-6]) == "▁the▁"
    byte = trained.encode_target(["\x00"])[0][-1]
    broken = [byte + 0xFF, byte + ord("\n"), byte + 0xE2, byte + 0x98]
    assert trained.target_pieces(broken) == ["0xFF", "0x0A", "0xE2", "0x98"]


def test_special_ids_and_bytes_stand_where_the_model_expects_them(
    trained: Tokenizer, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    ids = (theirs.pad_id(), theirs.bos_id(), theirs.eos_id(), theirs.unk_id())
    assert ids == (PADDING, BEGIN, END, UNKNOWN) == (0, 1, 2, 3)
    assert theirs.encode("The cat sat.") == trained.encode_source(["The cat sat."])[0]
    assert theirs.get_piece_size() == trained.source_vocabulary_size


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_same_text_gives_the_same_model_wherever_it_lies(
    kind: str, write: Write, tmp_path: Path
) -> None:
    choice = TokenizerSettings(kind=kind, vocabulary_size=400)  # type: ignore[arg-type]
    (tmp_path / "a,b").mkdir()
    once = train_tokenizer(choice, write(), print)
    again = train_tokenizer(choice, write(name="a,b/again"), print)
    other = train_tokenizer(choice, write(PAIRS[:-1], name="other"), print)
    assert _models(once, tmp_path / "x") == _models(again, tmp_path / "y")
    assert once.fingerprint == again.fingerprint != other.fingerprint


def test_vocabulary_is_as_large_as_asked_or_lowered_and_said(write: Write) -> None:
    split = write()
    for kind, most in (("unigram", 1000), ("bpe", 1000)):
        said: list[str] = []
        exact = train_tokenizer(TokenizerSettings(kind, 370), split, said.append)  # type: ignore[arg-type]
        assert exact.source_vocabulary_size == exact.target_vocabulary_size == 370
        assert said == []
        lowered = train_tokenizer(TokenizerSettings(kind, most), split, said.append)  # type: ignore[arg-type]
        size = lowered.source_vocabulary_size
        assert 370 <= size < most
        assert said == [f"subwords of both languages: {size}; the text cannot fill 1,000"]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_vocabulary_without_room_for_the_characters_names_the_least_size(
    kind: str, write: Write
) -> None:
    characters = {*"".join(source + target for source, target in PAIRS), "▁"} - {" "}
    least = 4 + 256 + len(characters)
    with pytest.raises(TokenizerError) as caught:
        train_tokenizer(TokenizerSettings(kind, 300), write(), print)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "tokenizer.vocabulary_size is 300; the characters of both languages need at least "
        f"{least}. Raise it, or lower tokenizer.character_coverage from 1.0."
    )
    tokenizer = train_tokenizer(TokenizerSettings(kind, least), write(name="again"), print)  # type: ignore[arg-type]
    assert tokenizer.source_vocabulary_size == least


def test_no_text_and_unreadable_text_are_errors(write: Write) -> None:
    with pytest.raises(TokenizerError, match=r"of both languages has no sentence .* Check the c"):
        train_tokenizer(TokenizerSettings(), write([("", "")]), print)
    split = write(name="gone")
    split.target_path.unlink()
    with pytest.raises(CorpusError, match=r"Cannot read .*gone\.target: No such file"):
        train_tokenizer(TokenizerSettings(), split, print)


def test_one_vocabulary_a_side(write: Write, tmp_path: Path) -> None:
    said: list[str] = []
    short = [("a b", target) for _, target in PAIRS]  # fills no vocabulary
    choice = TokenizerSettings("bpe", vocabulary_size=370, joint=False)
    tokenizer = train_tokenizer(choice, write(short), said.append)
    assert not tokenizer.is_joint
    assert said[0].startswith("subwords of the source language: 26")
    assert len(said) == 1
    assert tokenizer.source_vocabulary_size < tokenizer.target_vocabulary_size == 370
    sentence = "고양이가 앉았다"
    [native], [foreign] = tokenizer.encode_target([sentence]), tokenizer.encode_source([sentence])
    assert len(native) < len(foreign)  # bytes on the side that never saw these characters
    assert tokenizer.decode_target([native]) == [sentence]

    tokenizer.save(tmp_path / "run")
    names = ["tokenizer.source.model", "tokenizer.target.model"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names
    loaded = Tokenizer.load(tmp_path / "run")
    assert loaded.fingerprint == tokenizer.fingerprint
    assert loaded.encode_target([sentence]) == [native]
    assert loaded.encode_source([sentence]) == [foreign]


def test_saving_replaces_a_tokenizer_of_the_other_kind(trained: Tokenizer, tmp_path: Path) -> None:
    [model] = _models(trained, tmp_path / "a")
    Tokenizer(model, model).save(tmp_path / "b")
    trained.save(tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["tokenizer.model"]
    loaded = Tokenizer.load(tmp_path / "b")
    assert loaded.is_joint
    assert loaded.fingerprint == trained.fingerprint != Tokenizer(model, model).fingerprint


def test_every_cut_of_a_model_is_refused(trained: Tokenizer, tmp_path: Path) -> None:
    [model] = _models(trained, tmp_path)
    for length in range(len(model)):
        with pytest.raises(TokenizerError):
            Tokenizer(model[:length])


def test_missing_damaged_and_foreign_files_are_errors_of_one_line(
    trained: Tokenizer, write: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(TokenizerError, match=r"There is no tokenizer in .*run.* trained run\.$"):
        Tokenizer.load(folder)
    trained.save(folder)
    path = folder / "tokenizer.model"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TokenizerError, match=r"tokenizer\.model is not a whole SentencePiece mod"):
        Tokenizer.load(folder)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["some text", "more text"]),
        model_prefix=str(folder / "foreign"),
        vocab_size=100,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "foreign.model").replace(path)
    with pytest.raises(TokenizerError, match=r"tokenizer\.model is a .* other special ids"):
        Tokenizer.load(folder)
    path.unlink()
    path.mkdir()
    with pytest.raises(TokenizerError, match=r"Cannot read .*tokenizer\.model: Is a directory"):
        Tokenizer.load(folder)
    with pytest.raises(TokenizerError, match=r"Cannot write the tokenizer into .*: Is a directory"):
        trained.save(folder)
    with pytest.raises(TokenizerError, match=r"Cannot write the tokenizer into .*: File exists"):
        trained.save(write().source_path)


def test_long_and_reserved_sentences_are_learnt_from(write: Write) -> None:
    """SentencePiece skips sentences above 4,192 bytes, and those with ▅, unless told otherwise."""
    pairs = [*PAIRS, ("ж" * 5000, "▅ ц")]
    tokenizer = train_tokenizer(TokenizerSettings(vocabulary_size=420), write(pairs), print)
    labels = [tokenizer.source_pieces(ids) for ids in tokenizer.encode_source(["жж", "ц"])]
    assert not any("·" in label for label in labels)  # characters of their own, not bytes


def test_a_huge_corpus_is_sampled_and_said(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRAINING_SENTENCES", 8)
    said: list[str] = []
    rare = [("ж ж", "ц ц") if row % 3 else pair for row, pair in enumerate(PAIRS)]
    tokenizer = train_tokenizer(TokenizerSettings(vocabulary_size=350), write(rare), said.append)
    assert said[0] == "subwords of both languages: learnt from one in 3 of 20 sentences"
    assert "·" in tokenizer.source_pieces(tokenizer.encode_source(["ж"])[0])  # never seen
    assert "·" not in tokenizer.source_pieces(tokenizer.encode_source(["The cat 고양이가"])[0])


def test_many_sentences_encode_as_one_by_one(trained: Tokenizer) -> None:
    sentences = [source for source, _ in PAIRS] * 150
    assert len(sentences) > module._SENTENCES_WORTH_A_THREAD
    once = [trained.encode_source([sentence])[0] for sentence in sentences[:10]]
    assert trained.encode_source(sentences) == once * 150
    assert trained.encode_source([]) == trained.decode_target([]) == []


def test_sentencepiece_prints_nothing(tmp_path: Path) -> None:
    """In a process of its own, because its log goes past Python's sys.stderr."""
    program = (
        "import sys; from pathlib import Path\n"
        "from seq2seq.config import TokenizerSettings\n"
        "from seq2seq.errors import TokenizerError\n"
        "from seq2seq.text.pair_files import PairFiles, PairWriter\n"
        "from seq2seq.text.tokenizer import Tokenizer, train_tokenizer\n"
        "a, b = Path(sys.argv[1], 'a'), Path(sys.argv[1], 'b')\n"
        "with PairWriter(a, b) as writer: writer.write([('some text', 'etwas Text')] * 9)\n"
        "for size in (300, 5000):\n"
        "    train_tokenizer(TokenizerSettings('bpe', size), PairFiles(a, b), lambda line: None)\n"
        "try: Tokenizer(b'abc')\n"
        "except TokenizerError: print('refused')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (run.stdout, run.stderr, run.returncode) == ("refused\n", "", 0)
