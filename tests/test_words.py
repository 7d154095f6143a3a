"""What counts as a word, by hand."""

from __future__ import annotations

import pytest

from seq2seq.text.words import count_words, spacing_of, words_of


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("", 0),
        ("Yes.", 1),
        ("A man walks.", 3),
        ("Ein Mann geht über Land.", 5),
        ("남자가 걷는다.", 2),  # Korean has spaces
        ("我们走。", 4),  # three characters, and the full stop
        ("犬 and 猫", 3),
        ("ไป", 2),
    ],
)
def test_words_stand_between_spaces_or_are_characters_of_unspaced_scripts(
    sentence: str, words: int
) -> None:
    assert count_words(sentence) == words


def test_words_lose_their_punctuation_and_keep_their_case() -> None:
    assert words_of("Don't go, well-known Müller! 책을 3.5") == [
        "Don't", "go", "well-known", "Müller", "책을", "3", "5",
    ]  # fmt: skip
    assert words_of("我们走。Don't, 3月の") == ["我", "们", "走", "Don't", "3", "月", "の"]


@pytest.mark.parametrize(
    ("sentences", "spacing"),
    [
        ([], "spaces"),
        ([""], "spaces"),
        (["A man walks."], "spaces"),
        (["남자가 걷는다."], "spaces"),
        (["Она идёт домой.", "我们走。"], "spaces"),  # one line of another language
        (["我们走。", "他在读 Tolstoy 的书，她也在读。"], "han"),
        (["我 们 走 。"], "han"),  # already split
        (["彼は本を読んでいます。"], "none"),
        (["ผู้ชายกำลังอ่านหนังสือ"], "none"),
    ],
)
def test_how_a_text_is_written(sentences: list[str], spacing: str) -> None:
    assert spacing_of(sentences) == spacing
