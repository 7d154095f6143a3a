"""English word forms by rule: plurals, verb endings, comparison and the indefinite article.

Irregular forms stand in the lexicon beside their word; here is what is regular.
"""

from __future__ import annotations

import re

_ONE_SHORT_SYLLABLE = re.compile(r"^[^aeiou]*[aeiou][^aeiouwxy]$")
_HISSING = ("s", "x", "z", "ch", "sh")
_IN_OES = ("go", "do", "potato", "tomato", "mango")
_SOUNDS_CONSONANT = ("uni", "use", "eu", "one")
_SOUNDS_VOWEL = ("hour", "honest")


def _y_to_i(word: str) -> bool:
    return word.endswith("y") and word[-2] not in "aeiou"


def add_s(word: str) -> str:
    """The plural of a noun or third person of a verb: books, boxes, cities; goes, studies."""
    if _y_to_i(word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(_HISSING) or word.endswith(_IN_OES) else "s")


def _before_vowel(word: str) -> str:
    """The word as it stands before -ed, -ing, -er: hug → hugg-, bake → bak-."""
    if word.endswith("e") and not word.endswith("ee"):
        return word[:-1]
    return word + word[-1] if _ONE_SHORT_SYLLABLE.match(word) else word


def add_ed(word: str) -> str:
    """The regular past: walked, baked, hugged, studied (no verb here ends in -ee)."""
    return word[:-1] + "ied" if _y_to_i(word) else _before_vowel(word) + "ed"


def add_ing(word: str) -> str:
    """The present participle: walking, baking, hugging, studying."""
    return _before_vowel(word) + "ing"


def comparative(adjective: str) -> str:
    """Bigger, happier, cheaper; of two syllables and more: more famous."""
    irregular = {"good": "better", "bad": "worse", "far": "farther", "narrow": "narrower"}
    if adjective in irregular:
        return irregular[adjective]
    if _y_to_i(adjective) and len(re.findall("[aeiouy]+", adjective)) == 2:
        return adjective[:-1] + "ier"
    if len(re.findall("[aeiou]+", adjective.removesuffix("e"))) > 1 or " " in adjective:
        return "more " + adjective
    return _before_vowel(adjective) + "er"


def superlative(adjective: str) -> str:
    """Biggest, happiest; most famous."""
    irregular = {"good": "best", "bad": "worst", "far": "farthest", "narrow": "narrowest"}
    if adjective in irregular:
        return irregular[adjective]
    form = comparative(adjective)
    return form.replace("more ", "most ") if form.startswith("more ") else form[:-1] + "st"


def indefinite_article(next_word: str) -> str:
    """`a` or `an`, by the sound that follows: a book, an egg, a uniform, an honest man."""
    if next_word.startswith(_SOUNDS_CONSONANT):
        return "a"
    return "an" if next_word[0] in "aeiou" or next_word.startswith(_SOUNDS_VOWEL) else "a"
