"""Invents the meanings of whole sentences: statements, questions, clauses joined.

An `Inventor` draws trees of `meaning` nodes at random. It keeps together what belongs together:
people eat what is food where one eats, "yesterday" meets the past, and reasons are such things
as rain and hunger.
"""

from __future__ import annotations

from dataclasses import replace

from seq2seq.text.phrasebook import lexicon
from seq2seq.text.phrasebook.clauses import DEEDS, TRIPS, Clauses
from seq2seq.text.phrasebook.lexicon import Noun, Verb
from seq2seq.text.phrasebook.meaning import (
    Action,
    Again,
    Asked,
    Clause,
    Joined,
    Link,
    Modal,
    NounPhrase,
    Phrase,
    Presence,
    Sentence,
    Tense,
    You,
)
from seq2seq.text.phrasebook.phrases import SMALL_THINGS
from seq2seq.text.phrasebook.times import When


def _askable() -> list[Verb]:
    """Verbs that "what" can ask about: not those whose Korean depends on the noun, like to wear."""
    stems: dict[str, set[str]] = {}
    for verb in DEEDS:
        stems.setdefault(verb.english.base, set()).add(verb.korean.text)
    return [verb for verb in DEEDS if verb.case == "object" and len(stems[verb.english.base]) == 1]


_ASKABLE = _askable()


class Inventor(Clauses):
    """Draws the meanings of sentences; see `sentence` and `long_sentence`."""

    def sentence(self) -> Sentence:
        """A statement or question of any kind."""
        self.begin(tuple(lexicon.PRONOUNS))
        kind = self.weighted({"clause": 0.43, "joined": 0.4, "question": 0.17})
        if kind == "question":
            return Sentence(self.question(), True)
        return Sentence(self.joined() if kind == "joined" else self.clause())

    def long_sentence(self) -> Sentence:
        """Two sentences' worth, joined by "and" or "but"; one of them or both are joined too.

        Their subjects are never "he", "she" or "they", which could be anybody in the other one.
        """
        self.begin(("I", "we"))
        kind = self.weighted({"first": 0.35, "second": 0.35, "both": 0.3})
        first = self.clause() if kind == "second" else self.joined()
        second = self.clause() if kind == "first" else self.joined()
        is_plain = all(
            isinstance(part, Clause) or part.link not in ("but", "although")
            for part in (first, second)
        )
        return Sentence(Joined(self.one(("and", "but")) if is_plain else "and", first, second))

    def clause(self) -> Clause:
        """One statement."""
        kind = self.weighted(
            {
                "action": 0.52, "feeling": 0.1, "animal": 0.06, "quality": 0.11, "identity": 0.03,
                "presence": 0.08, "possession": 0.03, "saying": 0.06, "weather": 0.01,
            }
        )  # fmt: skip
        match kind:
            case "feeling":
                return self.feeling(self.doer(self.known_person()))
            case "animal":
                return self.animal_action(self.any_time())
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
                tense: Tense = self.one(("past", "future"))
                return self.weather(tense, self.one(lexicon.TIMES[tense]))
        return self.action(self.doer(self.person()), self.any_time())

    # Clauses joined

    def joined(self) -> Joined:
        """Two clauses that belong together, about one subject or about two."""
        link: Link = self.weighted(
            {
                "and": 0.2, "but": 0.13, "so": 0.13, "because": 0.14, "when": 0.12, "if": 0.08,
                "although": 0.07, "before": 0.05, "after": 0.05, "while": 0.03,
            }
        )  # fmt: skip
        main_first = self.happens(0.5) and link not in ("and", "but", "so")
        if link == "while" or self.happens(0.5):
            # In two clauses with two subjects, "he" could be anybody.
            first, second = self.known_person(("I", "we")), self.known_person(("I", "we"))
            return Joined(link, *self._two(link, first, second), main_first)
        subject = self.doer(self.known_person())
        repeated = Again(subject, silent=link == "and")
        first, second = (repeated, subject) if main_first else (subject, repeated)
        return Joined(link, *self._two(link, first, second), main_first)

    def _two(self, link: Link, first: Phrase, second: Phrase) -> tuple[Clause, Clause]:
        """The dependent (or first) clause and the main one."""
        is_shared = isinstance(first, Again) or isinstance(second, Again)
        match link:
            case "and" | "but":
                return self._coordinated(link, first, second)
            case "so":
                return self._reason(first, "past", is_shared), self._result(second, "past")
            case "because" | "although":
                tense: Tense = self.weighted({"past": 0.65, "present": 0.35})
                return self._reason(first, tense, is_shared), self._result(second, tense)
            case "if":
                return self._condition(first, is_shared), self.action(second, self._consequence())
            case "while":
                return self._lasting(first), self.action(second, When("past"))
        if self.happens(0.7):
            closing = self.action(second, When("past", time=self._maybe_time("past", 0.2)))
            return self.action(first, When("past"), 0.4), closing
        closing = self.action(second, When("future", time=self._maybe_time("future", 0.2)))
        return self._simple_present(first), closing

    def _coordinated(self, link: Link, first: Phrase, second: Phrase) -> tuple[Clause, Clause]:
        if link == "but" and self.happens(0.25):
            opening = self.feeling(first, negative=False)
            closing = self.feeling(second, negative=True)
            return replace(opening, tense="present"), replace(closing, tense="present")
        tense: Tense = self.weighted({"past": 0.65, "future": 0.35})
        opening = self.action(first, When(tense, time=self._maybe_time(tense, 0.35)))
        negative = link == "but" and self.happens(0.6)
        return opening, self.action(second, When(tense, negative=negative))

    def _maybe_time(self, tense: Tense, share: float) -> lexicon.Adverb | None:
        return self.one(lexicon.TIMES[tense]) if self.happens(share) else None

    def _reason(self, subject: Phrase, tense: Tense, is_shared: bool) -> Clause:
        """It rained; somebody was tired, or wanted, had or was able to do something."""
        if not is_shared and self.happens(0.55):
            return self.weather(tense)
        if self.happens(0.7):
            return self.state(subject, tense)
        modal: Modal = self.one(("want", "must", "can"))
        return self.action(subject, When(tense, modal=modal), 0.3)

    def _result(self, subject: Phrase, tense: Tense) -> Clause:
        if tense == "past":
            time = self._maybe_time("past", 0.2)
            return self.action(subject, When("past", negative=self.happens(0.2), time=time))
        modal: Modal = self.one(("can", "want", "must"))
        negative = modal != "must" and self.happens(0.4)
        return self.action(subject, When("present", modal=modal, negative=negative))

    def _condition(self, subject: Phrase, is_shared: bool) -> Clause:
        if not is_shared and self.happens(0.5):
            return replace(self.weather("present"), aspect="simple")
        if self.happens(0.5):
            return self.state(subject, "present")
        return self._simple_present(subject)

    def _simple_present(self, subject: Phrase) -> Clause:
        clause = self.action(subject, When("present"), 0.4)
        return replace(clause, aspect="simple", frequency=None, time=None)

    def _consequence(self) -> When:
        if self.happens(0.7):
            time = self._maybe_time("future", 0.3)
            return When("future", negative=self.happens(0.2), time=time)
        return When("present", modal=self.one(("can", "must")))

    def _lasting(self, subject: Phrase) -> Clause:
        """An action that goes on, for "while"."""
        while True:
            clause = self.action(subject, When("past", "progressive"), 0.5)
            if clause.aspect == "progressive":
                return clause

    # Questions

    def question(self) -> Clause | Joined:
        """Yes-no questions and who, what, where, when, why, how, how many, which."""
        kind = self.weighted(
            {
                "yes-no": 0.3, "who": 0.1, "what": 0.12, "where": 0.12, "when": 0.08, "why": 0.09,
                "how": 0.04, "how many": 0.07, "which": 0.04, "joined": 0.04,
            }
        )  # fmt: skip
        subject = You() if self.happens(0.25) else self.known_person(("he", "she", "they"))
        tense: Tense = self.weighted({"past": 0.6, "future": 0.4})
        match kind:
            case "who":
                return self.action(Asked("who"), self.when("past")._replace(time_first=False))
            case "what" | "how many" | "which":
                return self._about_object(kind, subject, tense)
            case "where":
                return self._about_place(subject, tense)
            case "when":
                clause = self.action(subject, When(tense), 0.5)
                return replace(clause, time=lexicon.ASKED["when"])
            case "why":
                when = self.one((When("past"), When("past", negative=True), When("future")))
                return replace(self.action(subject, when), reason=lexicon.ASKED["why"])
            case "how":
                clause = replace(self.going(subject, When(tense)), purpose=None)
                return replace(clause, means=lexicon.ASKED["how"])
            case "joined":
                return self._joined_question()
        if self.happens(0.2):
            return replace(self.one((self.quality, self.presence))(), negative=False)
        if self.happens(0.2):
            return self.feeling(subject, negative=False)
        when = self.any_time()._replace(time_first=False)
        return self.action(subject, when._replace(negative=False))

    def _joined_question(self) -> Joined:
        """Like "Did Anna sleep because it rained?"."""
        link: Link = self.one(("because", "when", "before", "after"))
        dependent, main = self._two(link, self.known_person(("I",)), self.known_person(("we",)))
        return Joined(link, dependent, replace(main, time_first=False), main_first=True)

    def _about_object(self, kind: str, subject: Phrase, tense: Tense) -> Clause:
        """What somebody buys, which book, how many books."""
        while True:
            verb = self.fresh(_ASKABLE)
            noun = self.fresh(verb.takes)
            if not isinstance(noun, Noun):
                continue
            is_countable = bool(noun.plural) and not noun.always_plural
            is_countable = is_countable and noun.group not in ("kin", "indoors", "outdoors")
            if kind == "what" or is_countable:
                break
        thing: Phrase = NounPhrase(noun, kind, plural=kind == "how many")
        if kind == "what":
            thing = Asked("who" if noun.group in ("man", "kin") else "what")
        return self.deed(subject, Action(verb, thing), When(tense), 0.6)

    def _about_place(self, subject: Phrase, tense: Tense) -> Clause:
        """Where somebody or something is, goes, or does something."""
        if self.happens(0.35):
            thing = self.described(self.fresh(SMALL_THINGS)) if self.happens(0.6) else subject
            return Clause(thing, Presence(lexicon.ASKED["where to"]), "present")
        if self.happens(0.4):
            verb = self.one(TRIPS[:1] + TRIPS[3:4])
            return Clause(subject, Action(verb, goal=lexicon.ASKED["where to"]), tense)
        verb = self.fresh([verb for verb in DEEDS + lexicon.INTRANSITIVE if verb.activity])
        thing_done = self.thing(verb) if verb.takes else None
        clause = self.deed(subject, Action(verb, thing_done), When(tense), 0.4)
        return replace(clause, place=lexicon.ASKED["where"])
