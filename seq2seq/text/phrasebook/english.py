"""A meaning spoken in English: articles, agreement, do-support, wh-fronting, word order.

    [time] subject auxiliary (not) (often) verb object receiver goal purpose manner means place time

A question puts the auxiliary before its subject ("Did the man buy …?") and what is asked before
both ("What did the man buy?"); where there is no auxiliary, "do" serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from seq2seq.text.phrasebook.inflection import (
    add_s,
    comparative,
    indefinite_article,
    superlative,
)
from seq2seq.text.phrasebook.lexicon import Adverb, EnglishVerb
from seq2seq.text.phrasebook.meaning import (
    Action,
    Again,
    Asked,
    Both,
    Clause,
    Facet,
    Gap,
    Identity,
    Joined,
    NounPhrase,
    Oblique,
    Person,
    Phrase,
    Possession,
    Predicate,
    Presence,
    Quality,
    Saying,
    Sentence,
    Someone,
    Weather,
    Word,
    You,
)

_BE = EnglishVerb("be", "is", "was", "been", "being")
_HAVE = EnglishVerb("have", "has", "had", "had", "having")
_WANT = EnglishVerb("want", "wants", "wanted", "wanted", "wanting")
_DO = EnglishVerb("do", "does", "did", "done", "doing")
_PLURALS = {"this": "these", "that": "those"}
_OBJECTS = {"he": "him", "she": "her", "it": "it", "they": "them"}


def speak(sentence: Sentence) -> list[Word]:
    """The words of a sentence, capitalised and with its final punctuation."""
    content = sentence.content
    if isinstance(content, Joined):
        words = _joined(content, sentence.is_question)
    else:
        words = _question(content) if sentence.is_question else _statement(content)
    words[0] = Word(words[0].text[0].upper() + words[0].text[1:], words[0].about)
    return _punctuated(words, "?" if sentence.is_question else ".")


def _words(text: str, *facets: Facet) -> list[Word]:
    about = frozenset(facets)
    return [Word(part, about) for part in text.split()]


def _punctuated(words: list[Word], mark: str) -> list[Word]:
    return [*words[:-1], Word(words[-1].text + mark, words[-1].about)]


def _joined(joined: Joined, is_question: bool = False) -> list[Word]:
    link = _words(joined.link, (joined, "link"))
    dependent = _any(joined.dependent)
    if is_question:
        assert isinstance(joined.main, Clause)
        return _question(joined.main) + link + dependent
    main = _any(joined.main)
    if joined.link in ("and", "but", "so"):
        is_one = isinstance(joined.main, Clause) and _is_silent(joined.main)
        return (dependent if is_one else _punctuated(dependent, ",")) + link + main
    if joined.main_first:
        if joined.link == "although":
            main = _punctuated(main, ",")
        return main + link + dependent
    return link + _punctuated(dependent, ",") + main


def _any(part: Clause | Joined) -> list[Word]:
    return _joined(part) if isinstance(part, Joined) else _statement(part)


def _is_silent(clause: Clause) -> bool:
    return isinstance(clause.subject, Again) and clause.subject.silent


# Phrases


def _phrase(phrase: Phrase, is_subject: bool = False) -> list[Word]:
    match phrase:
        case NounPhrase():
            return _noun_phrase(phrase)
        case Person(name):
            return _words(name.english, (phrase, "noun"))
        case Someone(pronoun):
            return _words(pronoun.subject if is_subject else pronoun.object, (phrase, "noun"))
        case You():
            return _words("you", (phrase, "noun"))
        case Both(first, second):
            link = _words("and", (phrase, "link"))
            return _phrase(first, is_subject) + link + _phrase(second, is_subject)
        case Again(antecedent, silent):
            return [] if silent else _words(_pronoun(antecedent, is_subject), (phrase, "noun"))
        case Weather(_, english):
            return _words(english, (phrase, "noun"))
        case Asked(english):
            return _words(english, (phrase, "noun"))
        case Gap():
            return []


def _pronoun(phrase: Phrase, is_subject: bool) -> str:
    """What stands for a phrase in the next clause."""
    match phrase:
        case Someone(pronoun):
            return pronoun.subject if is_subject else pronoun.object
        case Person(name):
            subject = name.pronoun
        case NounPhrase(noun) if agreement(phrase) == "third":
            subject = noun.pronoun
        case _:
            subject = "they"
    return subject if is_subject else _OBJECTS[subject]


def _noun_phrase(phrase: NounPhrase) -> list[Word]:
    noun = phrase.noun
    words = _measure(phrase)
    if phrase.adjective:
        adjective = phrase.adjective.english
        form = superlative(adjective) if phrase.superlative else adjective
        words += _words(form, (phrase, "adjective"))
    words += _words(noun.plural if phrase.plural else noun.english, (phrase, "noun"))
    words = _determiner(phrase, words[0].text) + words
    if phrase.location:
        words += _oblique(phrase.location)
    if phrase.relative:
        words += _relative(phrase, phrase.relative)
    return words


def _measure(phrase: NounPhrase) -> list[Word]:
    """The "cups of" in "two cups of coffee"."""
    noun = phrase.noun
    if not noun.measure or phrase.determiner not in ("number", "a", "how many", "several"):
        return []
    measure = noun.measure if phrase.determiner == "a" else add_s(noun.measure)
    return _words(measure + " of", (phrase, "counter"))


def _determiner(phrase: NounPhrase, next_word: str) -> list[Word]:
    facet = (phrase, "determiner")
    match phrase.owner:
        case Person(name):
            return _words(name.english + "'s", (phrase.owner, "noun"))
        case Someone(pronoun):
            return _words(pronoun.possessive, (phrase.owner, "noun"))
    match phrase.determiner:
        case "number":
            assert phrase.number is not None
            return _words(phrase.number[0], (phrase, "number"))
        case "a":
            return _words(indefinite_article(next_word), (phrase, "number"))
        case "several" | "how many":
            return _words(phrase.determiner, (phrase, "number"))
        case "this" | "that" if phrase.plural or phrase.noun.always_plural:
            return _words(_PLURALS[phrase.determiner], facet)
    return _words(phrase.determiner, facet)


def _relative(phrase: NounPhrase, clause: Clause) -> list[Word]:
    """Who for people, that for all else, where for places without a gap in the clause."""
    if isinstance(clause.place, Oblique) and isinstance(clause.place.phrase, Gap):
        opening = "where"
    elif isinstance(clause.subject, Gap) and phrase.noun.group in ("man", "kin"):
        opening = "who"
    else:
        opening = "that"
    number = agreement(phrase)
    return _words(opening, (clause, "link")) + _statement(clause, number)


def agreement(phrase: Phrase) -> str:
    """The form that a finite verb takes with its subject: `first`, `third` or `plural`."""
    match phrase:
        case NounPhrase(noun, plural=plural):
            return "plural" if plural or noun.always_plural else "third"
        case Someone(pronoun):
            return pronoun.agreement
        case You() | Both():
            return "plural"
        case Again(antecedent):
            return agreement(antecedent)
    return "third"


def _oblique(oblique: Oblique) -> list[Word]:
    phrase = oblique.phrase
    if isinstance(phrase, Gap):
        return []
    is_home = isinstance(phrase, NounPhrase) and phrase.noun.group == "home"
    preposition = "" if is_home and oblique.preposition == "to" else oblique.preposition
    return _words(preposition, (oblique, "case")) + _phrase(phrase)


def _adverb(adverb: Adverb | None, owner: Clause | Action | Presence) -> list[Word]:
    if adverb is None:
        return []
    return [Word(word, frozenset({((owner, adverb), mark)})) for word, mark in adverb.english]


def _circumstance(part: Oblique | Adverb | None, owner: Clause | Action | Presence) -> list[Word]:
    return _oblique(part) if isinstance(part, Oblique) else _adverb(part, owner)


# Clauses


class _VerbGroup(NamedTuple):
    """A finite verb and what follows it; `is_auxiliary` tells whether it may be inverted."""

    first: list[Word]
    rest: list[Word]
    is_auxiliary: bool


def _finite(verb: EnglishVerb, clause: Clause, number: str) -> str:
    if verb is _BE:
        if clause.tense == "past":
            return "were" if number == "plural" else "was"
        return {"first": "am", "third": "is", "plural": "are"}[number]
    if clause.tense == "past":
        return verb.past
    head, _, tail = verb.base.partition(" ")
    return verb.third if number == "third" else f"{head} {tail}".strip()


def _verb_group(clause: Clause, number: str, needs_auxiliary: bool) -> _VerbGroup:
    verb = _main_verb(clause)
    tense, main = (clause, "tense"), (clause, "verb")
    if clause.modal == "can":
        can = "could" if clause.tense == "past" else "can"
        return _VerbGroup(_words(can, (clause, "modal")), _words(verb.base, main), True)
    if clause.tense == "future":
        return _VerbGroup(_words("will", tense), _words(verb.base, main), True)
    if clause.aspect == "progressive":
        return _VerbGroup(_words(_finite(_BE, clause, number), tense), _words(verb.ing, main), True)
    if clause.aspect == "perfect":
        has = "has" if number == "third" else "have"
        return _VerbGroup(_words(has, tense), _words(verb.participle, main), True)
    rest: list[Word] = []
    facets = [tense, main]
    if clause.modal:
        rest = _words("to", (clause, "modal")) + _words(verb.base, main)
        verb = _WANT if clause.modal == "want" else _HAVE
        facets = [tense, (clause, "modal")]
    if verb is _BE:
        return _VerbGroup(_words(_finite(verb, clause, number), *facets), rest, True)
    if needs_auxiliary:
        do = _words(_finite(_DO, clause, number), tense)
        return _VerbGroup(do, _words(verb.base, facets[1]) + rest, True)
    return _VerbGroup(_words(_finite(verb, clause, number), *facets), rest, False)


def _main_verb(clause: Clause) -> EnglishVerb:
    match clause.predicate:
        case Action(verb):
            return verb.english
        case Possession():
            return _HAVE
        case Saying(verb):
            return verb.english
    return _BE


def _statement(clause: Clause, number: str = "") -> list[Word]:
    """A clause in statement order; `number` is that of the noun that fills a subject gap."""
    if not isinstance(clause.subject, Gap) or not number:
        number = agreement(clause.subject)
    negative = clause.negative and not _is_negative(clause.frequency)
    group = _verb_group(clause, number, negative)
    adverb = _adverb(clause.frequency, clause)
    if negative:
        first = group.first + _words("not", (clause, "negation"))
        if first[0].text == "can":
            first = [Word("cannot", first[0].about | first[1].about)]
    else:
        first = group.first
    verbs = first + adverb + group.rest if group.is_auxiliary else adverb + first + group.rest
    opening = _adverb(clause.time, clause) if clause.time_first else []
    if opening:
        opening = _punctuated(opening, ",")
    return opening + _subject(clause) + verbs + _after_verb(clause)


def _is_negative(frequency: Adverb | None) -> bool:
    return frequency is not None and frequency.kind == "negative"


def _subject(clause: Clause) -> list[Word]:
    if isinstance(clause.predicate, Presence) and clause.predicate.exists:
        return _words("there", (clause, "verb"))
    return _phrase(clause.subject, is_subject=True)


def _question(clause: Clause) -> list[Word]:
    asked = _asked(clause)
    if asked and asked == _phrase(clause.subject, is_subject=True):
        return _statement(clause)
    group = _verb_group(clause, agreement(clause.subject), True)
    words = asked + group.first + _subject(clause)
    if clause.negative and not _is_negative(clause.frequency):
        words += _words("not", (clause, "negation"))
    return words + _adverb(clause.frequency, clause) + group.rest + _after_verb(clause)


def _asked(clause: Clause) -> list[Word]:
    """The wh-phrase of a clause, or nothing."""
    for phrase in (clause.subject, *_phrases(clause.predicate)):
        if _is_asked(phrase):
            return _phrase(phrase, is_subject=True)
    for adverb, owner in _adverbs(clause):
        if adverb.kind == "asked":
            return _adverb(adverb, owner)
    return []


def _is_asked(phrase: Phrase) -> bool:
    if isinstance(phrase, NounPhrase):
        return phrase.determiner in ("which", "how many")
    return isinstance(phrase, Asked)


def _phrases(predicate: Predicate) -> Iterable[Phrase]:
    if isinstance(predicate, Action | Possession) and predicate.object:
        yield predicate.object


def _adverbs(clause: Clause) -> Iterable[tuple[Adverb, Clause | Action | Presence]]:
    for part in (clause.time, clause.reason, clause.place, clause.means):
        if isinstance(part, Adverb):
            yield part, clause
    match clause.predicate:
        case Action(goal=Adverb() as goal):
            yield goal, clause.predicate
        case Presence(Adverb() as location):
            yield location, clause.predicate


def _after_verb(clause: Clause) -> list[Word]:
    """Everything behind the verb, without what a question has moved to the front."""
    words = _complement(clause)
    if clause.purpose:
        purpose = clause.purpose
        assert isinstance(purpose.predicate, Action)
        words += _words("to", (purpose, "link"))
        words += _words(purpose.predicate.verb.english.base, (purpose, "verb"))
        words += _after_verb(purpose)
    for part in (clause.manner, clause.means, clause.company, clause.place):
        if not (isinstance(part, Adverb) and part.kind == "asked"):
            words += _circumstance(part, clause)
    if clause.time and not clause.time_first and clause.time.kind != "asked":
        words += _adverb(clause.time, clause)
    return words


def _complement(clause: Clause) -> list[Word]:
    predicate = clause.predicate
    match predicate:
        case Action(verb, thing, receiver, goal):
            words = [] if thing is None or _is_asked(thing) else _phrase(thing)
            if receiver:
                words += _words(verb.preposition, (predicate, "receiver")) + _phrase(receiver)
            if isinstance(goal, Oblique):
                words += _oblique(goal)
            return words
        case Quality():
            return _quality(predicate, clause)
        case Identity(phrase):
            return _phrase(phrase)
        case Presence(location, exists):
            words = _phrase(clause.subject) if exists else []
            return words + (_oblique(location) if isinstance(location, Oblique) else [])
        case Possession(thing):
            return [] if _is_asked(thing) else _phrase(thing)
        case Saying(content=content):
            return _words("that", (content, "link")) + _statement(content)


def _quality(quality: Quality, clause: Clause) -> list[Word]:
    adjective, facet = quality.adjective.english, (quality, "adjective")
    if quality.than is None:
        return _adverb(quality.degree, clause) + _words(adjective, facet)
    compared = _words(comparative(adjective), facet)
    return compared + _words("than", (quality, "than")) + _phrase(quality.than)
