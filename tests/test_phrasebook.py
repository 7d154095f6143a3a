"""The embedded corpus: Korean and English forms against hand-made tables, and the splits."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise

import pytest

from seq2seq.text import phrasebook
from seq2seq.text.phrasebook import (
    SIZES,
    AlignedPair,
    aligned_phrasebook,
    lexicon,
    translate,
)
from seq2seq.text.phrasebook.hangul import build, copula, particle, split, stem
from seq2seq.text.phrasebook.inflection import (
    add_ed,
    add_ing,
    add_s,
    comparative,
    indefinite_article,
    superlative,
)
from seq2seq.text.phrasebook.invention import Inventor
from seq2seq.text.phrasebook.lexicon import Adjective, Verb, noun
from seq2seq.text.phrasebook.meaning import (
    Action,
    Again,
    Asked,
    Clause,
    Gap,
    Identity,
    Joined,
    NounPhrase,
    Oblique,
    Person,
    Presence,
    Quality,
    Saying,
    Sentence,
    Someone,
    Weather,
    You,
)


@pytest.fixture(scope="module")
def aligned() -> dict[str, list[AlignedPair]]:
    return aligned_phrasebook(0)


# Korean forms


def test_syllables_are_taken_apart_and_put_together() -> None:
    assert split("한") == (18, "ㅏ", 4)
    assert build(18, "ㅏ", 4) == "한"
    everything = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert [build(*split(syllable)) for syllable in everything] == everything


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("topic", "책+은 의자+는 서울+은 톰+은 저+는"),
        ("subject", "책+이 의자+가 물+이 고양이+가"),
        ("object", "책+을 의자+를 물+을 사과+를"),
        ("with", "책+과 의자+와 물+과 친구+와"),
        ("by", "부산+으로 버스+로 연필+로 지하철+로 집+으로 칼+로"),
        ("에게", "학생+에게 친구+에게"),
        ("보다", "책+보다 의자+보다"),
    ],
)
def test_particles_follow_the_final_sound(name: str, words: str) -> None:
    for word, expected in (entry.split("+") for entry in words.split()):
        assert particle(word, name) == expected, word


# Dictionary form: -ㅂ니다, past, attributive -는, -(으)ㄴ, -(으)ㄹ, -(으)면, -아/어서.
VERBS = """
먹다      먹습니다 먹었습니다 먹는 먹은 먹을 먹으면 먹어서
가다      갑니다 갔습니다 가는 간 갈 가면 가서
오다      옵니다 왔습니다 오는 온 올 오면 와서
보다      봅니다 봤습니다 보는 본 볼 보면 봐서
배우다    배웁니다 배웠습니다 배우는 배운 배울 배우면 배워서
마시다    마십니다 마셨습니다 마시는 마신 마실 마시면 마셔서
하다      합니다 했습니다 하는 한 할 하면 해서
보내다    보냅니다 보냈습니다 보내는 보낸 보낼 보내면 보내서
세다      셉니다 셌습니다 세는 센 셀 세면 세서
켜다      켭니다 켰습니다 켜는 켠 켤 켜면 켜서
쉬다      쉽니다 쉬었습니다 쉬는 쉰 쉴 쉬면 쉬어서
되다      됩니다 되었습니다 되는 된 될 되면 되어서
받다      받습니다 받았습니다 받는 받은 받을 받으면 받아서
있다      있습니다 있었습니다 있는 있은 있을 있으면 있어서
씻다      씻습니다 씻었습니다 씻는 씻은 씻을 씻으면 씻어서
입다      입습니다 입었습니다 입는 입은 입을 입으면 입어서
만들다    만듭니다 만들었습니다 만드는 만든 만들 만들면 만들어서
열다      엽니다 열었습니다 여는 연 열 열면 열어서
팔다      팝니다 팔았습니다 파는 판 팔 팔면 팔아서
쓰다      씁니다 썼습니다 쓰는 쓴 쓸 쓰면 써서
모으다    모읍니다 모았습니다 모으는 모은 모을 모으면 모아서
돕다/ㅂ   돕습니다 도왔습니다 돕는 도운 도울 도우면 도와서
굽다/ㅂ   굽습니다 구웠습니다 굽는 구운 구울 구우면 구워서
듣다/ㄷ   듣습니다 들었습니다 듣는 들은 들을 들으면 들어서
걷다/ㄷ   걷습니다 걸었습니다 걷는 걸은 걸을 걸으면 걸어서
짓다/ㅅ   짓습니다 지었습니다 짓는 지은 지을 지으면 지어서
부르다/르 부릅니다 불렀습니다 부르는 부른 부를 부르면 불러서
고르다/르 고릅니다 골랐습니다 고르는 고른 고를 고르면 골라서
모르다/르 모릅니다 몰랐습니다 모르는 모른 모를 모르면 몰라서
"""

ADJECTIVES = """
좋다      좋습니다 좋았습니다 좋은 좋을 좋으면 좋아서
크다      큽니다 컸습니다 큰 클 크면 커서
바쁘다    바쁩니다 바빴습니다 바쁜 바쁠 바쁘면 바빠서
예쁘다    예쁩니다 예뻤습니다 예쁜 예쁠 예쁘면 예뻐서
길다      깁니다 길었습니다 긴 길 길면 길어서
춥다/ㅂ   춥습니다 추웠습니다 추운 추울 추우면 추워서
가깝다/ㅂ 가깝습니다 가까웠습니다 가까운 가까울 가까우면 가까워서
맵다/ㅂ   맵습니다 매웠습니다 매운 매울 매우면 매워서
좁다      좁습니다 좁았습니다 좁은 좁을 좁으면 좁아서
빠르다/르 빠릅니다 빨랐습니다 빠른 빠를 빠르면 빨라서
빨갛다/ㅎ 빨갛습니다 빨갰습니다 빨간 빨갈 빨가면 빨개서
하얗다/ㅎ 하얗습니다 하얬습니다 하얀 하얄 하야면 하얘서
재미있다  재미있습니다 재미있었습니다 재미있는 재미있을 재미있으면 재미있어서
친절하다  친절합니다 친절했습니다 친절한 친절할 친절하면 친절해서
"""


@pytest.mark.parametrize("row", VERBS.strip().splitlines())
def test_verbs_of_every_class(row: str) -> None:
    form, *expected = row.split()
    verb = stem(form)
    forms = [verb.formal, verb.past().formal, verb.attributive, verb.completed, verb.prospective]
    assert [*forms, verb.plus_euphonic("면"), verb.infinitive + "서"] == expected


@pytest.mark.parametrize("row", ADJECTIVES.strip().splitlines())
def test_adjectives_of_every_class(row: str) -> None:
    form, *expected = row.split()
    adjective = stem(form, True)
    forms = [adjective.formal, adjective.past().formal, adjective.attributive]
    forms += [adjective.prospective, adjective.plus_euphonic("면"), adjective.infinitive + "서"]
    assert forms == expected


def test_the_copula_and_its_negation() -> None:
    assert copula("의사").formal == "의사입니다"
    assert copula("의사").past().formal == "의사였습니다"
    assert copula("학생").past().formal == "학생이었습니다"
    assert copula("학생").formal_question == "학생입니까"
    assert copula("학생").attributive == "학생인"
    assert stem("아니다/아니", True).formal == "아닙니다"
    assert stem("아니다/아니", True).past().formal == "아니었습니다"


@pytest.mark.parametrize(
    ("form", "is_adjective", "expected"),
    [
        ("가다", False, "간다"),
        ("먹다", False, "먹는다"),
        ("만들다", False, "만든다"),
        ("춥다/ㅂ", True, "춥다"),
        ("있다", True, "있다"),
    ],
)
def test_plain_forms_of_quotation(form: str, is_adjective: bool, expected: str) -> None:
    assert stem(form, is_adjective).plain == expected
    assert stem("가다").past().plain == "갔다"
    assert copula("의사").plain == "의사이라"


def test_connectives_keep_the_stem() -> None:
    assert stem("만들다").plus("고") == "만들고"
    assert stem("춥다/ㅂ").plus("지만") == "춥지만"
    assert stem("듣다/ㄷ").plus("기 전에") == "듣기 전에"
    assert stem("가다").intention().formal == "가겠습니다"
    assert stem("사다").plus_euphonic("러") == "사러"
    assert stem("읽다").plus_euphonic("러") == "읽으러"


# English forms


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            add_s,
            "book books, box boxes, city cities, boy boys, peach peaches, piano pianos, go goes",
        ),
        (add_ed, "walk walked, bake baked, hug hugged, study studied, play played"),
        (
            add_ing,
            "walk walking, bake baking, swim swimming, study studying, see seeing",
        ),
        (comparative, "big bigger, happy happier, cheap cheaper, white whiter, famous more_famous"),
        (comparative, "good better, heavy heavier, strange stranger, quiet quieter, young younger"),
        (superlative, "big biggest, happy happiest, famous most_famous, bad worst, nice nicest"),
        (
            indefinite_article,
            "book a, egg an, uniform a, umbrella an, hour an, honest an",
        ),
    ],
)
def test_english_forms(form: object, words: str) -> None:
    assert callable(form)
    for pair in words.split(", "):
        word, expected = pair.split()
        assert form(word) == expected.replace("_", " ")


# Whole sentences


def _verb(english: str, korean: str, verbs: Sequence[Verb] = ()) -> Verb:
    found = [
        verb
        for verb in verbs or lexicon.TRANSITIVE + lexicon.INTRANSITIVE
        if verb.english.base == english and verb.korean.formal == korean
    ]
    return found[0]


def _adjective(english: str) -> Adjective:
    return next(entry for entry in lexicon.ADJECTIVES if entry.english == english)


def _person(english: str) -> Person:
    return Person(next(name for name in lexicon.NAMES if name.english == english))


def _time(english: str) -> lexicon.Adverb:
    entries = [entry for kind in lexicon.TIMES.values() for entry in kind]
    return next(
        entry for entry in entries if " ".join(word for word, _ in entry.english) == english
    )


BUY, READ, SLEEP = _verb("buy", "삽니다"), _verb("read", "읽습니다"), _verb("sleep", "잡니다")
LIKE, WEAR_SHOES = _verb("like", "좋아합니다"), _verb("wear", "신습니다")
GO, GIVE = lexicon.MOTION[0], lexicon.GIVING[0]
I = Someone(lexicon.PRONOUNS["I"])  # noqa: E741
THE_MAN = NounPhrase(noun("man"))
BOUGHT_BOOK = Clause(Gap(), Action(BUY, NounPhrase(noun("book"))))
COLD = Clause(
    Weather("날씨"), Quality(next(a for a in lexicon.WEATHER_STATES if a.english == "cold"))
)
DOCTOR = Identity(NounPhrase(noun("doctor"), "a"))
IN_PARK = Oblique("in", NounPhrase(noun("park")), "에서")
TIRED = Quality(_adjective("tired"))
ANNA = _person("Anna")
THREE_BOOKS = NounPhrase(noun("book"), "number", True, ("three", "세"))

TWO_PAIRS = NounPhrase(noun("shoes"), "number", number=("two", "두"))

SENTENCES = [
    (
        Clause(THE_MAN, Action(BUY, THREE_BOOKS), negative=True),
        "The man did not buy three books.",
        "남자는 책 세 권을 사지 않았습니다.",
    ),
    (
        Clause(NounPhrase(noun("man"), relative=BOUGHT_BOOK), Action(SLEEP)),
        "The man who bought the book slept.",
        "책을 산 남자는 잤습니다.",
    ),
    (
        Clause(NounPhrase(noun("student"), "a"), Action(READ, NounPhrase(noun("novel"), "a"))),
        "A student read a novel.",
        "학생 한 명이 소설을 읽었습니다.",
    ),
    (
        Clause(I, Action(BUY, NounPhrase(noun("egg"), "a")), "future", time=_time("tomorrow")),
        "I will buy an egg tomorrow.",
        "저는 내일 달걀을 사겠습니다.",
    ),
    (
        Clause(ANNA, Action(BUY, NounPhrase(noun("egg"), "a")), "future"),
        "Anna will buy an egg.",
        "안나는 달걀을 살 것입니다.",
    ),
    (
        Clause(ANNA, Action(READ, NounPhrase(noun("book"))), "present", "progressive"),
        "Anna is reading the book.",
        "안나는 책을 읽고 있습니다.",
    ),
    (
        Clause(ANNA, Action(SLEEP), "present", modal="want"),
        "Anna wants to sleep.",
        "안나는 자고 싶어 합니다.",
    ),
    (
        Clause(I, Action(SLEEP), "present", modal="can", negative=True),
        "I cannot sleep.",
        "저는 잘 수 없습니다.",
    ),
    (
        Clause(THE_MAN, Action(WEAR_SHOES, TWO_PAIRS)),
        "The man wore two pairs of shoes.",
        "남자는 신발 두 켤레를 신었습니다.",
    ),
    (
        Clause(ANNA, Action(GIVE, NounPhrase(noun("ring")), _person("Tom"))),
        "Anna gave the ring to Tom.",
        "안나는 톰에게 반지를 줬습니다.",
    ),
    (
        Clause(
            ANNA,
            Action(GO, goal=Oblique("to", NounPhrase(noun("market")), "에")),
            purpose=Clause(Gap(), Action(BUY, NounPhrase(noun("bread"), ""))),
        ),
        "Anna went to the market to buy bread.",
        "안나는 빵을 사러 시장에 갔습니다.",
    ),
    (Clause(ANNA, DOCTOR), "Anna was a doctor.", "안나는 의사였습니다."),
    (
        Clause(ANNA, DOCTOR, "present", negative=True),
        "Anna is not a doctor.",
        "안나는 의사가 아닙니다.",
    ),
    (
        Clause(
            NounPhrase(noun("dog")),
            Quality(_adjective("tall"), than=NounPhrase(noun("cat"))),
            "present",
        ),
        "The dog is taller than the cat.",
        "개는 고양이보다 키가 더 큽니다.",
    ),
    (
        Clause(
            NounPhrase(noun("cat"), "number", True, ("two", "두")),
            Presence(Oblique("on", NounPhrase(noun("bed")), "에", "위"), exists=True),
            "present",
        ),
        "There are two cats on the bed.",
        "침대 위에 고양이 두 마리가 있습니다.",
    ),
    (
        Clause(
            I, Saying(lexicon.SAYING[0], Clause(ANNA, Action(SLEEP), "present", "progressive")),
            "present",
        ),
        "I think that Anna is sleeping.",
        "저는 안나가 자고 있다고 생각합니다.",
    ),
    (
        Clause(
            ANNA,
            Action(
                _verb("clean", "청소합니다"),
                NounPhrase(
                    noun("park"),
                    relative=Clause(
                        NounPhrase(noun("child"), plural=True),
                        Action(_verb("play", "놉니다", lexicon.INTRANSITIVE)),
                        place=Oblique("in", Gap(), ""),
                    ),
                ),
            ),
        ),
        "Anna cleaned the park where the children played.",
        "안나는 아이들이 논 공원을 청소했습니다.",
    ),
    (
        Joined("because", COLD, Clause(THE_MAN, Action(SLEEP)), main_first=True),
        "The man slept because it was cold.",
        "날씨가 추웠기 때문에 남자는 잤습니다.",
    ),
    (
        Joined("so", Clause(ANNA, TIRED), Clause(Again(ANNA), Action(SLEEP))),
        "Anna was tired, so she slept.",
        "안나는 피곤해서 잤습니다.",
    ),
    (
        Joined("although", Clause(ANNA, TIRED), Clause(Again(ANNA), Action(SLEEP), negative=True)),
        "Although Anna was tired, she did not sleep.",
        "안나는 비록 피곤했지만 자지 않았습니다.",
    ),
    (
        Joined("before", Clause(ANNA, Action(SLEEP)), Clause(I, Action(READ, THREE_BOOKS))),
        "Before Anna slept, I read three books.",
        "안나가 자기 전에 저는 책 세 권을 읽었습니다.",
    ),
]  # fmt: skip

QUESTIONS = [
    (Clause(You(), Action(LIKE, NounPhrase(noun("apple"), "", True)), "present"),
     "Do you like apples?", "사과를 좋아합니까?"),
    (Clause(Asked("who"), Action(BUY, NounPhrase(noun("book")))),
     "Who bought the book?", "누가 책을 샀습니까?"),
    (Clause(THE_MAN, Action(BUY, Asked("what"))),
     "What did the man buy?", "남자는 무엇을 샀습니까?"),
    (Clause(ANNA, Action(BUY, NounPhrase(noun("book"), "how many", True))),
     "How many books did Anna buy?", "안나는 책을 몇 권 샀습니까?"),
    (Clause(ANNA, Action(SLEEP), place=lexicon.ASKED["where"]),
     "Where did Anna sleep?", "안나는 어디에서 잤습니까?"),
    (Clause(ANNA, Action(SLEEP), "present", "progressive", place=IN_PARK),
     "Is Anna sleeping in the park?", "안나는 공원에서 자고 있습니까?"),
]  # fmt: skip


@pytest.mark.parametrize(("meaning", "english", "korean"), SENTENCES)
def test_statements(meaning: Clause | Joined, english: str, korean: str) -> None:
    assert translate(Sentence(meaning))[:2] == (english, korean)


@pytest.mark.parametrize(("meaning", "english", "korean"), QUESTIONS)
def test_questions(meaning: Clause, english: str, korean: str) -> None:
    assert translate(Sentence(meaning, is_question=True))[:2] == (english, korean)


def test_words_that_tell_the_same_are_linked() -> None:
    pair = translate(Sentence(SENTENCES[0][0]))
    english, korean = pair.english.split(), pair.korean.split()
    assert [(english[i], korean[j]) for i, j in pair.links] == [
        ("man", "남자는"),
        ("did", "않았습니다."),
        ("not", "않았습니다."),
        ("buy", "사지"),
        ("three", "세"),
        ("three", "권을"),
        ("books.", "책"),
    ]


# The corpus


def test_the_lexicon_is_large() -> None:
    nouns = [entry for group in lexicon.NOUNS.values() for entry in group]
    verbs = lexicon.TRANSITIVE + lexicon.GIVING + lexicon.INTRANSITIVE + lexicon.MOTION
    tables = (lexicon.TIMES, lexicon.FREQUENCIES, lexicon.MANNERS)
    adverbs = [entry for table in tables for kind in table.values() for entry in kind]
    words = {(entry.english, entry.korean) for entry in nouns}
    words |= {(name.english, name.korean) for name in lexicon.NAMES}
    words |= {(verb.english.base, verb.korean.text) for verb in verbs}
    words |= {(entry.english, entry.korean.text) for entry in lexicon.ADJECTIVES}
    distinct = len(words) + len({entry.english for entry in adverbs})
    assert distinct >= 600, distinct


def test_sizes_and_lengths(aligned: dict[str, list[AlignedPair]]) -> None:
    assert {split: len(pairs) for split, pairs in aligned.items()} == SIZES
    lengths = {
        split: [len(pair.english.split()) for pair in pairs] for split, pairs in aligned.items()
    }
    assert min(lengths["train"]) >= 4
    assert 9 <= sum(lengths["train"]) / len(lengths["train"]) <= 12
    assert max(lengths["train"]) == 18
    assert max(lengths["validation"] + lengths["test"]) <= 18
    assert min(lengths["long"]) >= 20
    assert max(lengths["long"]) <= 30


def test_no_sentence_stands_twice(aligned: dict[str, list[AlignedPair]]) -> None:
    pairs = [pair for split_pairs in aligned.values() for pair in split_pairs]
    assert len({pair.english for pair in pairs}) == len(pairs)
    assert len({pair.korean for pair in pairs}) == len(pairs)


def test_long_sentences_hold_only_known_words(aligned: dict[str, list[AlignedPair]]) -> None:
    def words(pairs: list[AlignedPair]) -> set[str]:
        text = " ".join(f"{pair.english} {pair.korean}" for pair in pairs)
        return {word.strip(".,?").lower() for word in text.split()}

    assert words(aligned["long"]) <= words(aligned["train"])


def test_one_speech_level_and_tidy_text(aligned: dict[str, list[AlignedPair]]) -> None:
    for pairs in aligned.values():
        for english, korean, _ in pairs:
            is_question = english.endswith("?")
            assert korean.endswith("니까?" if is_question else "니다."), korean
            assert is_question or english.endswith(".")
            assert english[0].isupper()
            for text in (english, korean):
                assert text == " ".join(text.split())
                assert text.count(".") + text.count("?") == 1


def test_articles_fit_the_next_word(aligned: dict[str, list[AlignedPair]]) -> None:
    for pair in aligned["train"]:
        words = pair.english.lower().split()
        for article, word in pairwise(words):
            if article in ("a", "an"):
                takes_an = word[0] in "aeiou" and not word.startswith(("uni", "useful"))
                assert article == ("an" if takes_an or word.startswith(("hour", "honest")) else "a")


def test_no_noun_has_the_wrong_particle(aligned: dict[str, list[AlignedPair]]) -> None:
    written = {word for pairs in aligned.values() for pair in pairs for word in pair.korean.split()}
    nouns = [entry.korean.split()[-1] for group in lexicon.NOUNS.values() for entry in group]
    right = wrong = 0
    for word in nouns:
        ends_in_vowel = split(word[-1])[2] == 0
        right += word + ("를" if ends_in_vowel else "을") in written
        wrong += word + ("을" if ends_in_vowel else "를") in written
        wrong += word + ("은" if ends_in_vowel else "는") in written
    assert right > 300
    assert wrong == 0


def test_links_lie_within_the_sentences(aligned: dict[str, list[AlignedPair]]) -> None:
    for pairs in aligned.values():
        for pair in pairs:
            english, korean = len(pair.english.split()), len(pair.korean.split())
            assert all(0 <= i < english and 0 <= j < korean for i, j in pair.links)
            assert list(pair.links) == sorted(set(pair.links))
            assert {j for _, j in pair.links} == set(range(korean)), pair


FEW = {"train": 1_500, "validation": 100, "test": 100, "long": 50}


def test_same_seed_same_bytes_in_any_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also: `phrasebook` is `aligned_phrasebook` without the links."""
    program = (
        f"import hashlib; from seq2seq.text import phrasebook; phrasebook.SIZES = {FEW};"
        "print(hashlib.sha256(repr(phrasebook.phrasebook(0)).encode()).hexdigest())"
    )
    here = os.environ.get("PYTHONHASHSEED")  # mostly unset: another one in every process
    there = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "2" if here == "1" else "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    monkeypatch.setattr(phrasebook, "SIZES", FEW)
    few = phrasebook._generated.__wrapped__(0)  # what the other tests share stays as it is
    plain = {split: [tuple(pair[:2]) for pair in pairs] for split, pairs in few.items()}
    expected = hashlib.sha256(repr(plain).encode()).hexdigest()
    assert there.stdout.strip() == expected


def test_another_seed_gives_other_sentences() -> None:
    first, second = (
        {translate(inventor.sentence()).english for _ in range(200)}
        for inventor in (Inventor(random.Random(seed), 0.2) for seed in (1, 2))
    )
    assert len(first) > 190
    assert len(first & second) < 20


def test_another_seed_gives_another_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrasebook, "SIZES", {**FEW, "train": 300, "long": 0})
    first, second = (phrasebook._generated.__wrapped__(seed) for seed in (0, 1))
    for part in ("train", "validation", "test"):
        one, other = ({pair.english for pair in corpus[part]} for corpus in (first, second))
        assert len(one & other) < 0.1 * len(one)
