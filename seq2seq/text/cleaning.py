"""What a sentence pair must be to be learnt from: cleaned text, and the reasons to drop a pair.

Pairs are cleaned and dropped whole, and every drop has a reason that is counted. The reasons that
judge quality hold for the training split alone: a test must stay comparable, so evaluation
sentences are dropped only where there is nothing to translate or nothing to compare with.
"""

from __future__ import annotations

import re
import unicodedata

from seq2seq.text.words import count_words

# Part of every prepared corpus' fingerprint: raise it when a rule below changes.
CLEANING_VERSION = 1

NOT_TEXT = "not text"
EMPTY_SIDE = "empty side"
EXACT_DUPLICATE = "exact duplicate"
OVER_LONG = "over-long"
ABSURD_LENGTH_RATIO = "absurd length ratio"

# Pairs whose longer side has fewer characters than this are never absurd: "네." may well be
# "Yes, of course I will.", and Chinese says in 4 characters what English says in 20.
SHORT_SENTENCE = 40

_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def clean_sentence(value: object) -> str | None:
    """One line of Unicode normal form C with single spaces, or None where the value is not text.

    Line breaks of every kind, tabs and other control characters become a space; a byte order mark
    goes. Runs of white space become one space, because SentencePiece reads them as one as well:
    sentences that differ in nothing else are the same sentence to the model, and a duplicate.
    A second cleaning changes nothing.

    Not text are values that are no strings (null, a number), and strings with half a surrogate
    pair, which JSON can express and UTF-8 cannot.
    """
    if not isinstance(value, str):
        return None
    is_plain = value.isprintable()  # of all white space, only spaces: most sentences are so
    if not is_plain:
        if _HALF_A_CHARACTER.search(value):
            return None
        value = _CONTROL.sub(" ", value.replace("\ufeff", ""))
    value = " ".join(value.split()) if not is_plain or "  " in value else value.strip(" ")
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def quality_drop(source: str, target: str, max_words: int, max_length_ratio: float) -> str | None:
    """The reason to keep a cleaned pair out of training, or None.

    The length ratio counts characters, not words, which Chinese does not separate. A sentence of
    English is about 2 times as long as its Korean and 3 to 4 times as long as its Chinese.
    """
    shorter, longer = sorted((len(source), len(target)))
    # A word has at least one character: most pairs need no counting.
    if longer > max_words and max(count_words(source), count_words(target)) > max_words:
        return OVER_LONG
    if longer >= SHORT_SENTENCE and longer > max_length_ratio * shorter:
        return ABSURD_LENGTH_RATIO
    return None
