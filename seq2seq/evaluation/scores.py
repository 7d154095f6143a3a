"""BLEU, chrF2 and TER by sacrebleu, each with its signature; the only file that imports sacrebleu.

The figures are those of the `sacrebleu` command on the same text, digit for digit: detokenised
text, one reference, sacrebleu's own tokenisation. What cannot be computed raises.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from seq2seq.errors import ConfigError, CorpusError

SEED_VARIABLE = "SACREBLEU_SEED"  # the only way sacrebleu takes a bootstrap seed
DIGITS = 10  # after the point, of interval bounds


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
    tokenize: str = "13a",
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
        tokenize: sacrebleu's tokenisation, for BLEU alone.
        lowercase: ignore case in BLEU and chrF2; TER as sacrebleu has it always does.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
        ConfigError: sacrebleu does not know the tokenisation or lacks something for it.
    """
    _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    metrics = [_bleu_metric(tokenize, lowercase), CHRF(lowercase=lowercase), TER()]
    with _bootstrap_seed(seed):
        return [_score(metric, hypotheses, references, bootstrap) for metric in metrics]


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: str = "13a",
    lowercase: bool = False,
) -> float:
    """BLEU alone, 0 to 100, without an interval: quick enough for every validation.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
        ConfigError: sacrebleu does not know the tokenisation or lacks something for it.
    """
    _require_pairs(hypotheses, references)
    metric = _bleu_metric(tokenize, lowercase)
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
    with _bootstrap_seed(seed):
        return _score(_bleu_metric("none", True), hypotheses, references, bootstrap)


def _require_pairs(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if not hypotheses and not references:
        raise CorpusError("There are 0 translations and 0 references; a score needs at least one.")
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"There are {len(hypotheses):,} translations but {len(references):,} references; "
            "a score needs one reference for each translation."
        )


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
def _bootstrap_seed(seed: int) -> Iterator[None]:
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
    low: float  # 95% confidence interval by the test's own resamples
    high: float
    signature: str


def paired_bootstrap(
    systems: Sequence[Sequence[str]],
    references: Sequence[str],
    samples: int = 1000,
    seed: int = 12345,
) -> list[list[PairedScore]]:
    """Whether systems differ from the first by more than the choice of sentences explains.

    Paired bootstrap resampling (Koehn 2004) as `sacrebleu --paired-bs` has it: the p-value is the
    share of resamples, the same for both systems, whose difference lies farther from the mean
    difference than the one observed lies from zero.

    Args:
        systems: translations, detokenised, the first system's first.
        references: what they should be, one each.
        samples: resamples.
        seed: of the resampling.

    Returns:
        BLEU, chrF2 and TER of each system, in the order of `systems`.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    for hypotheses in systems:
        _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER
    from sacrebleu.significance import PairedTest

    metrics = {"BLEU": _bleu_metric("13a", False), "chrF2": CHRF(), "TER": TER()}
    named: list[tuple[str, Sequence[str]]] = [
        (str(number), list(lines)) for number, lines in enumerate(systems)
    ]
    with _bootstrap_seed(seed):
        test = PairedTest(named, metrics, [list(references)], "bs", n_samples=samples)
        signatures, results = test()
    return [
        [_paired_score(name, results[name][place], signatures[name]) for name in metrics]
        for place in range(len(systems))
    ]


def _paired_score(name: str, result: Any, signature: Any) -> PairedScore:
    p_value = None if result.p_value is None else float(result.p_value)
    low, high = float(result.mean) - float(result.ci), float(result.mean) + float(result.ci)
    return PairedScore(name, float(result.score), p_value, low, high, str(signature))


def bleu_and_chrf(
    hypotheses: Sequence[str], references: Sequence[str], bootstrap: int = 1000, seed: int = 12345
) -> list[Score]:
    """BLEU and chrF2 with intervals: `score_translations` without TER, which takes most time.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    _require_pairs(hypotheses, references)
    from sacrebleu.metrics.chrf import CHRF

    with _bootstrap_seed(seed):
        return [
            _score(metric, hypotheses, references, bootstrap)
            for metric in (_bleu_metric("13a", False), CHRF())
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
