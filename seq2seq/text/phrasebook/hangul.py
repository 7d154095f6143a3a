"""Korean word forms by rule: syllables, particles and conjugation.

A Hangul syllable is one code point that encodes three letters (Unicode standard, section 3.12):

    syllable = 0xAC00 + (lead · 21 + vowel) · 28 + tail

so that asking "does this noun end in a consonant?" or turning 가 + ㅆ into 갔 is arithmetic. All
endings attach to one of three bases of a stem; the irregular classes differ only in these:

    stem      먹-    가-   만들-   듣-(ㄷ)  춥-(ㅂ)  짓-(ㅅ)  부르-(르)  쓰-    빨갛-(ㅎ)
    + 으      먹으   가    만들    들으     추우     지으     부르       쓰     빨가
    + 아/어   먹어   가    만들어  들어     추워     지어     불러       써     빨개
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

_FIRST, _VOWELS, _TAILS = 0xAC00, "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", 28
_TAIL = {"": 0, "ㄴ": 4, "ㄷ": 7, "ㄹ": 8, "ㅂ": 17, "ㅅ": 19, "ㅆ": 20, "ㅎ": 27}
_RIEUL = _TAIL["ㄹ"]

PARTICLES = {
    "topic": ("은", "는"),
    "subject": ("이", "가"),
    "object": ("을", "를"),
    "with": ("과", "와"),
    "by": ("으로", "로"),
}
"""Particle pairs: after a consonant, after a vowel. `by` also takes 로 after ㄹ: 연필로."""


def split(syllable: str) -> tuple[int, str, int]:
    """Lead consonant (number), vowel (letter) and tail consonant (number, 0 for none)."""
    rest, tail = divmod(ord(syllable) - _FIRST, _TAILS)
    lead, vowel = divmod(rest, len(_VOWELS))
    return lead, _VOWELS[vowel], tail


def build(lead: int, vowel: str, tail: int = 0) -> str:
    """The syllable of a lead consonant, a vowel and a tail consonant; undoes `split`."""
    return chr(_FIRST + (lead * len(_VOWELS) + _VOWELS.index(vowel)) * _TAILS + tail)


def _with_tail(word: str, tail: str) -> str:
    """The word with the tail of its last syllable replaced: 가, ㅆ → 갔."""
    lead, vowel, _ = split(word[-1])
    return word[:-1] + build(lead, vowel, _TAIL[tail])


@cache
def particle(word: str, name: str) -> str:
    """The form of a particle that fits the word: `topic` is 은 after 책, 는 after 의자.

    A name that is not in `PARTICLES` is an invariable particle and comes back as it is (에, 보다).
    """
    if name not in PARTICLES:
        return name
    after_consonant, after_vowel = PARTICLES[name]
    tail = split(word[-1])[2]
    return after_vowel if tail == 0 or (name == "by" and tail == _RIEUL) else after_consonant


@dataclass(frozen=True)
class Stem:
    """What conjugation endings attach to: the dictionary form without 다.

    `irregular` is the letter of the class (ㅂ, ㄷ, ㅅ, 르, ㅎ), `이` for the copula and `아니` for
    its negation; ㄹ-dropping and ㅡ-dropping have no exceptions and need no mark.
    """

    text: str
    irregular: str = ""
    is_adjective: bool = False

    @property
    def _tail(self) -> int:
        return split(self.text[-1])[2]

    @property
    def _short(self) -> str:
        """The stem before ㄴ, ㅂ, ㅅ, where a final ㄹ drops: 만들- → 만드-."""
        return _with_tail(self.text, "") if self._tail == _RIEUL else self.text

    @property
    def _euphonic(self) -> str:
        """The base of endings in 으: 먹으-, 가-, 만들-, 들으-, 추우-."""
        match self.irregular:
            case "ㅂ":
                return _with_tail(self.text, "") + "우"
            case "ㄷ":
                return _with_tail(self.text, "ㄹ") + "으"
            case "ㅅ":
                return _with_tail(self.text, "") + "으"
            case "ㅎ":
                return _with_tail(self.text, "")
        return self.text if self._tail in (0, _RIEUL) else self.text + "으"

    @property
    def infinitive(self) -> str:
        """The base of endings in 아/어: 먹어, 가, 와, 마셔, 해, 추워, 불러."""
        return _infinitive(self.text, self.irregular)

    def plus(self, ending: str) -> str:
        """An ending that begins in ㄱ or ㅈ and changes nothing: -고, -지만, -기."""
        return self.text + ending

    def plus_euphonic(self, ending: str) -> str:
        """An ending after 으: -(으)면, -(으)러."""
        return self._euphonic + ending

    def past(self) -> Stem:
        """The past as a stem of its own, to which every ending attaches regularly: 샀-, 추웠-."""
        return Stem(_with_tail(self.infinitive, "ㅆ"), "", self.is_adjective)

    def intention(self) -> Stem:
        """-겠-, the future of what the speaker means to do: 가겠-."""
        return Stem(self.text + "겠", "", self.is_adjective)

    @property
    def formal(self) -> str:
        """The formal speech level: -ㅂ니다 after a vowel (or ㄹ, which drops), else -습니다."""
        if self._tail in (0, _RIEUL):
            return _with_tail(self._short, "ㅂ") + "니다"
        return self.text + "습니다"

    @property
    def formal_question(self) -> str:
        """The question of the formal level: -ㅂ니까, -습니까."""
        return self.formal[:-1] + "까"

    @property
    def plain(self) -> str:
        """The plain form that quotation takes: 간다, 먹는다, 춥다, 갔다; the copula's is 이라."""
        if self.irregular in ("이", "아니"):
            return self.text + "라"
        if self.is_adjective or self._tail == _TAIL["ㅆ"]:
            return self.text + "다"
        if self._tail in (0, _RIEUL):
            return _with_tail(self._short, "ㄴ") + "다"
        return self.text + "는다"

    @property
    def prospective(self) -> str:
        """The attributive of what is yet to be: 먹을, 갈, 만들, 추울."""
        return _with_tail(self._euphonic, "ㄹ")

    @property
    def completed(self) -> str:
        """-(으)ㄴ: the past attributive of a verb (산), the present one of an adjective (추운)."""
        return _with_tail(self._euphonic, "ㄴ")

    @property
    def attributive(self) -> str:
        """The present attributive: 가는, 만드는, 재미있는; for adjectives 추운, 긴."""
        takes_neun = not self.is_adjective or self.text[-1] in "있없"
        return self._short + "는" if takes_neun else self.completed


@cache
def _infinitive(text: str, irregular: str) -> str:
    head, last = text[:-1], text[-1]
    lead, vowel, tail = split(last)
    match irregular:
        case "이":  # 의사이- → 의사여, 학생이- → 학생이어
            return head + "여" if split(head[-1])[2] == 0 else text + "어"
        case "아니":
            return text + "어"
        case "ㅂ":
            return head + build(lead, vowel) + ("와" if last in "돕곱" else "워")
        case "ㄷ":
            text = head + build(lead, vowel, _RIEUL)
        case "ㅅ":
            return head + build(lead, vowel) + _harmony(vowel)
        case "르":  # 부르- → 불러, 모르- → 몰라
            before = split(head[-1])
            return head[:-1] + build(*before[:2], _RIEUL) + ("라" if before[1] in "ㅏㅗ" else "러")
        case "ㅎ":  # 빨갛- → 빨개, 하얗- → 하얘
            return head + build(lead, "ㅒ" if vowel == "ㅑ" else "ㅐ")
    if last == "하":
        return head + "해"
    if tail:
        return text + _harmony(vowel)
    return head + _contracted(head, lead, vowel)


def _harmony(vowel: str) -> str:
    """Vowel harmony: 아 after the bright vowels ㅏ and ㅗ, 어 after all others."""
    return "아" if vowel in "ㅏㅑㅗ" else "어"


def _contracted(head: str, lead: int, vowel: str) -> str:
    """An open last syllable fused with 아/어: 오 + 아 → 와, 마시 + 어 → 마셔, 쓰 + 어 → 써."""
    if vowel == "ㅡ":
        return build(lead, "ㅏ" if head and split(head[-1])[1] in "ㅏㅗ" else "ㅓ")
    fused = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ"}.get(vowel, vowel)
    if fused in "ㅏㅓㅐㅔㅕㅘㅝ":
        return build(lead, fused)
    return build(lead, vowel) + "어"  # 쉬어, 되어


@cache
def stem(dictionary_form: str, is_adjective: bool = False) -> Stem:
    """The stem of a dictionary form with its class after a slash: `춥다/ㅂ`, `가다`."""
    word, _, irregular = dictionary_form.partition("/")
    return Stem(word.removesuffix("다"), irregular, is_adjective)


@cache
def copula(noun: str) -> Stem:
    """Noun + 이다, "to be": 의사입니다, 의사였습니다, 학생이었습니다."""
    return Stem(noun + "이", "이", True)
