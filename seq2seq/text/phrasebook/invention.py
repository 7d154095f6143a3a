"""Invents meanings: who does what, where and when, so that it makes sense.

An `Inventor` draws trees of `meaning` nodes at random. It keeps what belongs together together:
people eat what is food where one eats, "yesterday" meets the past, and a promise the future.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from seq2seq.text.phrasebook import lexicon
from seq2seq.text.phrasebook.lexicon import Adjective, Adverb, Name, Noun, Place, Verb
from seq2seq.text.phrasebook.meaning import (
    Action,
    Again,
    Asked,
    Aspect,
    Both,
    Clause,
    Gap,
    Identity,
    Joined,
    Link,
    Modal,
    NounPhrase,
    Oblique,
    Person,
    Phrase,
    Possession,
    Presence,
    Quality,
    Saying,
    Sentence,
    Someone,
    Tense,
    Weather,
    You,
)

T = TypeVar("T")

_PEOPLE, _KIN, _ANIMALS = (lexicon.NOUNS[group] for group in ("man", "kin", "animal"))
_HOME = lexicon.noun("home")
_AT_HOME = frozenset("home rest read study play cook eat drink".split())
_TRANSPORT = [lexicon.noun(word) for word in ("bus", "train", "taxi", "bicycle", "car", "ship")]
_TOOLS = {
    "cut": ("knife",),
    "peel": ("knife",),
    "write": ("pencil", "pen"),
    "draw": ("pencil", "brush", "crayon"),
    "paint": ("brush",),
}
_SMALL_THINGS = [
    noun
    for group in ("text", "fruit", "snack", "pen", "stationery", "headwear", "handwear")
    for noun in lexicon.NOUNS[group]
    if noun.plural
] + [lexicon.noun(word) for word in ("key", "wallet", "cup", "plate", "doll", "ball", "camera")]
_OWNED = [
    noun
    for group in ("animal", "text", "vehicle", "machine", "belonging", "clothes", "footwear")
    for noun in lexicon.NOUNS[group]
    if noun.english not in ("bear", "tiger", "lion", "fox", "wolf", "deer", "elephant", "zebra")
]
_JOBS = [
    noun
    for noun in _PEOPLE
    if noun.english not in ("man", "woman", "boy", "girl", "child", "king", "queen", "prince")
]


def _index(entries: Sequence[T], field: str) -> dict[Noun | Name, list[T]]:
    """For each noun, the verbs or adjectives that take it."""
    index: dict[Noun | Name, list[T]] = {}
    for entry in entries:
        for noun in getattr(entry, field):
            index.setdefault(noun, []).append(entry)
    return index


_VERBS_OF = _index(lexicon.TRANSITIVE, "takes")
_ADJECTIVES_OF = _index(lexicon.ADJECTIVES, "describes")
_PLACES_FOR: dict[str, list[Place]] = {}
for _place in lexicon.PLACES:
    for _activity in sorted(_place.activities):
        _PLACES_FOR.setdefault(_activity, []).append(_place)


class When(NamedTuple):
    """When something happens, and whether it does."""

    tense: Tense = "past"
    aspect: Aspect = "simple"
    modal: Modal = ""
    negative: bool = False
    time: Adverb | None = None
    time_first: bool = False
    frequency: Adverb | None = None


class Inventor:
    """Draws meanings; `richness` (0 to 1) is how much stands with each noun and verb."""

    def __init__(self, chance: random.Random, richness: float) -> None:
        self._chance = chance
        self._richness = richness

    def _one(self, choices: Sequence[T]) -> T:
        return choices[int(self._chance.random() * len(choices))]

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _weighted(self, choices: dict[T, float]) -> T:
        return self._chance.choices(list(choices), list(choices.values()))[0]

    # Sentences

    def sentence(self) -> Sentence:
        """A statement or question of any kind."""
        kind = self._weighted({"clause": 0.48, "joined": 0.34, "question": 0.18})
        if kind == "question":
            return Sentence(self.question(), True)
        return Sentence(self.joined() if kind == "joined" else self.clause())

    def long_sentence(self) -> Sentence:
        """Several clauses, joined and nested."""
        kind = self._weighted({"dependent": 0.35, "main": 0.4, "both": 0.25})
        link: Link = self._one(("and", "but"))
        first: Clause | Joined = self.clause() if kind == "main" else self.joined()
        second: Clause | Joined = self.clause() if kind == "dependent" else self.joined()
        return Sentence(Joined(link, first, second))

    def clause(self) -> Clause:
        """One statement."""
        kind = self._weighted(
            {
                "action": 0.62,
                "quality": 0.12,
                "identity": 0.04,
                "presence": 0.09,
                "possession": 0.04,
                "saying": 0.07,
                "weather": 0.02,
            }
        )
        match kind:
            case "quality":
                return self.quality()
            case "identity":
                return self.identity()
            case "presence":
                return self.presence()
            case "possession":
                return self.possession()
            case "saying":
                return self.saying()
            case "weather":
                return self.weather(self.when())
        if self._happens(0.1):
            return self.animal_action(self.when())
        return self.action(self.person(), self.when())

    # Time

    def when(self, tense: Tense | None = None, plain: bool = False) -> When:
        """A tense with its adverbs; `plain` leaves the adverbs out."""
        tense = tense or self._weighted({"past": 0.5, "present": 0.28, "future": 0.22})
        negative = self._happens(0.13)
        if plain:
            return When(tense, negative=negative)
        modal: Modal = ""
        if tense != "future" and self._happens(0.16):
            modal = self._weighted({"can": 0.4, "want": 0.35, "must": 0.25})
            negative = negative and modal != "must"
        if tense == "present" and not modal:
            return self._present(negative)
        if tense == "past" and not modal and self._happens(0.12):
            return self._perfect(negative)
        time = None
        if modal and tense == "present":
            time = self._one(lexicon.TIMES["usual"][:4]) if self._happens(0.2) else None
        elif self._happens(0.62):
            time = self._one(lexicon.TIMES[tense] * 2 + self._clock())
        aspect: Aspect = "simple"
        if tense == "past" and not modal and self._happens(0.12):
            aspect = "progressive"
        return When(tense, aspect, modal, negative, time, self._happens(0.25))

    def _clock(self) -> list[Adverb]:
        return lexicon.CLOCK + lexicon.TIMES["clock"]

    def _perfect(self, negative: bool) -> When:
        """ "Has already come" and "has not come yet"."""
        if negative:
            return When("present", "perfect", "", True, lexicon.YET)
        return When("present", "perfect", frequency=lexicon.ALREADY)

    def _present(self, negative: bool) -> When:
        if self._happens(0.45):
            now = self._one(lexicon.TIMES["now"]) if self._happens(0.5) else None
            return When("present", "progressive", "", negative, now)
        usual = lexicon.TIMES["usual"] + lexicon.CLOCK
        time = self._one(usual) if self._happens(0.6) else None
        frequency = None
        if time is None:
            kind = self._weighted({"positive": 0.8, "negative": 0.2})
            frequency = self._one(lexicon.FREQUENCIES[kind])
        negative = negative and frequency is None
        return When("present", "simple", "", negative, time, self._happens(0.2), frequency)

    def _suited(self, when: When, verb: Verb) -> When:
        """The same time as the verb allows it: states and moments have no progressive."""
        if verb.has_progressive:
            return when
        if when.aspect == "progressive":
            is_now = when.tense == "present"
            when = when._replace(aspect="simple", time=None if is_now else when.time)
            if is_now and "punctual" in verb.remarks:
                when = when._replace(frequency=self._one(lexicon.FREQUENCIES["positive"][2:]))
                when = when._replace(negative=False)
        if "state" in verb.remarks:
            when = when._replace(modal="")
            if when.tense == "present":
                when = when._replace(aspect="simple", frequency=None, time=None)
            elif when.tense == "future":
                when = when._replace(tense="past", time=None)
            elif when.time:
                when = when._replace(time=None)
        return when

    # People and things

    def person(self) -> Phrase:
        """Somebody who does something."""
        kind = self._weighted(
            {"noun": 0.46, "name": 0.22, "pronoun": 0.18, "kin": 0.1, "both": 0.04}
        )
        match kind:
            case "name":
                return Person(self._one(lexicon.NAMES))
            case "pronoun":
                return Someone(self._one(list(lexicon.PRONOUNS.values())))
            case "kin":
                return self.relation()
            case "both":
                return Both(Person(self._one(lexicon.NAMES)), self.relation())
        return self.somebody(self._one(_PEOPLE))

    def known_person(self) -> Phrase:
        """Somebody who can be the topic of two clauses."""
        kind = self._weighted({"noun": 0.4, "name": 0.3, "pronoun": 0.18, "kin": 0.12})
        match kind:
            case "name":
                return Person(self._one(lexicon.NAMES))
            case "pronoun":
                return Someone(self._one(list(lexicon.PRONOUNS.values())))
            case "kin":
                return self.relation()
        noun = self._one(_PEOPLE)
        return NounPhrase(
            noun, "the", self._happens(0.2), adjective=self._adjective(noun), relative=None
        )

    def relation(self) -> NounPhrase:
        """My friend, Anna's son."""
        owner: Person | Someone = Someone(self._one(list(lexicon.PRONOUNS.values())[:2]))
        if self._happens(0.5):
            owner = Person(self._one(lexicon.NAMES))
        return NounPhrase(self._one(_KIN), owner=owner, plural=self._happens(0.1))

    def somebody(self, noun: Noun) -> NounPhrase:
        """The man, a man who …, three men, many men, that man."""
        kind = self._weighted({"the": 0.6, "a": 0.12, "number": 0.14, "many": 0.05, "that": 0.09})
        number = self._number() if kind == "number" else None
        plural = kind in ("number", "many") or (kind == "the" and self._happens(0.28))
        phrase = NounPhrase(noun, kind, plural, number, self._adjective(noun))
        if kind in ("the", "a", "number") and self._happens(self._richness):
            return replace(phrase, adjective=None, relative=self._doing_something(plural))
        return phrase

    def _number(self) -> tuple[str, str]:
        few = 4 if self._happens(0.75) else len(lexicon.NUMBERS)
        return self._one(lexicon.NUMBERS[:few])

    def _adjective(self, noun: Noun) -> Adjective | None:
        if noun in _ADJECTIVES_OF and self._happens(0.15 + self._richness * 0.5):
            return self._one(_ADJECTIVES_OF[noun])
        return None

    def thing(self, noun: Noun | Name, verb: Verb | None = None, negative: bool = False) -> Phrase:
        """What is acted on."""
        if isinstance(noun, Name):
            return Person(noun)
        if noun.group in ("city", "home", "subject", "sport"):
            return NounPhrase(noun, "")
        if noun.group == "kin":
            return replace(self.relation(), noun=noun)
        if verb is not None and verb.english.base in ("like", "love", "hate"):
            general = NounPhrase(noun, "", bool(noun.plural))
            return general if noun.group not in ("man",) else NounPhrase(noun)
        kinds = {"the": 0.42, "a": 0.22, "number": 0.2, "this": 0.05, "that": 0.05, "several": 0.04}
        kinds["many"] = 0.02
        if noun.is_mass:
            kinds = {"the": 0.35, "": 0.35, "number": 0.2, "a": 0.1}
            if not noun.measure:
                kinds = {"the": 1.0}
        elif noun.always_plural:
            kinds = {"the": 0.4, "": 0.2, "number": 0.2, "a": 0.1, "this": 0.1}
            if not noun.measure:
                kinds = {"the": 1.0}
        elif noun.group in ("indoors", "outdoors"):
            kinds = {"the": 1.0}
        if negative:
            kinds = {kind: p for kind, p in kinds.items() if kind in ("the", "this", "that", "")}
        return self._determined(noun, self._weighted(kinds))

    def _determined(self, noun: Noun, kind: str) -> NounPhrase:
        number = self._number() if kind == "number" else None
        countable = not noun.is_mass and not noun.always_plural
        plural = countable and kind in ("number", "several", "many")
        if kind in ("the", "this", "that") and noun.is_living and countable:
            plural = self._happens(0.2)
        adjective = self._adjective(noun)
        phrase = NounPhrase(noun, kind, plural, number, adjective)
        if adjective and kind == "the" and self._happens(0.12) and not noun.always_plural:
            return replace(phrase, superlative="attributive" not in adjective.remarks)
        if kind in ("the", "number") and self._happens(self._richness * 0.7):
            relative = self._acted_on(noun)
            return replace(phrase, adjective=None, relative=relative) if relative else phrase
        return phrase

    # Relative clauses

    def _doing_something(self, plural: bool) -> Clause:
        """ "(the man) who bought the book"."""
        when = self.when(self._weighted({"past": 0.6, "present": 0.4}), plain=True)
        if when.tense == "present":
            when = when._replace(aspect="progressive")
        poorer = Inventor(self._chance, 0.0)
        return poorer.action(Gap(), when._replace(negative=self._happens(0.06)), circumstances=0.4)

    def _acted_on(self, noun: Noun) -> Clause | None:
        """ "(the book) that Anna bought", "(the park) where the children are playing"."""
        poorer = Inventor(self._chance, 0.0)
        agent = poorer.known_person()
        if noun.group in ("indoors", "outdoors"):
            return self._place_clause(noun, agent)
        verbs = [verb for verb in _VERBS_OF.get(noun, ()) if verb.case == "object"]
        if not verbs:
            return None
        verb = self._one(verbs)
        when = When("past", negative=self._happens(0.05))
        if "state" in verb.remarks and verb.english.base != "wear":
            when = When("present")
        elif verb.english.base == "wear":
            return None
        return self._clause(agent, Action(verb, Gap()), when)

    def _place_clause(self, noun: Noun, agent: Phrase) -> Clause | None:
        activities = [
            verb
            for place in lexicon.PLACES
            if place.noun is noun
            for verb in lexicon.INTRANSITIVE
            if set(verb.activity) & place.activities
        ]
        if not activities:
            return None
        when = self._one((When("past"), When("present", "progressive"), When("present")))
        verb = self._one(activities)
        when = self._suited(when, verb)
        gap = Oblique("in", Gap(), "")
        return self._clause(agent, Action(verb), when, place=gap)

    # Clauses

    def _clause(
        self,
        subject: Phrase,
        predicate: Action | Quality | Presence,
        when: When,
        manner: Adverb | None = None,
        place: Oblique | None = None,
        company: Oblique | None = None,
        means: Oblique | None = None,
        purpose: Clause | None = None,
    ) -> Clause:
        return Clause(
            subject,
            predicate,
            when.tense,
            when.aspect,
            when.modal,
            when.negative,
            when.time,
            when.time_first,
            when.frequency,
            manner,
            None,
            place,
            company,
            means,
            purpose,
        )

    def action(self, subject: Phrase, when: When, circumstances: float = 0.75) -> Clause:
        """Somebody does something."""
        kind = self._weighted({"to": 0.54, "alone": 0.18, "going": 0.15, "giving": 0.13})
        match kind:
            case "alone":
                verb = self._one(lexicon.INTRANSITIVE)
                return self._circumstances(subject, Action(verb), when, circumstances)
            case "going":
                return self.going(subject, when)
            case "giving":
                return self.giving(subject, when)
        verb = self._one(lexicon.TRANSITIVE)
        when = self._suited(when, verb)
        noun = self._one(verb.takes)
        thing = self.thing(noun, verb, when.negative)
        return self._circumstances(subject, Action(verb, thing), when, circumstances)

    def _circumstances(self, subject: Phrase, action: Action, when: When, share: float) -> Clause:
        """The action with where, how, with whom and with what."""
        verb, when = action.verb, self._suited(when, action.verb)
        manner = means = company = place = None
        if "state" in verb.remarks:
            return self._clause(subject, action, when)
        if verb.manners and not when.negative and self._happens(0.3 * share):
            manner = self._manner(verb, subject)
        if verb.activity and self._happens(0.5 * share):
            place = self._place(self._one(verb.activity))
        if verb.english.base in _TOOLS and self._happens(0.3 * share):
            tool = NounPhrase(lexicon.noun(self._one(_TOOLS[verb.english.base])), "a")
            means = Oblique("with", tool, "by")
        is_alone = manner is not None and manner.kind == "alone"
        if not is_alone and "punctual" not in verb.remarks and self._happens(0.12 * share):
            company = Oblique("with", self._companion(subject), "with")
        return self._clause(subject, action, when, manner, place, company, means)

    def _manner(self, verb: Verb, subject: Phrase) -> Adverb:
        return self._one(lexicon.MANNERS[self._one(verb.manners)])

    def _companion(self, subject: Phrase) -> Phrase:
        del subject
        return self.relation() if self._happens(0.7) else Person(self._one(lexicon.NAMES))

    def _place(self, activity: str) -> Oblique | None:
        if activity in _AT_HOME and self._happens(0.3):
            return Oblique("at", NounPhrase(_HOME, ""), "에서")
        places = _PLACES_FOR.get(activity)
        if not places:
            return None
        place = self._one(places)
        determiner = "" if place.noun.group == "city" else "the"
        phrase = NounPhrase(place.noun, determiner)
        if determiner and self._happens(self._richness * 0.3):
            phrase = replace(phrase, adjective=self._adjective(place.noun))
        return Oblique(place.preposition, phrase, "에서")

    def going(self, subject: Phrase, when: When) -> Clause:
        """Somebody goes somewhere, perhaps to do something there."""
        verb = self._one(lexicon.MOTION)
        when = self._suited(when, verb)
        noun = self._one(verb.takes)
        assert isinstance(noun, Noun)  # noqa: S101
        goal = Oblique(verb.preposition, self.thing(noun), verb.case)
        purpose = means = company = None
        is_trip = verb.english.base in ("go", "come", "travel", "return")
        if verb.english.base in ("go", "come") and not when.negative and self._happens(0.3):
            purpose = self._purpose(noun)
        elif is_trip and self._happens(0.25):
            means = Oblique("by", NounPhrase(self._one(_TRANSPORT), ""), "by")
        elif is_trip and self._happens(0.2):
            company = Oblique("with", self._companion(subject), "with")
        action = Action(verb, goal=goal)
        return self._clause(subject, action, when, None, None, company, means, purpose)

    def _purpose(self, place: Noun) -> Clause | None:
        """What people go to a place for: -(으)러."""
        activities = {a for p in lexicon.PLACES if p.noun is place for a in p.activities}
        verbs = [
            verb
            for verb in lexicon.TRANSITIVE + lexicon.INTRANSITIVE
            if set(verb.activity) & activities and "state" not in verb.remarks
        ]
        if not verbs:
            return None
        verb = self._one(verbs)
        thing = self.thing(self._one(verb.takes), verb) if verb.takes else None
        return Clause(Gap(), Action(verb, thing))

    def giving(self, subject: Phrase, when: When) -> Clause:
        """Somebody gives something to somebody."""
        verb = self._one(lexicon.GIVING)
        noun = self._one(verb.takes)
        receiver = self.relation() if self._happens(0.5) else Person(self._one(lexicon.NAMES))
        action = Action(verb, self.thing(noun, verb, when.negative), receiver)
        return self._clause(subject, action, when)

    def animal_action(self, when: When) -> Clause:
        """An animal does what animals do."""
        verbs = [
            verb
            for verb in lexicon.INTRANSITIVE + lexicon.TRANSITIVE
            if "animal" in verb.remarks and verb.english.base not in ("love", "follow")
        ]
        verb, subject = self._one(verbs), self.somebody(self._one(_ANIMALS))
        when = self._suited(when._replace(modal=""), verb)
        subject = replace(subject, relative=None)
        if not verb.takes:
            return self._clause(subject, Action(verb), when, place=self._place("play"))
        return self._clause(subject, Action(verb, self.thing(self._one(verb.takes), verb)), when)

    def quality(self, tense: Tense | None = None) -> Clause:
        """Something is so, or more so than something else."""
        adjective = self._one([a for a in lexicon.ADJECTIVES if a.describes and not a.before_noun])
        adjective = adjective if "attributive" not in adjective.remarks else lexicon.ADJECTIVES[0]
        noun = self._one(adjective.describes)
        subject = self._described(noun)
        tense = tense or self._weighted({"past": 0.4, "present": 0.6})
        when = When(tense, negative=self._happens(0.15))
        degree = than = None
        if "passing" not in adjective.remarks and self._happens(0.3):
            than = self._described(self._one(adjective.describes))
            when = when._replace(negative=False)
        elif not when.negative and self._happens(0.4):
            degree = self._one(lexicon.DEGREES)
        if "passing" in adjective.remarks and tense == "past" and self._happens(0.5):
            when = when._replace(time=self._one(lexicon.TIMES["past"]))
        return self._clause(subject, Quality(adjective, degree, than), when)

    def _described(self, noun: Noun | Name) -> Phrase:
        if isinstance(noun, Name):
            return Person(noun)
        if noun.group in ("city", "subject", "sport"):
            return NounPhrase(noun, "")
        if noun.group == "kin":
            return replace(self.relation(), noun=noun)
        phrase = self._determined(noun, self._weighted({"the": 0.7, "this": 0.15, "that": 0.15}))
        return replace(phrase, adjective=None)

    def state(self, subject: Phrase, tense: Tense) -> Clause:
        """Somebody is tired, busy, hungry: what reasons are made of."""
        adjective = self._one([a for a in lexicon.ADJECTIVES if "passing" in a.remarks])
        degree = self._one(lexicon.DEGREES) if self._happens(0.3) else None
        when = When(tense, negative=degree is None and self._happens(0.1))
        return self._clause(subject, Quality(adjective, degree), when)

    def identity(self) -> Clause:
        """Somebody is a doctor."""
        subject: Phrase = Person(self._one(lexicon.NAMES))
        if self._happens(0.4):
            subject = replace(self.relation(), plural=False)
        tense: Tense = self._one(("past", "present", "present"))
        job = self._one(_JOBS)
        phrase = NounPhrase(job, "a", adjective=self._adjective(job))
        return Clause(subject, Identity(phrase), tense, negative=self._happens(0.25))

    def presence(self) -> Clause:
        """Something is somewhere, or there is something there."""
        tense: Tense = self._one(("past", "present"))
        if self._happens(0.3):
            place = self._one([p for p in lexicon.PLACES if p.noun.group != "city"])
            location = Oblique(place.preposition, NounPhrase(place.noun), "에")
            if self._happens(0.5):
                when = When(tense, negative=self._happens(0.2))
                return self._clause(self.known_person(), Presence(location), when)
            people = self._determined(self._one(_PEOPLE), self._one(("number", "many", "several")))
            return self._clause(people, Presence(location, exists=True), When(tense))
        position = self._one(lexicon.POSITIONS)
        landmark = self._one(position.takes)
        assert isinstance(landmark, Noun)  # noqa: S101
        is_outside = landmark.group in ("house", "tree", "opening", "vehicle")
        noun = self._one(lexicon.NOUNS["animal"] if is_outside else _SMALL_THINGS)
        base = NounPhrase(landmark, "the", adjective=self._adjective(landmark))
        location = Oblique(position.english, base, "에", position.korean)
        if self._happens(0.5):
            kind = self._one(("a", "number", "several"))
            when = When(tense)
            there = self._determined(noun, kind)
            return self._clause(replace(there, relative=None), Presence(location, True), when)
        when = When(tense, negative=self._happens(0.2))
        return self._clause(self._determined(noun, "the"), Presence(location), when)

    def possession(self) -> Clause:
        """Somebody has something."""
        tense: Tense = self._one(("past", "present", "present"))
        kind = self._one(("a", "number", "number", "many"))
        noun = self._one(_OWNED)
        kind = "a" if kind == "many" and noun.always_plural else kind
        thing = replace(self._determined(noun, kind), relative=None)
        return Clause(self.known_person(), Possession(thing), tense)

    def saying(self) -> Clause:
        """Somebody thinks that …"""
        content = self._one((self.quality, lambda: self.action(self.person(), self.when())))()
        subject = self.known_person()
        while isinstance(subject, Someone) and subject.pronoun.subject in ("he", "she", "they"):
            subject = self.known_person()
        return Clause(subject, Saying(self._one(lexicon.SAYING), content), "present")

    def weather(self, when: When) -> Clause:
        """It rained, it is cold."""
        if self._happens(0.5):
            event = self._one(lexicon.WEATHER_EVENTS)
            subject = Weather(event.korean_subject, event.english_subject)
            when = when._replace(
                modal="", aspect="simple" if when.aspect == "perfect" else when.aspect
            )
            if when.frequency is lexicon.ALREADY or when.time is lexicon.YET:
                when = When("past")
            return self._clause(subject, Action(event.verb), when)
        adjective = self._one(lexicon.WEATHER_STATES)
        tense: Tense = when.tense if when.aspect != "perfect" else "past"
        time = when.time if tense != "present" else None
        degree = self._one(lexicon.DEGREES[:3]) if self._happens(0.3) else None
        when = When(tense, time=time, negative=False)
        return self._clause(Weather("날씨"), Quality(adjective, degree), when)

    # Clauses joined

    def joined(self) -> Joined:
        """Two clauses that belong together."""
        link: Link = self._weighted(
            {
                "and": 0.2,
                "but": 0.13,
                "so": 0.13,
                "because": 0.14,
                "when": 0.12,
                "if": 0.08,
                "although": 0.07,
                "before": 0.05,
                "after": 0.05,
                "while": 0.03,
            }
        )
        main_first = self._happens(0.5)
        same = self._happens(0.5) and link != "while"
        subject = self.known_person()
        others = {"he", "she", "they"}
        other = self.known_person()
        while not same and isinstance(other, Someone) and other.pronoun.subject in others:
            other = self.known_person()
        if not same:
            while isinstance(subject, Someone) and subject.pronoun.subject in others:
                subject = self.known_person()
            if _is_same_pronoun(subject, other):
                other = Person(self._one(lexicon.NAMES))
        first, second = subject, other
        if same:
            repeated = Again(subject, silent=link == "and")
            main_first = main_first and link not in ("and", "but", "so")
            first, second = (repeated, subject) if main_first else (subject, repeated)
        return self._join(link, first, second, main_first, same)

    def _join(
        self, link: Link, first: Phrase, second: Phrase, main_first: bool, same: bool
    ) -> Joined:
        match link:
            case "and" | "but":
                tense = self._weighted({"past": 0.65, "future": 0.35})
                opening = self.action(first, When(tense, time=self._time(tense, 0.35)))
                negative = link == "but" and self._happens(0.6)
                closing = self.action(second, When(tense, negative=negative))
            case "so":
                opening, closing = self._reason(first, "past", same), self._result(second, "past")
            case "because":
                tense = self._weighted({"past": 0.6, "present": 0.4})
                opening, closing = self._reason(first, tense, same), self._result(second, tense)
            case "if":
                opening = self._condition(first, same)
                closing = self.action(second, self._consequence())
            case "although":
                tense = self._weighted({"past": 0.7, "present": 0.3})
                opening, closing = self._reason(first, tense, same), self._result(second, tense)
            case "while":
                opening = self._lasting(first)
                closing = self.action(second, When("past"))
            case _:
                opening, closing = self._one_after_other(link, first, second)
        return Joined(link, opening, closing, main_first)

    def _time(self, tense: Tense, share: float) -> Adverb | None:
        return self._one(lexicon.TIMES[tense]) if self._happens(share) else None

    def _reason(self, subject: Phrase, tense: Tense, same: bool) -> Clause:
        if not same and self._happens(0.55):
            return self.weather(When(tense))
        if self._happens(0.7):
            return self.state(subject, tense)
        return self.action(subject, When(tense, modal=self._one(("want", "must", "can"))), 0.3)

    def _result(self, subject: Phrase, tense: Tense) -> Clause:
        if tense == "past":
            when = When("past", negative=self._happens(0.2), time=self._time("past", 0.2))
        else:
            modal: Modal = self._one(("can", "want", "must"))
            when = When("present", modal=modal, negative=modal != "must" and self._happens(0.4))
        return self.action(subject, when)

    def _condition(self, subject: Phrase, same: bool) -> Clause:
        if not same and self._happens(0.5):
            return self.weather(When("present", time=None))
        if self._happens(0.5):
            return self.state(subject, "present")
        return self._simple_present(subject)

    def _simple_present(self, subject: Phrase) -> Clause:
        clause = self.action(subject, When("present"), 0.4)
        return replace(clause, aspect="simple", frequency=None, time=None)

    def _consequence(self) -> When:
        if self._happens(0.7):
            return When("future", negative=self._happens(0.2), time=self._time("future", 0.3))
        return When("present", modal=self._one(("can", "must")))

    def _lasting(self, subject: Phrase) -> Clause:
        """An action that goes on, for "while"."""
        while True:
            clause = self.action(subject, When("past", "progressive"), 0.5)
            if clause.aspect == "progressive":
                return clause

    def _one_after_other(self, link: Link, first: Phrase, second: Phrase) -> tuple[Clause, Clause]:
        tense = self._weighted({"past": 0.7, "future": 0.3})
        opening = (
            self.action(first, When("past"), 0.4)
            if tense == "past"
            else self._simple_present(first)
        )
        return opening, self.action(second, When(tense, time=self._time(tense, 0.2)))

    # Questions

    def question(self) -> Clause | Joined:
        """Yes-no questions and who, what, where, when, why, how, how many, which."""
        kind = self._weighted(
            {
                "yes-no": 0.34,
                "who": 0.1,
                "what": 0.12,
                "where": 0.12,
                "when": 0.08,
                "why": 0.09,
                "how": 0.04,
                "how many": 0.07,
                "which": 0.04,
            }
        )
        subject = You() if self._happens(0.25) else self.known_person()
        tense: Tense = self._weighted({"past": 0.6, "future": 0.4})
        match kind:
            case "who":
                return replace(self.action(Asked("who"), self.when("past")), time_first=False)
            case "what" | "how many" | "which":
                return self._about_object(kind, subject, tense)
            case "where":
                return self._about_place(subject, tense)
            case "when":
                clause = self.action(subject, When(tense))
                return replace(clause, time=lexicon.ASKED["when"])
            case "why":
                when = self._one((When("past"), When("past", negative=True), When("future")))
                return replace(self.action(subject, when), reason=lexicon.ASKED["why"])
            case "how":
                clause = self.going(subject, When(tense))
                return replace(clause, means=lexicon.ASKED["how"], purpose=None)
        return replace(self.action(subject, self.when()), time_first=False)

    def _about_object(self, kind: str, subject: Phrase, tense: Tense) -> Clause:
        while True:
            verb = self._one(lexicon.TRANSITIVE)
            noun = self._one(verb.takes)
            if verb.case != "object" or "state" in verb.remarks or not isinstance(noun, Noun):
                continue
            if kind == "what":
                thing: Phrase = Asked("who" if noun.group in ("man", "kin") else "what")
            elif kind == "which" and noun.plural and not noun.always_plural:
                thing = NounPhrase(noun, "which")
            elif kind == "how many" and noun.plural and noun.counter != "-":
                if noun.always_plural:
                    continue
                thing = NounPhrase(noun, "how many", True)
            else:
                continue
            return self._circumstances(subject, Action(verb, thing), When(tense), 0.6)

    def _about_place(self, subject: Phrase, tense: Tense) -> Clause:
        if self._happens(0.35):
            presence = Presence(lexicon.ASKED["where to"])
            noun = self._one(_SMALL_THINGS)
            thing = self._determined(noun, "the") if self._happens(0.6) else subject
            return Clause(thing, presence, "present")
        if self._happens(0.4):
            verb = self._one(lexicon.MOTION[:1] + lexicon.MOTION[3:4])
            return self._clause(subject, Action(verb, goal=lexicon.ASKED["where to"]), When(tense))
        while True:
            verb = self._one(lexicon.TRANSITIVE + lexicon.INTRANSITIVE)
            if verb.activity and "state" not in verb.remarks:
                break
        thing_asked = self.thing(self._one(verb.takes), verb) if verb.takes else None
        clause = self._circumstances(subject, Action(verb, thing_asked), When(tense), 0.4)
        return replace(clause, place=lexicon.ASKED["where"])


def _is_same_pronoun(first: Phrase, second: Phrase) -> bool:
    return (
        isinstance(first, Someone)
        and isinstance(second, Someone)
        and first.pronoun is second.pronoun
    )
