"""Draws when things happen: a tense, an aspect, a modal, and adverbs that agree with them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from seq2seq.text.phrasebook import lexicon
from seq2seq.text.phrasebook.lexicon import Adverb, Verb
from seq2seq.text.phrasebook.meaning import Aspect, Modal, Tense

T = TypeVar("T")


class When(NamedTuple):
    """When something happens, and whether it does."""

    tense: Tense = "past"
    aspect: Aspect = "simple"
    modal: Modal = ""
    negative: bool = False
    time: Adverb | None = None
    time_first: bool = False
    frequency: Adverb | None = None


class Chance:
    """Random choices from one generator."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def one(self, choices: Sequence[T]) -> T:
        """One of them, each as likely as the other."""
        return choices[int(self._generator.random() * len(choices))]

    def happens(self, probability: float) -> bool:
        """True this often."""
        return self._generator.random() < probability

    def weighted(self, choices: dict[T, float]) -> T:
        """One of the keys, as likely as its value says."""
        return self._generator.choices(list(choices), list(choices.values()))[0]


class Times(Chance):
    """Draws `When`s."""

    def any_time(self) -> When:
        """Any tense, with the adverbs that it likes."""
        return self.when(self.weighted({"past": 0.5, "present": 0.28, "future": 0.22}))

    def when(self, tense: Tense) -> When:
        """This tense, with the adverbs that it likes."""
        negative = self.happens(0.13)
        if tense != "future" and self.happens(0.16):
            return self._modal(tense, negative)
        if tense == "present":
            return self._present(negative)
        if tense == "past" and self.happens(0.12):
            return self._perfect(negative)
        is_progressive = tense == "past" and self.happens(0.12)
        aspect: Aspect = "progressive" if is_progressive else "simple"
        time = self.time(tense) if self.happens(0.62) else None
        return When(tense, aspect, "", negative, time, self.happens(0.25))

    def time(self, tense: Tense) -> Adverb:
        """Yesterday, tomorrow, on Monday, at three o'clock."""
        own = lexicon.TIMES["usual" if tense == "present" else tense]
        return self.one(own * 2 + lexicon.CLOCK + lexicon.TIMES["clock"])

    def _modal(self, tense: Tense, negative: bool) -> When:
        modal: Modal = self.weighted({"can": 0.4, "want": 0.35, "must": 0.25})
        time = None
        if tense == "past" and self.happens(0.5):
            time = self.time("past")
        elif tense == "present" and self.happens(0.2):
            time = self.one(lexicon.TIMES["usual"][:4])
        return When(tense, "simple", modal, negative and modal != "must", time)

    def _perfect(self, negative: bool) -> When:
        """Has already come; has not come yet."""
        if negative:
            return When("present", "perfect", "", True, lexicon.YET)
        return When("present", "perfect", frequency=lexicon.ALREADY)

    def _present(self, negative: bool) -> When:
        """What is going on now, or what happens usually."""
        if self.happens(0.45):
            now = self.one(lexicon.TIMES["now"]) if self.happens(0.5) else None
            return When("present", "progressive", "", negative, now)
        if self.happens(0.6):
            time = self.one(lexicon.TIMES["usual"] + lexicon.CLOCK)
            return When("present", "simple", "", negative, time, self.happens(0.2))
        kind = self.weighted({"positive": 0.8, "negative": 0.2})
        return When("present", frequency=self.one(lexicon.FREQUENCIES[kind]))

    def suited(self, when: When, verb: Verb) -> When:
        """The same time as the verb allows it: what takes but a moment has no progressive."""
        if "accident" in verb.remarks:
            when = when._replace(modal="")
        if when.aspect != "progressive" or verb.has_progressive:
            return when
        if when.tense == "past":
            return when._replace(aspect="simple")
        return When("present", frequency=self.one(lexicon.FREQUENCIES["positive"][2:]))
