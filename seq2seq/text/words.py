"""What counts as a word, also in scripts that put no spaces between words.

There every character counts as one: a line of Chinese is not one long word, for which BLEU would
have no pair of neighbours and the longest sentence would be as long as the shortest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

# Han, and besides it Thai, Lao, Burmese, Khmer and kana.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_OTHER = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
_IS_HAN, _IS_OTHER = re.compile(f"[{_HAN}]"), re.compile(f"[{_OTHER}]")
_IS_UNSPACED = re.compile(f"[{_HAN}{_OTHER}]")
_BETWEEN_SPACES = re.compile(rf"[{_HAN}{_OTHER}]|[^\s{_HAN}{_OTHER}]+")
_LETTER = rf"[^\W{_HAN}{_OTHER}]"
_WITHOUT_PUNCTUATION = re.compile(rf"[{_HAN}{_OTHER}]|{_LETTER}+(?:['’-]{_LETTER}+)*")

Spacing = Literal["spaces", "han", "none"]
"""What separates the words of a text: spaces; nothing, in Chinese; nothing, in other scripts."""


def count_words(sentence: str) -> int:
    """Words of a cleaned sentence: what stands between spaces.

    In scripts written without spaces (Chinese, Japanese, Thai, ...) every character counts as one
    word, as in sacreBLEU's Chinese tokenisation.
    """
    if sentence.isascii() or not _IS_UNSPACED.search(sentence):
        return sentence.count(" ") + 1 if sentence else 0
    return len(_BETWEEN_SPACES.findall(sentence))


def words_of(sentence: str) -> list[str]:
    """Words without their punctuation, cased; characters where there are no spaces."""
    return _WITHOUT_PUNCTUATION.findall(sentence)


def spacing_of(sentences: Iterable[str]) -> Spacing:
    """How a text is written: without spaces if that is so of more than half of its characters.

    It is `han` unless more than a tenth of those are of other scripts: the kana of Japanese are.
    """
    characters = han = other = 0
    for sentence in sentences:
        characters += len(sentence) - sentence.count(" ")
        if not sentence.isascii():
            han += len(_IS_HAN.findall(sentence))
            other += len(_IS_OTHER.findall(sentence))
    if 2 * (han + other) <= characters:
        return "spaces"
    return "han" if 10 * other <= han + other else "none"
