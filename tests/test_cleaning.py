"""Cleaning and the reasons to drop a pair, against hand-made cases."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.cleaning import (
    ABSURD_LENGTH_RATIO,
    OVER_LONG,
    clean_sentence,
    quality_drop,
)


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("A man.", "A man."),
        ("", ""),
        ("   ", ""),
        ("  two   spaces ", "two spaces"),
        ("tab\there", "tab here"),
        ("line\nfeed", "line feed"),
        ("carriage\r\nreturn\r", "carriage return"),
        ("separators\u2028of\u2029lines", "separators of lines"),
        ("next\x85line", "next line"),
        ("vertical\x0bfile\x1cgroup\x1d", "vertical file group"),
        ("null\x00bell\x07escape\x1bdelete\x7f", "null bell escape delete"),
        ("no-break\u00a0space\u202f!", "no-break space !"),
        ("ideographic\u3000space", "ideographic space"),
        ("\ufeffmarked\ufeff", "marked"),
        ("\ufeff \x00", ""),
        ("cafe\u0301", "caf\u00e9"),
        ("e\ufeff\u0301", "\u00e9"),  # the accent meets its letter once the mark is gone
        ("\u1112\u1161\u11ab", "\ud55c"),  # Hangul letters make a syllable
        ("a\u200db", "a\u200db"),  # a joiner is part of Persian, Hindi and emoji
    ],
)
def test_a_cleaned_sentence_is_one_line_in_normal_form_c(given_text: str, cleaned: str) -> None:
    assert clean_sentence(given_text) == cleaned


@pytest.mark.parametrize("value", [None, 3, 2.5, True, ["a"], {"a": "b"}, b"bytes", "half \ud83d"])
def test_what_is_not_text_is_none(value: object) -> None:
    assert clean_sentence(value) is None


@given(st.text())
def test_cleaning_twice_is_cleaning_once_and_leaves_no_line_break(text: str) -> None:
    cleaned = clean_sentence(text)
    assert cleaned is not None
    assert clean_sentence(cleaned) == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(character) == "Cc" for character in cleaned)


@given(st.text())
def test_cleaning_loses_nothing_but_marks_controls_and_spaces(text: str) -> None:
    def essence(value: str) -> str:
        kept = (
            character
            for character in value
            if not character.isspace()
            and unicodedata.category(character) != "Cc"
            and character != "\ufeff"
        )
        return unicodedata.normalize("NFD", "".join(kept))

    assert essence(clean_sentence(text) or "") == essence(text)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("a b c", "d e f", None),
        ("a b c d e f", "g", OVER_LONG),
        ("g", "a b c d e f", OVER_LONG),
        ("a b c d e", "f", None),  # exactly the limit
        ("abcdef", "g", None),  # more characters than the limit, but one word
        ("我们走一二", "g", None),
        ("我们走一二三", "g", OVER_LONG),
        ("x" * 39, "y", None),  # short sentences are exempt
        ("x" * 40, "y" * 4, None),  # exactly ten times
        ("x" * 41, "y" * 4, ABSURD_LENGTH_RATIO),
        ("y" * 4, "x" * 41, ABSURD_LENGTH_RATIO),
    ],
)
def test_quality_drop(source: str, target: str, reason: str | None) -> None:
    assert quality_drop(source, target, max_words=5, max_length_ratio=10) == reason
