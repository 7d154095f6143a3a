"""Draws people and things, with determiners, numbers and adjectives that suit them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from seq2seq.text.phrasebook import lexicon
from seq2seq.text.phrasebook.lexicon import Adjective, Name, Noun, Place, Verb
from seq2seq.text.phrasebook.meaning import Both, NounPhrase, Oblique, Person, Phrase, Someone
from seq2seq.text.phrasebook.times import T, Times

PEOPLE, ANIMALS = lexicon.NOUNS["man"], lexicon.NOUNS["animal"]
SMALL_THINGS = [
    noun
    for group in ("text", "fruit", "snack", "pen", "stationery", "headwear", "handwear")
    for noun in lexicon.NOUNS[group]
    if noun.plural
] + [lexicon.noun(word) for word in ("key", "wallet", "cup", "plate", "doll", "ball", "camera")]
_HOME = lexicon.noun("home")
_AT_HOME = ("home", "rest", "read", "study", "cook", "eat", "drink")
_NO_JOBS = ("man", "woman", "boy", "girl", "child", "king", "queen", "prince", "princess")
JOBS = [noun for noun in PEOPLE if noun.english not in _NO_JOBS]
_FEW_ONLY = ("keys", "strings", "winds", "machine", "vehicle", "ride", "house", "ship", "surface")
_ONE_AT_A_TIME = ("drive", "ride", "take", "play", "push", "learn", "teach")
_RATHER_ONE = (
    *("indoors", "outdoors", "container", "opening"),
    *("clothes", "headwear", "handwear"),
)
_ONE_EACH = ("wife", "husband")


def index(entries: Sequence[T], field: str) -> dict[Noun | Name, list[T]]:
    """For each noun, the entries (verbs, adjectives) that name it in a field."""
    found: dict[Noun | Name, list[T]] = {}
    for entry in entries:
        for noun in getattr(entry, field):
            found.setdefault(noun, []).append(entry)
    return found


_ATTRIBUTIVE = [entry for entry in lexicon.ADJECTIVES if "predicate" not in entry.remarks]
_ADJECTIVES_OF = index(_ATTRIBUTIVE, "describes")


def _places_for() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in lexicon.PLACES:
        for activity in sorted(place.activities):
            found.setdefault(activity, []).append(place)
    return found


_PLACES_FOR = _places_for()


class Phrases(Times):
    """Draws phrases; `richness` (0 to 1) is how much stands with each noun.

    Within one sentence no word is drawn twice, so that nobody meets himself.
    """

    def __init__(self, generator: random.Random, richness: float) -> None:
        super().__init__(generator)
        self._richness = richness
        self._used: set[object] = set()
        self._pronouns: tuple[str, ...] = ()

    def fresh(self, choices: Sequence[T]) -> T:
        """One that this sentence does not have yet, if there is any such."""
        for _ in range(8):
            choice = self.one(choices)
            if choice not in self._used:
                break
        self._used.add(choice)
        return choice

    # People

    def person(self) -> Phrase:
        """Somebody who does something."""
        if self.happens(0.04):
            return Both(self.named(), self.relation())
        if self.happens(0.45):
            return self.somebody(self.fresh(PEOPLE))
        return self.known_person()

    def begin(self, pronouns: tuple[str, ...]) -> None:
        """Start a new sentence, in which these pronouns may be subjects."""
        self._used.clear()
        self._pronouns = pronouns

    def known_person(self, pronouns: tuple[str, ...] = ()) -> Phrase:
        """Somebody who can be spoken about: a name, a pronoun, my friend, the man."""
        pronouns = pronouns or self._pronouns
        kind = self.weighted({"noun": 0.38, "name": 0.3, "pronoun": 0.2, "kin": 0.12})
        if kind == "pronoun" and not any(lexicon.PRONOUNS[word] in self._used for word in pronouns):
            return Someone(self.fresh([lexicon.PRONOUNS[word] for word in pronouns]))
        if kind == "kin":
            return self.relation()
        if kind == "noun":
            noun = self.fresh(PEOPLE)
            return NounPhrase(noun, "the", self.happens(0.2), adjective=self.adjective(noun))
        return self.named()

    def named(self) -> Person:
        """Somebody by name."""
        return Person(self.fresh(lexicon.NAMES))

    def relation(self, noun: Noun | None = None) -> NounPhrase:
        """My friend, Anna's son."""
        noun = noun or self.fresh(lexicon.NOUNS["kin"])
        if noun.english in _ONE_EACH:
            names = [name for name in lexicon.NAMES if name.pronoun != noun.pronoun]
            owner = Someone(lexicon.PRONOUNS["I"]) if self.happens(0.4) else None
            return NounPhrase(noun, owner=owner or Person(self.fresh(names)))
        if self.happens(0.5):
            return NounPhrase(noun, owner=self.named(), plural=self.happens(0.1))
        owner = Someone(lexicon.PRONOUNS[self.one(("I", "I", "we"))])
        return NounPhrase(noun, owner=owner, plural=self.happens(0.1))

    def somebody(self, noun: Noun) -> NounPhrase:
        """The man, three men, many men, that man."""
        kind = self.weighted({"the": 0.6, "a": 0.12, "number": 0.14, "many": 0.05, "that": 0.09})
        return self.determined(noun, kind)

    def acquaintance(self) -> Phrase:
        """Somebody to give things to or do things with."""
        if self.happens(0.2):
            return self.other_pronoun()
        return self.relation() if self.happens(0.5) else self.named()

    def other_pronoun(self) -> Someone:
        """Me, us, him, her, them; not the one who acts."""
        used = [word for word, entry in lexicon.PRONOUNS.items() if entry in self._used]
        own = {"I", "we"} if {"I", "we"} & set(used) else {"he", "she", "they"} & set(used)
        words = [word for word in lexicon.PRONOUNS if word not in own]
        return Someone(self.fresh([lexicon.PRONOUNS[word] for word in words]))

    # Things

    def thing(self, verb: Verb, negative: bool = False) -> Phrase:
        """What the verb acts on."""
        noun = self.fresh(verb.takes)
        if isinstance(noun, Noun) and noun.group in ("man", "kin") and self.happens(0.2):
            return self.other_pronoun()
        if isinstance(noun, Noun) and not noun.is_living and self.happens(0.06):
            alike = [n for n in verb.takes if isinstance(n, Noun) and n.group == noun.group]
            if len(alike) > 3 and noun.group not in ("subject", "sport", "city"):
                other = self.fresh(alike)
                kind = self.one(("the", "number")) if noun.plural else "the"
                return Both(self.determined(noun, kind), self.determined(other, kind))
        return self.phrase_for(noun, verb, negative)

    def phrase_for(self, noun: Noun | Name, verb: Verb, negative: bool = False) -> Phrase:
        """A phrase for a noun that the verb acts on."""
        if isinstance(noun, Name):
            return Person(noun)
        if noun.group in ("city", "home", "subject", "sport"):
            return NounPhrase(noun, "")
        if noun.group == "kin":
            return self.relation(noun)
        if verb.english.base in ("like", "love", "hate"):
            return NounPhrase(noun, "the" if noun.group == "man" else "", bool(noun.plural))
        kinds = self._kinds(noun, verb)
        if negative:
            kinds = {kind: p for kind, p in kinds.items() if kind in ("the", "this", "that", "")}
        return self.determined(noun, self.weighted(kinds))

    def _kinds(self, noun: Noun, verb: Verb) -> dict[str, float]:
        """The determiners that suit, and how often."""
        is_place = noun.group in ("indoors", "outdoors", "container", "opening")
        if is_place or verb.english.base in ("live", "sit", "stay"):
            return {"the": 1.0}
        if "state" in verb.remarks and noun.is_living:
            return {"the": 0.7, "this": 0.15, "that": 0.15}
        if verb.english.base == "count":
            return {"the": 0.3, "number": 0.7}
        is_dressing = verb.english.base in ("wear", "take off")
        if noun.always_plural and is_dressing:
            return {"the": 0.5, "": 0.35, "a": 0.15}
        if noun.always_plural or noun.is_mass:
            if not noun.measure:
                return {"the": 1.0}
            return {"the": 0.4, "": 0.25, "number": 0.2, "a": 0.15}
        if is_dressing or verb.english.base in _ONE_AT_A_TIME:
            return {"the": 0.5, "a": 0.3, "this": 0.1, "that": 0.1}
        return {
            "the": 0.42, "a": 0.22, "number": 0.2, "this": 0.05, "that": 0.05, "several": 0.04,
            "many": 0.02,
        }  # fmt: skip

    def determined(self, noun: Noun, kind: str) -> NounPhrase:
        """The noun with a determiner; its number follows."""
        number = self._number(noun) if kind == "number" else None
        countable = not noun.is_mass and not noun.always_plural
        plural = countable and kind in ("number", "several", "many")
        if countable and kind in ("the", "this", "that"):
            share = 0.25 if noun.is_living else 0.06
            plural = noun.group not in _RATHER_ONE and self.happens(share)
        adjective = None if kind == "many" else self.adjective(noun)
        phrase = NounPhrase(noun, kind, plural, number, adjective)
        if adjective and kind == "the" and countable and self.happens(0.12):
            return replace(phrase, superlative="attributive" not in adjective.remarks)
        return phrase

    def _number(self, noun: Noun) -> tuple[str, str]:
        only_few = noun.group in _FEW_ONLY or noun.measure
        few = 4 if only_few or self.happens(0.7) else len(lexicon.NUMBERS)
        return self.one(lexicon.NUMBERS[:few])

    def adjective(self, noun: Noun) -> Adjective | None:
        """An adjective that suits the noun, or none."""
        if noun in _ADJECTIVES_OF and self.happens(0.15 + self._richness * 0.5):
            return self.fresh(_ADJECTIVES_OF[noun])
        return None

    def described(self, noun: Noun | Name) -> Phrase:
        """What can be said to be so."""
        if isinstance(noun, Name):
            return Person(noun)
        if noun.group in ("city", "subject", "sport"):
            return NounPhrase(noun, "")
        if noun.group == "kin":
            return self.relation(noun)
        kind = self.weighted({"the": 0.7, "this": 0.2, "that": 0.1})
        return replace(self.determined(noun, kind), adjective=None, superlative=False)

    # Places

    def place_for(self, activity: str) -> Oblique | None:
        """Where one does such things, if it is any one place."""
        if activity in _AT_HOME and self.happens(0.3):
            return Oblique("at", NounPhrase(_HOME, ""), "에서")
        if activity not in _PLACES_FOR:
            return None
        return self.at(self.fresh(_PLACES_FOR[activity]), "에서")

    def at(self, place: Place, particle: str) -> Oblique:
        """In the (quiet) park."""
        if place.noun.group == "city":
            return Oblique(place.preposition, NounPhrase(place.noun, ""), particle)
        adjective = self.adjective(place.noun) if self.happens(self._richness) else None
        phrase = NounPhrase(place.noun, adjective=adjective)
        position = "옆" if place.preposition == "by" else ""
        return Oblique(place.preposition, phrase, particle, position)
