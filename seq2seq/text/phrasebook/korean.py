"""A meaning spoken in Korean: particles, word order and chains of verb endings.

    [time] topic (time) (often) reason purpose place company receiver object means manner goal verb

The verb comes last, after everything that belongs to it, and relative clauses come before their
noun: 책을 산 남자, "the man who bought the book". What is known and spoken about in a main clause is
its topic (은/는); a new subject, and any subject of a dependent clause, takes 이/가.
"""

from __future__ import annotations

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
_DEMONSTRATIVES = {"this": "이", "that": "그", "every": "모든", "many": "많은", "which": "어느"}
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
            return _attach(_noun_phrase(phrase, case), case, *facets)
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


def _noun_phrase(phrase: NounPhrase, case: str) -> list[Word]:
    """Relative clause, determiner, place, adjective, noun, number with counter."""
    words: list[Word] = []
    if phrase.relative:
        words += _relative(phrase.relative)
    match phrase.owner:
        case Person(name):
            words += _words(name.korean + "의", (phrase.owner, "noun"))
        case Someone(pronoun):
            words += _words(pronoun.korean_possessive, (phrase.owner, "noun"))
        case _:
            words += _words(_DEMONSTRATIVES.get(phrase.determiner, ""), (phrase, "determiner"))
    if phrase.location:
        words += _oblique(phrase.location) + _words("있는", (phrase.location, "case"))
    if phrase.adjective:
        before_noun = phrase.adjective.before_noun or phrase.adjective.korean.attributive
        superlative = "가장 " if phrase.superlative else ""
        words += _words(superlative + before_noun, (phrase, "adjective"))
    words += _words(phrase.noun.korean + _plural_suffix(phrase), (phrase, "noun"))
    return _counted(phrase, words, case)


def _plural_suffix(phrase: NounPhrase) -> str:
    """-들, where plurality is not told by a number: of what is definite, and of people."""
    is_told = phrase.plural and not phrase.noun.always_plural
    is_definite = phrase.owner is not None or phrase.determiner in ("the", "this", "that")
    is_many_people = phrase.determiner == "many" and phrase.noun.is_living
    return "들" if is_told and (is_definite or is_many_people) else ""


def _counted(phrase: NounPhrase, words: list[Word], case: str) -> list[Word]:
    """Number and counter behind the noun: 책 세 권. "How many" leaves the noun its particle."""
    noun, facet = phrase.noun, (phrase, "number")
    match phrase.determiner:
        case "number":
            assert phrase.number is not None  # noqa: S101
            number = phrase.number[1]
        case "a" if noun.is_living or noun.measure:
            number = "한"
        case "several":
            number = "몇"
        case "how many":
            number = "몇"
            words = _attach(words, "object") if case == "" else words
        case _:
            return words
    counter_facet = (phrase, "counter" if noun.measure else "number")
    return words + _words(number, facet) + _words(noun.counter, counter_facet)


def _relative(clause: Clause) -> list[Word]:
    return _clause(clause, "relative", False)


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
    if link == "and" and shared is not None:
        link_ending = "then"
    else:
        link_ending = link
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
    subject: list[Word] = []
    is_topic = is_main and _can_be_topic(clause)
    if clause.subject is not without:
        subject = _phrase(clause.subject, "topic" if is_topic else "subject")
    time = _adverb(clause.time, clause)
    comes_first = clause.time_first or not is_topic
    words = time + subject if comes_first else subject + time
    if isinstance(clause.predicate, Presence) and clause.predicate.exists:
        words = time + _circumstance(clause.predicate.location, clause.predicate) + subject
    is_negative = _is_negative(clause.frequency)
    frequency = _adverb(clause.frequency, clause)
    words += [] if is_negative else frequency
    words += _adverb(clause.reason, clause)
    if clause.purpose:
        words += _clause(clause.purpose, "purpose", False)
    if clause.place:
        words += _circumstance(clause.place, clause)
    if clause.company:
        words += _oblique(clause.company, "함께")
    words += _complement(clause)
    words += frequency if is_negative else []
    return words + _verb(clause, ending)


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
    """What the verb governs, with the circumstances that stand among it."""
    predicate = clause.predicate
    words: list[Word] = []
    match predicate:
        case Action(verb, thing, receiver, goal, onto):
            if receiver:
                words += _phrase(receiver, "에게", (predicate, "receiver"))
            if thing:
                words += _object(thing, verb.case)
            if onto:
                words += _oblique(onto)
            words += _circumstance(clause.means, clause)
            words += _circumstance(goal, predicate)
            words += _adverb(clause.manner, clause)
        case Quality(_, degree, than):
            if than:
                words += _phrase(than, "보다", (predicate, "than")) + _words(
                    "더", (predicate, "adjective")
                )
            words += _adverb(degree, clause)
        case Presence(location, exists):
            words += [] if exists else _circumstance(location, predicate)
        case Possession(thing):
            words += _object(thing, "subject")
        case Saying(verb, content):
            ending = "fact" if verb.korean.text == "알" else "quote"
            words += _clause(content, ending, False)
        case Identity(phrase) if clause.negative:
            words += _phrase(phrase, "subject")
    return words


def _object(thing: Phrase, case: str) -> list[Word]:
    """An object with its particle; "how many" puts it on the noun: 책을 몇 권 샀습니까?"""
    if isinstance(thing, NounPhrase) and thing.determiner == "how many":
        noun, number, counter = (words := _noun_phrase(thing, case))[-3:]
        return [*words[:-3], *_attach([noun], case), number, counter]
    return _phrase(thing, case)


# Verbs


def _verb(clause: Clause, ending: str) -> list[Word]:
    """The verb and what hangs on it: a chain of stems, each of which governs the one before.

    읽- → 읽고 있- → 읽고 있지 않- → 읽고 있지 않았- → 읽고 있지 않았습니다
    """
    chain = _Chain(clause)
    is_progressive = clause.aspect == "progressive" and ending != "while"
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
                *before, last = _phrase(phrase, "")
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
        verb, *noun = _ended(self.stem, ending).split()
        words = [*self.words, Word(verb, self.facets | {(self.clause, "tense")})]
        facet: Facet = (self.clause, "link")
        if not noun:
            words[-1] = Word(verb, words[-1].about | {facet})
        return words + [Word(text, frozenset({facet})) for text in noun]


def _ended(verb: Stem, ending: str) -> str:
    """A stem with the ending of a statement, a question or a link to the next clause."""
    match ending:
        case "statement":
            return verb.formal
        case "question":
            return verb.formal_question
        case "and" | "then":
            return verb.plus("고")
        case "but" | "although":
            return verb.plus("지만")
        case "so":
            return verb.infinitive + "서"
        case "because":
            return verb.plus("기") + " 때문에"
        case "when":
            return verb.prospective + " 때"
        case "if":
            return verb.plus_euphonic("면")
        case "before":
            return verb.plus("기") + " 전에"
        case "after":
            return verb.completed + " 후에"
        case "while":
            return verb.attributive + " 동안"
        case "purpose":
            return verb.plus_euphonic("러")
        case "quote":
            return verb.plain + "고"
        case "relative":
            return verb.text
        case "fact":
            return verb.text + " 것을"
    raise ValueError(f"There is no ending for {ending!r}.")


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
    if ending in ("relative", "fact"):
        chain.stem = Stem(_attributive(chain.stem, "past" if is_past else clause.tense))
    elif is_past:
        chain.stem = chain.stem.past()
    elif clause.tense == "future":
        is_promise = ending == "statement" and _is_speaker(clause.subject)
        if is_promise and not chain.stem.is_adjective:
            chain.stem = chain.stem.intention()
        else:
            chain.push(chain.stem.prospective, copula("것"), "tense")


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
