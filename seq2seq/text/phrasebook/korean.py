"""A meaning spoken in Korean: particles, word order and chains of verb endings.

    [time] topic (time) (often) reason purpose place company receiver object means manner goal verb

The verb comes last, after everything that belongs to it, and relative clauses come before their
noun: 책을 산 남자, "the man who bought the book". What is known and spoken about in a main clause
is its topic (은/는); a new subject, and any subject of a dependent clause, takes 이/가.
"""

from __future__ import annotations

from collections.abc import Callable

from seq2seq.text.phrasebook.hangul import Stem, copula, particle, stem
from seq2seq.text.phrasebook.lexicon import Adverb
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
    Presence,
    Quality,
    Saying,
    Sentence,
    Someone,
    Weather,
    Word,
    You,
)

_ASKED = {"who": "누구", "what": "무엇"}
_DETERMINERS = {"this": "이", "that": "그", "every": "모든", "many": "많은", "which": "어느"}
_FUSED = {("저", "subject"): "제가", ("누구", "subject"): "누가"}
_EXISTS, _EXISTS_NOT, _IS_NOT = stem("있다", True), stem("없다", True), stem("아니다/아니", True)
_OPPOSITES = {"있": _EXISTS_NOT, "알": stem("모르다/르")}
_WANTS = stem("싶다", True)
_TENSELESS = ("then", "so", "before", "after", "while", "purpose")


def speak(sentence: Sentence) -> list[Word]:
    """The eojeol of a sentence in the formal level: …습니다. or …습니까?"""
    ending = "question" if sentence.is_question else "statement"
    words = _any(sentence.content, ending, True)
    last = words[-1]
    return [*words[:-1], Word(last.text + ("?" if sentence.is_question else "."), last.about)]


def _words(text: str, *facets: Facet) -> list[Word]:
    about = frozenset(facets)
    return [Word(part, about) for part in text.split()]


def _attach(words: list[Word], name: str, *facets: Facet) -> list[Word]:
    """The words with a particle after the last: 책 + object → 책을, 저 + subject → 제가."""
    if not words or not name:
        return words
    *before, last = words
    text = _FUSED.get((last.text, name), last.text + particle(last.text, name))
    return [*before, Word(text, last.about | frozenset(facets))]


# Phrases


def _phrase(phrase: Phrase, case: str, *facets: Facet) -> list[Word]:
    match phrase:
        case NounPhrase():
            return _attach(_noun_phrase(phrase), case, *facets)
        case Person(name):
            return _attach(_words(name.korean, (phrase, "noun")), case, *facets)
        case Someone(pronoun):
            return _attach(_words(pronoun.korean, (phrase, "noun")), case, *facets)
        case Weather(korean):
            return _attach(_words(korean, (phrase, "noun")), case, *facets)
        case Asked(english):
            return _attach(_words(_ASKED[english], (phrase, "noun")), case, *facets)
        case Both(first, second):
            return _phrase(first, "with", (phrase, "link")) + _phrase(second, case, *facets)
        case You() | Gap() | Again():
            return []


def _noun_phrase(phrase: NounPhrase) -> list[Word]:
    return _described(phrase) + _count(phrase)


def _described(phrase: NounPhrase) -> list[Word]:
    """Relative clause, determiner, place, adjective, noun."""
    words = _clause(phrase.relative, "relative", False) if phrase.relative else []
    match phrase.owner:
        case Person(name):
            words += _words(name.korean + "의", (phrase.owner, "noun"))
        case Someone(pronoun):
            words += _words(pronoun.korean_possessive, (phrase.owner, "noun"))
        case _:
            words += _words(_DETERMINERS.get(phrase.determiner, ""), (phrase, "determiner"))
    if phrase.location:
        words += _oblique(phrase.location) + _words("있는", (phrase.location, "case"))
    if phrase.adjective:
        before_noun = phrase.adjective.before_noun or phrase.adjective.korean.attributive
        *head, last = before_noun.split()
        superlative = ["가장"] if phrase.superlative else []
        words += _words(" ".join([*head, *superlative, last]), (phrase, "adjective"))
    return words + _words(phrase.noun.korean + _plural_suffix(phrase), (phrase, "noun"))


def _plural_suffix(phrase: NounPhrase) -> str:
    """-들, where plurality is not told by a number: of what is definite, and of people."""
    is_told = phrase.plural and not phrase.noun.always_plural
    is_definite = phrase.owner is not None or phrase.determiner in ("the", "this", "that")
    is_many_people = phrase.determiner == "many" and phrase.noun.is_living
    return "들" if is_told and (is_definite or is_many_people) else ""


def _count(phrase: NounPhrase) -> list[Word]:
    """Number and counter behind the noun: 책 세 권, "three books"; 학생 한 명, "a student"."""
    noun = phrase.noun
    match phrase.determiner, phrase.number:
        case "number", (_, korean):
            number = korean
        case "a", _ if noun.is_living or noun.measure:
            number = "한"
        case (("several" | "how many"), _):
            number = "몇"
        case _:
            return []
    counter_facet = (phrase, "counter" if noun.measure else "number")
    return _words(number, (phrase, "number")) + _words(noun.counter, counter_facet)


def _oblique(oblique: Oblique, last: str = "") -> list[Word]:
    facet = (oblique, "case")
    if isinstance(oblique.phrase, Gap):
        return []
    if not oblique.position:
        return _phrase(oblique.phrase, oblique.particle, facet) + _words(last, facet)
    position = _attach(_words(oblique.position, facet), oblique.particle)
    return _phrase(oblique.phrase, "") + position


def _adverb(adverb: Adverb | None, owner: object) -> list[Word]:
    if adverb is None:
        return []
    return [Word(word, frozenset({((owner, adverb), mark)})) for word, mark in adverb.korean]


def _circumstance(part: Oblique | Adverb | None, owner: object) -> list[Word]:
    return _oblique(part) if isinstance(part, Oblique) else _adverb(part, owner)


def _is_heavy(phrase: Phrase) -> bool:
    """Whether a phrase opens with a clause, which would draw in a time before it."""
    return isinstance(phrase, NounPhrase) and phrase.relative is not None


# Clauses


def _any(part: Clause | Joined, ending: str, is_main: bool) -> list[Word]:
    if isinstance(part, Clause):
        return _clause(part, ending, is_main)
    return _joined(part, ending, is_main)


def _joined(joined: Joined, ending: str, is_main: bool) -> list[Word]:
    """Both clauses in Korean order; a subject that they share is said once, in front."""
    opening: list[Word] = []
    shared = _shared_subject(joined)
    if shared is not None:
        opening = _phrase(shared, "topic" if is_main else "subject")
    link = joined.link
    link_ending = "then" if link == "and" and shared is not None else link
    keeps_topic = is_main and link in ("and", "but")
    mark = (joined, "link")
    dependent = _any_part(joined.dependent, link_ending, keeps_topic, shared, mark)
    if link == "although":
        dependent = _words("비록", mark) + dependent
    return opening + dependent + _any_part(joined.main, ending, is_main, shared, None)


def _shared_subject(joined: Joined) -> Phrase | None:
    """The full phrase, if one clause takes up the other's subject again."""
    if not (isinstance(joined.dependent, Clause) and isinstance(joined.main, Clause)):
        return None
    first, second = joined.dependent.subject, joined.main.subject
    if isinstance(second, Again) and second.phrase is first:
        return first
    if isinstance(first, Again) and first.phrase is second:
        return second
    return None


def _any_part(
    part: Clause | Joined, ending: str, is_main: bool, without: Phrase | None, mark: Facet | None
) -> list[Word]:
    if isinstance(part, Joined):
        words = _joined(part, ending, is_main)
    else:
        words = _clause(part, ending, is_main, without)
    if mark is None:
        return words
    return [*words[:-1], Word(words[-1].text, words[-1].about | {mark})]


def _clause(
    clause: Clause, ending: str, is_main: bool, without: Phrase | None = None
) -> list[Word]:
    """A clause with its verb ending; its subject is left out if it is `without`."""
    frequency = _adverb(clause.frequency, clause)
    is_negative = _is_negative(clause.frequency)
    words = _opening(clause, is_main, without)
    words += [] if is_negative else frequency
    words += _adverb(clause.reason, clause)
    if clause.purpose:
        words += _clause(clause.purpose, "purpose", False)
    words += _circumstance(clause.place, clause)
    if clause.company:
        words += _oblique(clause.company, "함께")
    words += _complement(clause)
    words += frequency if is_negative else []
    return words + _verb(clause, ending)


def _opening(clause: Clause, is_main: bool, without: Phrase | None) -> list[Word]:
    """Topic and time; time comes before a subject that is new: 어제 학생 한 명이 왔습니다."""
    is_topic = is_main and _can_be_topic(clause)
    subject: list[Word] = []
    if clause.subject is not without:
        subject = _phrase(clause.subject, "topic" if is_topic else "subject")
    time = _adverb(clause.time, clause)
    match clause.predicate:
        case Presence(location, exists=True):
            return time + _circumstance(location, clause.predicate) + subject
    if clause.time_first or (is_main and not is_topic and not _is_heavy(clause.subject)):
        return time + subject
    return subject + time


def _can_be_topic(clause: Clause) -> bool:
    if isinstance(clause.predicate, Presence) and clause.predicate.exists:
        return False
    return _is_known(clause.subject)


def _is_known(phrase: Phrase) -> bool:
    match phrase:
        case NounPhrase():
            return phrase.owner is not None or phrase.determiner in ("the", "this", "that", "")
        case Both(first, second):
            return _is_known(first) and _is_known(second)
        case Weather() | Asked():
            return False
    return True


def _complement(clause: Clause) -> list[Word]:
    """What the verb governs."""
    predicate = clause.predicate
    match predicate:
        case Action(verb, thing, receiver, goal):
            words = _phrase(receiver, "에게", (predicate, "receiver")) if receiver else []
            words += _circumstance(clause.means, clause)
            return words + _object(thing, verb.case) + _circumstance(goal, predicate)
        case Quality(than=than):
            return _phrase(than, "보다", (predicate, "than")) if than else []
        case Presence(location, exists):
            return [] if exists else _circumstance(location, predicate)
        case Possession(thing):
            return _object(thing, "subject")
        case Saying(verb, content):
            return _clause(content, "fact" if verb.korean.text == "알" else "quote", False)
        case Identity(phrase):
            return _attach(_described(phrase), "subject") if clause.negative else []


def _object(thing: Phrase | None, case: str) -> list[Word]:
    """An object with its particle; "how many" puts it on the noun: 책을 몇 권 샀습니까?"""
    if isinstance(thing, NounPhrase) and thing.determiner == "how many":
        return _attach(_described(thing), case) + _count(thing)
    return _phrase(thing, case) if thing else []


# Verbs


def _verb(clause: Clause, ending: str) -> list[Word]:
    """The verb and what hangs on it: a chain of stems, each of which governs the one before.

    읽- → 읽고 있- → 읽고 있지 않- → 읽고 있지 않았- → 읽고 있지 않았습니다
    """
    chain = _Chain(clause)
    is_progressive = clause.aspect == "progressive"
    if is_progressive:
        chain.push(chain.stem.plus("고"), _EXISTS, "tense")
    is_negative = clause.negative or _is_negative(clause.frequency)
    if clause.modal:
        is_negative = _add_modal(chain, clause, is_negative)
    if is_negative:
        _negate(chain, is_progressive)
    if ending not in _TENSELESS:
        _add_tense(chain, clause, ending)
    return chain.end(ending)


def _is_negative(frequency: Adverb | None) -> bool:
    return frequency is not None and frequency.kind == "negative"


class _Chain:
    """The words of a verb so far, and the stem that is still to be conjugated."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.words: list[Word] = []
        self.facets: frozenset[Facet] = frozenset({(clause, "verb")})
        self.stem = self._main_stem()
        *before, last = self.stem.text.split()
        self.words += [Word(text, self.facets) for text in before]
        self.words += _degree(clause) + _adverb(clause.manner, clause)
        self.stem = Stem(last, self.stem.irregular, self.stem.is_adjective)

    def _main_stem(self) -> Stem:
        match self.clause.predicate:
            case Action(verb):
                return verb.korean
            case Quality(adjective) as quality:
                self.facets |= {(quality, "adjective")}
                return adjective.korean
            case Saying(verb):
                return verb.korean
            case Identity() if self.clause.negative:
                return _IS_NOT
            case Identity(phrase):
                *before, last = _described(phrase)
                self.words += before
                self.facets |= last.about
                return copula(last.text)
        return _EXISTS

    def push(self, text: str, next_stem: Stem, facet: str) -> None:
        """Finish the stem as a word and go on with the one that governs it."""
        self.words += [Word(part, self.facets) for part in text.split()]
        self.facets = frozenset({(self.clause, facet)})
        self.stem = next_stem

    def end(self, ending: str) -> list[Word]:
        """All words, the last with its ending."""
        verb, *noun = _ENDINGS[ending](self.stem).split()
        words = [*self.words, Word(verb, self.facets | {(self.clause, "tense")})]
        facet: Facet = (self.clause, "link")
        if not noun:
            words[-1] = Word(verb, words[-1].about | {facet})
        return words + [Word(text, frozenset({facet})) for text in noun]


def _degree(clause: Clause) -> list[Word]:
    """How much: right before the adjective, 키가 더 크다."""
    match clause.predicate:
        case Quality(_, degree, than) as quality:
            more = _words("더" if than else "", (quality, "adjective"))
            return more + _adverb(degree, clause)
    return []


_ENDINGS: dict[str, Callable[[Stem], str]] = {
    "statement": lambda verb: verb.formal,
    "question": lambda verb: verb.formal_question,
    "and": lambda verb: verb.plus("고"),
    "then": lambda verb: verb.plus("고"),
    "but": lambda verb: verb.plus("지만"),
    "although": lambda verb: verb.plus("지만"),
    "so": lambda verb: verb.infinitive + "서",
    "because": lambda verb: verb.plus("기 때문에"),
    "when": lambda verb: verb.prospective + " 때",
    "if": lambda verb: verb.plus_euphonic("면"),
    "before": lambda verb: verb.plus("기 전에"),
    "after": lambda verb: verb.completed + " 후에",
    "while": lambda verb: verb.attributive + " 동안",
    "purpose": lambda verb: verb.plus_euphonic("러"),
    "quote": lambda verb: verb.plain + "고",
    "fact": lambda verb: verb.plain + "는 것을",
    "relative": lambda verb: verb.text,  # `_attributive` has done it
}
"""The ending of a statement or a question, and those that link to what follows."""


def _add_modal(chain: _Chain, clause: Clause, is_negative: bool) -> bool:
    """Ability, wish or duty; tells whether a negation is still to be expressed.

    -(으)ㄹ 수 있다 / 없다; -고 싶다 for one's own wish, -고 싶어 하다 for what others seem to wish;
    -아/어야 하다.
    """
    match clause.modal:
        case "can":
            chain.push(chain.stem.prospective, stem("수"), "modal")
            chain.push("수", _EXISTS_NOT if is_negative else _EXISTS, "modal")
            if is_negative:
                chain.facets |= {(clause, "negation")}
            return False
        case "want":
            chain.push(chain.stem.plus("고"), _WANTS, "modal")
            if not _is_speaker(clause.subject):
                chain.push("싶어", stem("하다"), "modal")
        case "must":
            chain.push(chain.stem.infinitive + "야", stem("하다"), "modal")
    return is_negative


def _negate(chain: _Chain, is_progressive: bool) -> None:
    """-지 않다, save for the three that have an opposite: 있다, 알다, 이다."""
    negation: Facet = (chain.clause, "negation")
    opposite = None if is_progressive else _OPPOSITES.get(chain.stem.text)
    if opposite:
        chain.stem = opposite
    elif chain.stem is not _IS_NOT and chain.stem.text != "아니":
        chain.push(chain.stem.plus("지"), stem("않다", chain.stem.is_adjective), "negation")
    chain.facets |= {negation, ((chain.clause, chain.clause.frequency), "")}


def _add_tense(chain: _Chain, clause: Clause, ending: str) -> None:
    is_past = clause.tense == "past" or clause.aspect == "perfect"
    if ending == "relative":
        chain.stem = Stem(_attributive(chain.stem, "past" if is_past else clause.tense))
    elif is_past:
        chain.stem = chain.stem.past()
    elif clause.tense == "future":
        if ending == "statement" and _is_promise(clause) and not chain.stem.is_adjective:
            chain.stem = chain.stem.intention()
        else:
            chain.push(chain.stem.prospective, copula("것"), "tense")


def _is_promise(clause: Clause) -> bool:
    """Whether the future is what the speaker means to do: -겠-; nobody means to fall down."""
    match clause.predicate:
        case Action(verb) if "accident" in verb.remarks:
            return False
    return _is_speaker(clause.subject)


def _attributive(verb: Stem, tense: str) -> str:
    """The form before a noun: 산 (past), 사는, 살 (future); of adjectives 추웠던, 추운, 추울."""
    match tense:
        case "past":
            return verb.past().plus("던") if verb.is_adjective else verb.completed
        case "future":
            return verb.prospective
    return verb.attributive


def _is_speaker(phrase: Phrase) -> bool:
    """Whether the wish or intention is one's own, or asked of the one who has it."""
    match phrase:
        case Someone(pronoun):
            return pronoun.subject in ("I", "we")
        case Again(antecedent):
            return _is_speaker(antecedent)
    return isinstance(phrase, You)
