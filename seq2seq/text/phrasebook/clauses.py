"""Draws single clauses: somebody does something, something is so, or is somewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seq2seq.text.phrasebook import lexicon
from seq2seq.text.phrasebook.lexicon import Adverb, Noun
from seq2seq.text.phrasebook.meaning import (
    Action,
    Aspect,
    Clause,
    Gap,
    Identity,
    NounPhrase,
    Oblique,
    Phrase,
    Possession,
    Predicate,
    Presence,
    Quality,
    Saying,
    Tense,
    Weather,
)
from seq2seq.text.phrasebook.phrases import ANIMALS, JOBS, PEOPLE, SMALL_THINGS, Phrases, index
from seq2seq.text.phrasebook.times import T, When

_STATES = [verb for verb in lexicon.TRANSITIVE if "state" in verb.remarks]
DEEDS = [verb for verb in lexicon.TRANSITIVE if "state" not in verb.remarks]
_LIVING = [verb for verb in lexicon.MOTION if "state" in verb.remarks]
TRIPS = [verb for verb in lexicon.MOTION if "state" not in verb.remarks]
_ANIMAL_VERBS = [v for v in lexicon.INTRANSITIVE + DEEDS if "animal" in v.remarks]
_VERBS_OF = index([verb for verb in DEEDS if verb.case == "object"], "takes")
_PREDICATIVE = [adjective for adjective in lexicon.ADJECTIVES if not adjective.before_noun]
_PREDICATIVE = [adjective for adjective in _PREDICATIVE if "attributive" not in adjective.remarks]
_PASSING = [adjective for adjective in lexicon.ADJECTIVES if "passing" in adjective.remarks]
_TRANSPORT = [lexicon.noun(word) for word in ("bus", "train", "taxi", "bicycle", "car", "ship")]
_TOOLS = {
    "cut": ("knife",),
    "peel": ("knife",),
    "write": ("pencil", "pen"),
    "draw": ("pencil", "brush", "crayon"),
    "paint": ("brush",),
}
_WILD = ("bear", "tiger", "lion", "fox", "wolf", "deer", "elephant", "zebra", "giraffe", "mouse")
_OWNED = [
    noun
    for group in ("animal", "text", "vehicle", "machine", "belonging", "clothes", "footwear")
    for noun in lexicon.NOUNS[group]
    if noun.english not in _WILD
]


def _clause(subject: Phrase, predicate: Predicate, when: When) -> Clause:
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
    )


class Clauses(Phrases):
    """Draws clauses."""

    # Deeds

    def action(self, subject: Phrase, when: When, share: float = 0.75) -> Clause:
        """Somebody does something; `share` is how many circumstances are told."""
        kind = self.weighted({"to": 0.54, "alone": 0.18, "going": 0.15, "giving": 0.13})
        match kind:
            case "alone":
                return self.deed(subject, Action(self.fresh(lexicon.INTRANSITIVE)), when, share)
            case "going":
                return self.going(subject, when)
            case "giving":
                return self.giving(subject, when)
        verb = self.fresh(DEEDS)
        when = self.suited(when, verb)
        thing = self.thing(verb, when.negative)
        if when.time is None or when.time_first:
            thing = self._modified(thing)
        return self.deed(subject, Action(verb, thing), when, share)

    def deed(self, subject: Phrase, action: Action, when: When, share: float) -> Clause:
        """The action with where, how, with whom, with what and for how long."""
        verb, when = action.verb, self.suited(when, action.verb)
        clause = _clause(subject, action, when)
        # "… the house that I cleaned with a brush": whose brush? After a relative clause nothing
        # more is told of the main one, so that the translation stays settled.
        is_heavy = isinstance(action.object, NounPhrase) and action.object.relative is not None
        if is_heavy:
            return clause
        if verb.manners and not when.negative and self.happens(0.3 * share):
            manner = self.one(lexicon.MANNERS[self.one(verb.manners)])
            clause = replace(clause, manner=manner)
        if verb.activity and self.happens(0.5 * share):
            clause = replace(clause, place=self.place_for(self.one(verb.activity)))
        if verb.english.base in _TOOLS and self.happens(0.3 * share):
            tool = NounPhrase(lexicon.noun(self.one(_TOOLS[verb.english.base])), "a")
            clause = replace(clause, means=Oblique("with", tool, "by"))
        if "punctual" in verb.remarks:
            return clause
        is_alone = clause.manner is not None and clause.manner.kind == "alone"
        if verb.activity and not is_alone and self.happens(0.2 * share):
            clause = replace(clause, company=Oblique("with", self.acquaintance(), "with"))
        if action.object is None and self._can_last(when) and self.happens(0.3 * share):
            clause = replace(clause, time=self.one(lexicon.DURATIONS), time_first=False)
        return clause

    def _can_last(self, when: When) -> bool:
        is_plain = not (when.modal or when.negative or when.time or when.frequency)
        return is_plain and when.tense != "present"

    def going(self, subject: Phrase, when: When) -> Clause:
        """Somebody goes somewhere, perhaps to do something there."""
        verb = self.fresh(TRIPS)
        when = self.suited(when, verb)
        noun = self.fresh(verb.takes)
        goal = Oblique(verb.preposition, self.phrase_for(noun, verb), verb.case)
        clause = _clause(subject, Action(verb, goal=goal), when)
        if verb.english.base not in ("go", "come") or verb.preposition != "to":
            return clause
        kind = self.weighted({"purpose": 0.3, "means": 0.2, "company": 0.15, "": 0.35})
        if kind == "purpose" and not when.negative and isinstance(noun, Noun):
            return replace(clause, purpose=self._purpose(noun))
        if kind == "means":
            vehicle = NounPhrase(self.fresh(_TRANSPORT), "")
            return replace(clause, means=Oblique("by", vehicle, "by"))
        if kind == "company":
            return replace(clause, company=Oblique("with", self.acquaintance(), "with"))
        return clause

    def _purpose(self, place: Noun) -> Clause | None:
        """What people go to a place for."""
        activities = {a for p in lexicon.PLACES if p.noun is place for a in p.activities}
        verbs = [
            verb
            for verb in DEEDS + lexicon.INTRANSITIVE
            if not activities.isdisjoint(verb.activity)
        ]
        if not verbs:
            return None
        verb = self.fresh(verbs)
        return Clause(Gap(), Action(verb, self.thing(verb) if verb.takes else None))

    def giving(self, subject: Phrase, when: When) -> Clause:
        """Somebody gives something to somebody."""
        verb = self.fresh(lexicon.GIVING)
        thing = self.phrase_for(self.fresh(verb.takes), verb, when.negative)
        return _clause(subject, Action(verb, thing, self.acquaintance()), when)

    def animal_action(self, when: When) -> Clause:
        """An animal does what animals do."""
        verb, subject = self.fresh(_ANIMAL_VERBS), self.somebody(self.fresh(ANIMALS))
        when = self.suited(when._replace(modal=""), verb)
        if verb.takes:
            return _clause(subject, Action(verb, self.thing(verb, when.negative)), when)
        return replace(_clause(subject, Action(verb), when), place=self.place_for("play"))

    def feeling(self, subject: Phrase, negative: bool | None = None) -> Clause:
        """Somebody likes, knows, remembers something; somebody lives somewhere."""
        if negative is None:
            negative = self.happens(0.25)
        tense: Tense = self.one(("past", "present", "present"))
        when = When(tense, negative=negative)
        if self.happens(0.15):
            verb = self.one(_LIVING)
            place = self.phrase_for(self.fresh(verb.takes), verb)
            return _clause(subject, Action(verb, goal=Oblique(verb.preposition, place, "에")), when)
        verb = self.one(_STATES)
        if "well" in verb.manners and not negative and self.happens(0.3):
            manner: Adverb | None = lexicon.MANNERS["well"][0]
        else:
            manner = None
        thing = self.thing(verb, negative)
        return replace(_clause(subject, Action(verb, thing), when), manner=manner)

    # Relative clauses

    def doer(self, phrase: Phrase) -> Phrase:
        """The person, perhaps with a relative clause: "the man who bought the book"."""
        can = isinstance(phrase, NounPhrase) and phrase.determiner in ("the", "a", "number")
        if not (can and isinstance(phrase, NounPhrase)) or phrase.owner or phrase.superlative:
            return phrase
        if not self.happens(self._richness):
            return phrase
        when = When("past", negative=self.happens(0.06))
        if self.happens(0.35):
            when = When("present", "progressive")
        clause = self._poorly(lambda: self.action(Gap(), when, 0.4))
        return replace(phrase, adjective=None, relative=clause)

    def _modified(self, phrase: Phrase) -> Phrase:
        """The thing, perhaps with a relative clause or a place: "the book on the desk"."""
        if not isinstance(phrase, NounPhrase) or phrase.owner or phrase.superlative:
            return phrase
        if phrase.determiner not in ("the", "number") or not self.happens(self._richness * 0.8):
            return phrase
        if phrase.noun in SMALL_THINGS and self.happens(0.25):
            return replace(phrase, adjective=None, location=self._location("surface"))
        clause = self._poorly(lambda: self._acted_on(phrase.noun))
        return replace(phrase, adjective=None, relative=clause) if clause else phrase

    def _acted_on(self, noun: Noun) -> Clause | None:
        """The rest of "the book that Anna bought", "the park where the children play"."""
        agent = self.known_person(("I", "we"))
        if noun.group in ("indoors", "outdoors"):
            return self._done_there(noun, agent)
        if noun not in _VERBS_OF:
            return None
        when = When("past", negative=self.happens(0.05))
        return _clause(agent, Action(self.fresh(_VERBS_OF[noun]), Gap()), when)

    def _done_there(self, place: Noun, agent: Phrase) -> Clause | None:
        activities = {a for p in lexicon.PLACES if p.noun is place for a in p.activities}
        verbs = [v for v in lexicon.INTRANSITIVE if not activities.isdisjoint(v.activity)]
        if not verbs:
            return None
        verb = self.fresh(verbs)
        when = self.one((When("past"), When("present", "progressive"), When("present")))
        if not verb.has_progressive:
            when = When("past")
        return replace(_clause(agent, Action(verb), when), place=Oblique("in", Gap(), ""))

    def _poorly(self, draw: Callable[[], T]) -> T:
        """What is drawn without relative clauses and with few adjectives: no nesting."""
        richness, self._richness = self._richness, 0.0
        drawn = draw()
        self._richness = richness
        return drawn

    # States

    def quality(self) -> Clause:
        """Something is so, or more so than something else."""
        adjective = self.fresh(_PREDICATIVE)
        noun = self.fresh(adjective.describes)
        subject = self.described(noun)
        tense: Tense = self.weighted({"past": 0.4, "present": 0.6})
        is_passing = "passing" in adjective.remarks
        alike = [other for other in adjective.describes if _is_alike(noun, other)]
        if not is_passing and len(alike) > 1 and self.happens(0.3):
            than = self.described(self.fresh(alike))
            return _clause(subject, Quality(adjective, than=than), When(tense))
        when = When(tense, negative=self.happens(0.2))
        if is_passing and tense == "past" and self.happens(0.5):
            when = when._replace(time=self.one(lexicon.TIMES["past"]))
        degree = self.one(lexicon.DEGREES) if not when.negative and self.happens(0.4) else None
        return _clause(subject, Quality(adjective, degree), when)

    def state(self, subject: Phrase, tense: Tense) -> Clause:
        """Somebody is tired, busy, hungry: what reasons are made of."""
        degree = self.one(lexicon.DEGREES) if self.happens(0.3) else None
        when = When(tense, negative=degree is None and self.happens(0.1))
        return _clause(subject, Quality(self.fresh(_PASSING), degree), when)

    def identity(self) -> Clause:
        """Somebody is a doctor."""
        subject: Phrase = self.named()
        if self.happens(0.4):
            subject = replace(self.relation(), plural=False)
        job = self.fresh(JOBS)
        phrase = NounPhrase(job, "a", adjective=self.adjective(job))
        when = When(self.one(("past", "present", "present")), negative=self.happens(0.25))
        return _clause(subject, Identity(phrase), when)

    def presence(self) -> Clause:
        """Something is somewhere, or there is something there."""
        when = When(self.one(("past", "present")))
        exists = self.happens(0.5)
        if self.happens(0.35):
            places = [place for place in lexicon.PLACES if place.activities != {"swim"}]
            location = self.at(self.fresh(places), "에")
            noun, subject = self.fresh(PEOPLE), self.known_person()
        else:
            kind = self.weighted({"surface": 0.7, "outside": 0.3})
            location = self._location(kind)
            noun = self.fresh(SMALL_THINGS if kind == "surface" else ANIMALS)
            subject = replace(self.determined(noun, "the"), superlative=False)
        if exists:
            kinds = ("a", "number", "number", "several")
            return _clause(self.determined(noun, self.one(kinds)), Presence(location, True), when)
        return _clause(subject, Presence(location), when._replace(negative=self.happens(0.2)))

    def _location(self, kind: str) -> Oblique:
        """On the desk, in the box; outside: beside the tree, in front of the house."""
        outside = ("house", "tree", "opening", "vehicle")
        while True:
            position = self.one(lexicon.POSITIONS)
            landmark = self.fresh(position.takes)
            if isinstance(landmark, Noun) and (landmark.group in outside) == (kind == "outside"):
                base = NounPhrase(landmark, "the", adjective=self.adjective(landmark))
                return Oblique(position.english, base, "에", position.korean)

    def possession(self) -> Clause:
        """Somebody has something."""
        thing = self.determined(self.fresh(_OWNED), self.one(("a", "number")))
        when = When(self.one(("past", "present", "present")))
        return _clause(self.known_person(), Possession(thing), when)

    def saying(self) -> Clause:
        """Somebody thinks that something is so."""
        subject = self.known_person(("I", "we"))
        if self.happens(0.4):
            content = self.quality()
        else:
            agent = self.known_person(("I", "we"))
            content = self.action(agent, self.any_time()._replace(time_first=False))
        if isinstance(content.subject, NounPhrase) and content.subject.determiner == "that":
            content = replace(content, subject=replace(content.subject, determiner="the"))
        return _clause(subject, Saying(self.one(lexicon.SAYING), content), When("present"))

    def weather(self, tense: Tense, time: Adverb | None = None) -> Clause:
        """It rained, it is cold, the sun will rise."""
        if self.happens(0.5):
            event = self.one(lexicon.WEATHER_EVENTS[: 4 if tense == "present" else None])
            subject = Weather(event.korean_subject, event.english_subject)
            aspect: Aspect = "progressive" if tense == "present" else "simple"
            return _clause(subject, Action(event.verb), When(tense, aspect, time=time))
        degree = self.one(lexicon.DEGREES[:3]) if self.happens(0.3) else None
        quality = Quality(self.one(lexicon.WEATHER_STATES), degree)
        return _clause(Weather("날씨"), quality, When(tense, time=time))


def _is_alike(noun: object, other: object) -> bool:
    if isinstance(noun, Noun) and isinstance(other, Noun):
        return noun.group == other.group
    return type(noun) is type(other)
