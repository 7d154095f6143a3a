"""The words of both languages as entries that know their forms, read from the tables.

The tables (`nouns`, `verbs`, `modifiers`) are text that a person edits; this file turns each line
into an entry. Entries are compared by identity: 배 the pear and 배 the ship are two words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seq2seq.text.phrasebook import modifiers, nouns, verbs
from seq2seq.text.phrasebook.hangul import Stem, stem
from seq2seq.text.phrasebook.inflection import add_ed, add_ing, add_s


@dataclass(frozen=True, eq=False)
class Noun:
    """A noun; `plural` is empty for mass nouns, `measure` is the English word that counts them."""

    english: str
    plural: str
    korean: str
    group: str
    counter: str
    measure: str
    pronoun: str

    @property
    def is_mass(self) -> bool:
        return not self.plural

    @property
    def always_plural(self) -> bool:
        return self.plural == self.english and self.pronoun == "they"

    @property
    def is_living(self) -> bool:
        return self.group in ("man", "kin", "animal")


@dataclass(frozen=True, eq=False)
class Name:
    """A person's name and the pronoun that may stand for it."""

    english: str
    korean: str
    pronoun: str


@dataclass(frozen=True, eq=False)
class EnglishVerb:
    """The five forms; a verb of several words ("wait for") inflects its first."""

    base: str
    third: str
    past: str
    participle: str
    ing: str


@dataclass(frozen=True, eq=False)
class Verb:
    """A verb in both languages with its frame.

    `case` is the particle of what it acts on (`object`, 에, 에게) or moves to (에, `by`), and
    `takes` the nouns and names that may stand there.
    """

    english: EnglishVerb
    preposition: str
    korean: Stem
    case: str
    takes: tuple[Noun | Name, ...]
    activity: tuple[str, ...]
    manners: tuple[str, ...]
    remarks: frozenset[str]

    @property
    def has_progressive(self) -> bool:
        return not self.remarks & {"state", "punctual"}


@dataclass(frozen=True, eq=False)
class Adjective:
    """An adjective; `before_noun` is the Korean form of one that only stands before its noun."""

    english: str
    korean: Stem
    before_noun: str
    describes: tuple[Noun | Name, ...]
    remarks: frozenset[str]


@dataclass(frozen=True, eq=False)
class Adverb:
    """An adverb of one or more words, each with a mark; words of one mark stand for each other."""

    english: tuple[tuple[str, str], ...]
    korean: tuple[tuple[str, str], ...]
    kind: str


@dataclass(frozen=True, eq=False)
class Pronoun:
    subject: str
    object: str
    possessive: str
    korean: str
    korean_possessive: str
    agreement: str


@dataclass(frozen=True, eq=False)
class Place:
    """A noun as a place where things are done: "in the park", 공원에서."""

    noun: Noun
    preposition: str
    activities: frozenset[str]


def _entries(text: str) -> list[str]:
    return [" ".join(entry.split()) for entry in text.split(",")]


def _blocks(table: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each block; a line that starts with a space continues the last one."""
    for block in table.strip().replace("\n ", " ").splitlines():
        heading, _, text = block.partition(":")
        yield heading, text


def _rows(table: str, columns: int) -> Iterator[list[str]]:
    for line in table.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        yield cells + [""] * (columns - len(cells))


def _read_nouns() -> dict[str, list[Noun]]:
    groups: dict[str, list[Noun]] = {}
    for heading, text in _blocks(nouns.NOUNS):
        group, counting, pronoun = heading.split()
        counter, _, measure = counting.partition("=")
        for entry in _entries(text):
            english, korean = (word.replace("_", " ") for word in entry.split())
            single, _, plural = english.partition("/")
            if plural == "-":
                plural = single if pronoun == "they" else ""
            elif not plural:
                plural = "" if measure else add_s(single)
            noun = Noun(single, plural, korean, group, counter, measure, pronoun)
            groups.setdefault(group, []).append(noun)
    return groups


def _read_names() -> list[Name]:
    return [
        Name(english, korean, pronoun)
        for pronoun, text in _blocks(nouns.NAMES)
        for english, korean in (entry.split() for entry in _entries(text))
    ]


NAMES = _read_names()
NOUNS = _read_nouns()
_BY_ENGLISH = {noun.english: noun for group in NOUNS.values() for noun in group}
_SUBGROUPS = {name.strip(): _entries(text) for name, text in _blocks(nouns.SUBGROUPS)}


def noun(english: str) -> Noun:
    """The entry of an English singular."""
    return _BY_ENGLISH[english]


def _chosen(text: str) -> tuple[Noun | Name, ...]:
    """What a cell of names stands for: groups, smaller groups, single nouns, `name`."""
    found: list[Noun | Name] = []
    for word in text.split():
        if word == "name":
            found += NAMES
        elif word in _SUBGROUPS:
            found += [noun(entry.replace("_", " ")) for entry in _SUBGROUPS[word]]
        elif word in NOUNS:
            found += NOUNS[word]
        else:
            found.append(noun(word.replace("_", " ")))
    return tuple(dict.fromkeys(found))


def _english_verb(cell: str) -> EnglishVerb:
    """The forms of `eat/ate/eaten`, `wait for`, `take/took/taken off`."""
    head, _, rest = cell.partition(" ")
    base, *irregular = head.split("/")
    past = irregular[0] if irregular else add_ed(base)
    participle = irregular[-1] if irregular else past
    forms = (base, add_s(base), past, participle, add_ing(base))
    return EnglishVerb(*(f"{form} {rest}".strip() for form in forms))


def _korean_verb(cell: str, case: str) -> tuple[Stem, str]:
    """The stem and the particle of what the verb governs: `에게 전화하다`, `로 떠나다`, `읽다`."""
    first, _, rest = cell.partition(" ")
    cases = {"에": "에", "에게": "에게", "로": "by"}
    return (stem(rest), cases[first]) if first in cases else (stem(cell), case)


def _read_verbs(table: str, case: str, columns: str) -> list[Verb]:
    """The verbs of a table whose columns after the English one are named."""
    names = columns.split()
    verbs_read = []
    for english, *cells in _rows(table, 1 + len(names)):
        cell = dict(zip(names, cells, strict=True))
        korean, governed = _korean_verb(cell["korean"], case)
        verbs_read.append(
            Verb(
                _english_verb(english),
                cell.get("preposition", ""),
                korean,
                governed,
                _chosen(cell.get("takes", "")),
                tuple(cell.get("activity", "").split()),
                tuple(cell.get("manners", "").split()),
                frozenset(cell.get("remarks", "").split()),
            )
        )
    return verbs_read


def _read_adjectives() -> list[Adjective]:
    return [
        Adjective(
            english,
            stem(korean, True),
            korean if not korean.split("/")[0].endswith("다") else "",
            _chosen(describes),
            frozenset(remarks.split()),
        )
        for english, korean, describes, remarks in _rows(modifiers.ADJECTIVES, 4)
    ]


def adverb(text: str, kind: str = "") -> Adverb:
    """An adverb from `this:a evening:b = 오늘:a 저녁에:b`."""
    sides = [
        tuple((word, mark) for word, _, mark in (part.partition(":") for part in side.split()))
        for side in text.split(" = ")
    ]
    return Adverb(sides[0], sides[1], kind)


def _read_adverbs(table: str) -> dict[str, list[Adverb]]:
    return {
        kind.strip(): [adverb(entry.strip(), kind.strip()) for entry in text.split(";")]
        for kind, text in _blocks(table)
    }


def _read_places() -> list[Place]:
    return [
        Place(noun(name.replace("_", " ")), preposition, frozenset(activities))
        for preposition, text in _blocks(modifiers.PLACES)
        for name, *activities in (entry.split() for entry in _entries(text))
    ]


def _read_pronouns() -> dict[str, Pronoun]:
    rows = [[*e.split(), *k.split(), a] for e, k, a in _rows(modifiers.PRONOUNS, 3)]
    return {row[0]: Pronoun(*row) for row in rows}


@dataclass(frozen=True, eq=False)
class WeatherEvent:
    """What the weather does: its subjects in both languages, and its verb."""

    english_subject: str
    korean_subject: str
    verb: Verb


@dataclass(frozen=True, eq=False)
class Position:
    """Where a thing lies by another: "on", 위, and what it can lie at."""

    english: str
    korean: str
    takes: tuple[Noun | Name, ...]


@dataclass(frozen=True, eq=False)
class SayingVerb:
    """A verb with a clause as its object."""

    english: EnglishVerb
    korean: Stem


def _read_weather() -> list[WeatherEvent]:
    return [
        WeatherEvent(
            subject,
            korean_subject,
            Verb(_english_verb(verb), "", stem(korean), "", (), (), (), frozenset()),
        )
        for subject, verb, korean_subject, korean in _rows(modifiers.WEATHER_EVENTS, 4)
    ]


TRANSITIVE = _read_verbs(verbs.TRANSITIVE, "object", "korean takes activity manners remarks")
GIVING = _read_verbs(verbs.GIVING, "object", "preposition korean takes")
INTRANSITIVE = _read_verbs(verbs.INTRANSITIVE, "", "korean activity manners remarks")
MOTION = _read_verbs(verbs.MOTION, "에", "preposition korean takes remarks")
ADJECTIVES = _read_adjectives()
TIMES = _read_adverbs(modifiers.TIMES)
DURATIONS = [adverb(entry.strip()) for entry in modifiers.DURATIONS.split(";")]
FREQUENCIES = _read_adverbs(modifiers.FREQUENCIES)
MANNERS = _read_adverbs(modifiers.MANNERS)
DEGREES = [adverb(entry) for entry in modifiers.DEGREES.split("; ")]
PRONOUNS = _read_pronouns()
PLACES = _read_places()
NUMBERS = [
    (english, korean)
    for english, korean in (entry.split() for entry in _entries(modifiers.NUMBERS))
]
WEATHER_EVENTS = _read_weather()
WEATHER_STATES = [
    Adjective(english, stem(korean, True), "", (), frozenset())
    for english, korean in _rows(modifiers.WEATHER_STATES, 2)
]
POSITIONS = [Position(e, k, _chosen(takes)) for e, k, takes in _rows(modifiers.POSITIONS, 3)]
SAYING = [SayingVerb(_english_verb(e), stem(k)) for e, k in _rows(modifiers.SAYING, 2)]
ASKED = {
    key: adverb(f"{key.split()[0]} = {korean}", "asked") for key, korean in modifiers.ASKED.items()
}
CLOCK = [
    adverb(f"at:b {english}:a o'clock:b = {korean}:a 시에:b", "clock")
    for english, korean in [("one", "한"), *NUMBERS[:11]]
]
ALREADY, YET = adverb("already = 이미"), adverb("yet = 아직")
