"""What a sentence means, apart from either language: a tree from which both sides are spoken.

Each node is compared by identity, so that a facet such as `(node, "noun")` names one part of one
sentence's meaning. Every word, English or Korean, carries the facets that it expresses; two words
that share one are translations of each other, which gives the word alignment for nothing:

    The  man  did  not  buy  three  books.       남자는  책    세    권을    사지  않았습니다.
         noun tense neg  verb number noun         noun    noun number number verb neg+tense
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from seq2seq.text.phrasebook.lexicon import Adjective, Adverb, Name, Noun, Pronoun, SayingVerb, Verb

Facet = tuple[object, str]


class Word(NamedTuple):
    """A written word, or Korean eojeol (word with its particles), and the facets it expresses."""

    text: str
    about: frozenset[Facet]


@dataclass(frozen=True, eq=False)
class NounPhrase:
    """A noun and what stands with it.

    `determiner` is an English determiner, "number" (then `number` holds the English and Korean
    numeral) or "" for none; `owner` takes its place.
    """

    noun: Noun
    determiner: str = "the"
    plural: bool = False
    number: tuple[str, str] | None = None
    adjective: Adjective | None = None
    superlative: bool = False
    owner: Person | Someone | None = None
    location: Oblique | None = None
    relative: Clause | None = None


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody by name."""

    name: Name


@dataclass(frozen=True, eq=False)
class Someone:
    """Somebody by pronoun."""

    pronoun: Pronoun


@dataclass(frozen=True, eq=False)
class You:
    """Who is being asked; Korean leaves it out: 사과를 좋아합니까?, "Do you like apples?"."""


@dataclass(frozen=True, eq=False)
class Both:
    """Two phrases joined by "and": 사과와 배."""

    first: Phrase
    second: Phrase


@dataclass(frozen=True, eq=False)
class Asked:
    """Who or what the question is about."""

    english: Literal["who", "what"]


@dataclass(frozen=True, eq=False)
class Gap:
    """The place in a relative clause that its noun fills: "the man who ⌴ came"."""


@dataclass(frozen=True, eq=False)
class Again:
    """The subject of the neighbouring clause once more: a pronoun in English, nothing in Korean.

    With `silent`, nothing in English either: "Anna sings and ⌴ dances".
    """

    phrase: Phrase
    silent: bool = False


@dataclass(frozen=True, eq=False)
class Weather:
    """The subject of weather: English has "it" where Korean has rain, snow or the weather."""

    korean: str
    english: str = "it"


Phrase = NounPhrase | Person | Someone | You | Both | Asked | Gap | Again | Weather


@dataclass(frozen=True, eq=False)
class Oblique:
    """A phrase with an English preposition and a Korean particle: "on the desk", 책상 위에.

    `position` is the Korean noun of place between them (위, 아래, 옆), where there is one.
    """

    preposition: str
    phrase: Phrase
    particle: str
    position: str = ""


@dataclass(frozen=True, eq=False)
class Action:
    """Somebody does something (to something, to somebody, or going somewhere)."""

    verb: Verb
    object: Phrase | None = None
    receiver: Phrase | None = None
    goal: Oblique | Adverb | None = None


@dataclass(frozen=True, eq=False)
class Quality:
    """Something is big, very big, or bigger than something else."""

    adjective: Adjective
    degree: Adverb | None = None
    than: Phrase | None = None


@dataclass(frozen=True, eq=False)
class Identity:
    """Somebody is a doctor: noun + 이다; not a doctor: noun + 이/가 아니다."""

    phrase: NounPhrase


@dataclass(frozen=True, eq=False)
class Presence:
    """Something is somewhere; with `exists`, "there is" something there."""

    location: Oblique | Adverb
    exists: bool = False


@dataclass(frozen=True, eq=False)
class Possession:
    """Somebody has something; in Korean it is there: 저는 개 두 마리가 있습니다."""

    object: Phrase


@dataclass(frozen=True, eq=False)
class Saying:
    """Somebody says, thinks or knows something, told in a clause with "that"."""

    verb: SayingVerb
    content: Clause


Predicate = Action | Quality | Identity | Presence | Possession | Saying
Tense = Literal["past", "present", "future"]
Aspect = Literal["simple", "progressive", "perfect"]
Modal = Literal["", "can", "want", "must"]


@dataclass(frozen=True, eq=False)
class Clause:
    """One predicate with its subject, its tense and the circumstances."""

    subject: Phrase
    predicate: Predicate
    tense: Tense = "past"
    aspect: Aspect = "simple"
    modal: Modal = ""
    negative: bool = False
    time: Adverb | None = None
    time_first: bool = False
    frequency: Adverb | None = None
    manner: Adverb | None = None
    reason: Adverb | None = None
    place: Oblique | Adverb | None = None
    company: Oblique | None = None
    means: Oblique | Adverb | None = None
    purpose: Clause | None = None


Link = Literal["and", "but", "so", "because", "when", "if", "although", "before", "after", "while"]


@dataclass(frozen=True, eq=False)
class Joined:
    """Two clauses and how they hang together.

    Korean always has the first-named clause first and its link as a verb ending: -고, -지만, -아서,
    -기 때문에, -(으)ㄹ 때, -(으)면, -기 전에, -(으)ㄴ 후에, -는 동안. English has "and", "but" and
    "so" between the clauses, and may put the other kinds last (`main_first`).
    """

    link: Link
    dependent: Clause | Joined
    main: Clause | Joined
    main_first: bool = False


@dataclass(frozen=True, eq=False)
class Sentence:
    """A statement or a question."""

    content: Clause | Joined
    is_question: bool = False
