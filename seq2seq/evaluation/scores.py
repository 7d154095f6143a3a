"""BLEU, chrF2 and TER by sacrebleu, each with its signature; the only file that imports sacrebleu.

The figures are those of the `sacrebleu` command on the same text, digit for digit: detokenised
text, one reference, sacrebleu's own tokenisation. What cannot be computed raises.

Which of its tokenisations, the references decide: where they have spaces between words, 13a, its
default; Chinese is split by `zh`, other scripts without spaces by `char`. 13a would find one word
in each of their sentences, no four in a row, and BLEU 0 in a perfect translation. The signatures
say which it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.errors import ConfigError, CorpusError
from seq2seq.text.words import Spacing, spacing_of

_TOKENIZE: dict[Spacing, str] = {"spaces": "13a", "han": "zh", "none": "char"}
SEED_VARIABLE = "SACREBLEU_SEED"  # the only way sacrebleu takes a seed
DIGITS = 10  # after the point, of interval bounds
TIE = 1e-9  # differences this close are equal: the same sums in another order


class Score(NamedTuple):
    """One figure for a whole set of translations."""

    name: str  # BLEU, chrF2 or TER
    value: float  # 0 to 100, more is better; of TER less is better, and above 100 is possible
    signature: str  # sacrebleu's: what must agree for two figures to be comparable
    low: float | None  # 95% confidence interval by bootstrap resampling; None without
    high: float | None


def score_translations(
    hypotheses: Sequence[str],
    references: Sequence[str],
    bootstrap: int = 1000,
    seed: int = 12345,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> list[Score]:
    """BLEU, chrF2 and TER of translations.

    BLEU: Papineni et al. 2002 as standardised by Post 2018; chrF2: Popović 2015; TER: Snover et al.
    2006. Intervals: Koehn 2004, bootstrap resampling of sentences; sacrebleu gives the mean of the
    resamples ± half the width of their central 95%. A thousand sentences take 1.5 seconds, most of
    them for TER, and 1,000 resamples of them 80 MB.

    Args:
        hypotheses: translations, detokenised.
        references: what they should be, one each.
        bootstrap: resamples; 0 for no interval.
        seed: of the resampling.
        tokenize: sacrebleu's tokenisation, for BLEU alone; that of the references if absent.
        lowercase: ignore case in BLEU and chrF2; TER as sacrebleu has it always does.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
        ConfigError: sacrebleu does not know the tokenisation or lacks something for it.
    """
    _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF

    metrics = [
        _bleu_metric(tokenize or tokenization_of(references), lowercase),
        CHRF(lowercase=lowercase),
        _ter_metric(references),
    ]
    with _seed_of_sacrebleu(seed):
        return [_score(metric, hypotheses, references, bootstrap) for metric in metrics]


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: str | None = None,
    lowercase: bool = False,
) -> float:
    """BLEU alone, 0 to 100, without an interval: quick enough for every validation.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
        ConfigError: sacrebleu does not know the tokenisation or lacks something for it.
    """
    _require_pairs(hypotheses, references)
    metric = _bleu_metric(tokenize or tokenization_of(references), lowercase)
    return float(metric.corpus_score(list(hypotheses), [list(references)]).score)


def tokenized_bleu(
    hypotheses: Sequence[str], references: Sequence[str], bootstrap: int = 1000, seed: int = 12345
) -> Score:
    """BLEU of lower-cased text whose words stand between spaces; see `conventions.py`.

    The signature's `case:lc` and `tok:none` say the same: to lower-case again changes nothing.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    _require_pairs(hypotheses, references)
    with _seed_of_sacrebleu(seed):
        return _score(_bleu_metric("none", True), hypotheses, references, bootstrap)


def _require_pairs(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if not hypotheses and not references:
        raise CorpusError("There are 0 translations and 0 references; a score needs at least one.")
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"There are {len(hypotheses):,} translations but {len(references):,} references; "
            "a score needs one reference for each translation."
        )


def tokenization_of(references: Sequence[str]) -> str:
    """Sacrebleu's name for how BLEU's words are found in text written like these references."""
    return _TOKENIZE[spacing_of(references)]


def _ter_metric(references: Sequence[str]) -> Any:
    """TER with sacrebleu's defaults; where there are no spaces, Han and punctuation apart."""
    from sacrebleu.metrics.ter import TER

    has_spaces = spacing_of(references) == "spaces"
    return TER(normalized=not has_spaces, asian_support=not has_spaces)


def _bleu_metric(tokenize: str, lowercase: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise ConfigError(
            f"sacrebleu has no tokenisation {tokenize!r}; it has {', '.join(BLEU.TOKENIZERS)}."
        )
    try:
        # `force` changes no score; it drops the warning that many lines end in " .".
        return BLEU(lowercase=lowercase, tokenize=tokenize, force=True)
    except (RuntimeError, ImportError, OSError) as error:
        raise ConfigError(
            f"sacrebleu's tokenisation {tokenize!r} cannot be used: {' '.join(str(error).split())}"
        ) from None


def _score(
    metric: Any, hypotheses: Sequence[str], references: Sequence[str], bootstrap: int
) -> Score:
    try:
        found = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=bootstrap)
    except TypeError:
        # sacrebleu cannot average resamples of which some score exactly 0, which happens to chrF2
        # on a few short sentences. Such a score stands without an interval.
        bootstrap = 1
        found = metric.corpus_score(list(hypotheses), [list(references)])
    signature = str(metric.get_signature())
    low = high = None
    if bootstrap > 1:
        document = json.loads(found.format(width=DIGITS, signature=signature, is_json=True))
        # sacrebleu leaves the interval out where every resample scores 0.
        mean, half = document.get("confidence_mean", 0.0), document.get("confidence_var", 0.0)
        low, high = mean - half, mean + half
    return Score(found.name, float(found.score), signature, low, high)


@contextmanager
def _seed_of_sacrebleu(seed: int) -> Iterator[None]:
    before = os.environ.get(SEED_VARIABLE)
    os.environ[SEED_VARIABLE] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ[SEED_VARIABLE]
        else:
            os.environ[SEED_VARIABLE] = before


class PairedScore(NamedTuple):
    """One system's figure in a paired test against the first system."""

    name: str  # BLEU, chrF2 or TER
    value: float
    p_value: float | None  # None for the first system itself
    signature: str


def paired_randomization(
    systems: Sequence[Sequence[str]],
    references: Sequence[str],
    trials: int = 1000,
    seed: int = 12345,
) -> list[list[PairedScore]]:
    """Whether systems differ from the first by more than the choice of sentences explains.

    Approximate randomisation (Noreen 1989; for translation Riezler and Maxwell 2005, who find that
    it errs less than bootstrap tests): in each trial a coin for every sentence says whether the two
    systems swap their translations of it. The p-value is the share of trials, what was observed
    being one more of them, whose scores lie at least as far apart in either direction.

    `sacrebleu --paired-ar` counts what is strictly farther, so that equal systems, and such as
    differ in a few sentences, seem surely different to it. Where no trial ties, both agree.

    Args:
        systems: translations, detokenised, the first system's first.
        references: what they should be, one each.
        trials: how often coins are thrown; the least possible p is 1 / (trials + 1).
        seed: of the coins.

    Returns:
        BLEU, chrF2 and TER of each system, in the order of `systems`.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    for hypotheses in systems:
        _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF

    coins = np.random.default_rng(seed).integers(2, size=(trials, len(references)), dtype=bool)
    found: list[list[PairedScore]] = [[] for _ in systems]
    bleu_metric = _bleu_metric(tokenization_of(references), False)
    for metric in (bleu_metric, CHRF(), _ter_metric(references)):
        # sacrebleu's own tests stand on these two methods as well.
        first, *others = [
            np.array(metric._extract_corpus_statistics(list(lines), [list(references)]), float)
            for lines in systems
        ]
        total = metric._compute_score_from_stats(first.sum(0))
        signature = metric.get_signature()
        signature.update("seed", str(seed))
        signature.update("ar", trials)
        found[0].append(PairedScore(total.name, float(total.score), None, str(signature)))
        for place, other in enumerate(others, 1):
            value = float(metric._compute_score_from_stats(other.sum(0)).score)
            p_value = _randomization_p(metric, first, other, coins)
            found[place].append(PairedScore(total.name, value, p_value, str(signature)))
    return found


def _randomization_p(
    metric: Any, first: NDArray[Any], second: NDArray[Any], coins: NDArray[np.bool_]
) -> float:
    """The p-value of two systems' statistics, [sentence, any], under these coins."""

    def apart(one: NDArray[Any], other: NDArray[Any]) -> float:
        scores = [metric._compute_score_from_stats(total).score for total in (one, other)]
        return abs(float(scores[0]) - float(scores[1]))

    totals = first.sum(0), second.sum(0)
    observed = apart(*totals) - TIE
    moved = coins @ (second - first)  # [trial, any]
    as_far = sum(apart(totals[0] + move, totals[1] - move) >= observed for move in moved)
    return (1 + as_far) / (1 + len(coins))


def bleu_and_chrf(
    hypotheses: Sequence[str], references: Sequence[str], bootstrap: int = 1000, seed: int = 12345
) -> list[Score]:
    """BLEU and chrF2 with intervals: `score_translations` without TER, which takes most time.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF

    with _seed_of_sacrebleu(seed):
        return [
            _score(metric, hypotheses, references, bootstrap)
            for metric in (_bleu_metric(tokenization_of(references), False), CHRF())
        ]


def sentence_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """ChrF2 of each sentence by itself, 0 to 100; unlike BLEU it is at home on single sentences.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return [
        float(metric.sentence_score(hypothesis, [reference]).score)
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
