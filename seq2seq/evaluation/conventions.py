"""In what form text is scored: as it is, or as the papers on Multi30k have it.

    cased                  plain text, case kept; sacrebleu splits the words (13a, or what scripts
                           without spaces need: `scores.tokenization_of`)
    lowercase-tokenized    lower-cased, punctuation normalised, words split by Moses' rules;
                           sacrebleu takes the words as they are (tokenize none)

The second is, in this order, what Multi30k's own script does to the raw text (lowercase.perl,
normalize-punctuation.perl, tokenizer.perl without options): on its German, French and English test
sentences of 2016 it gives the dataset's own tokenised references. sacremoses is used here alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal, NamedTuple, get_args

from seq2seq.errors import ConfigError
from seq2seq.evaluation.scores import Score, tokenization_of, tokenized_bleu
from seq2seq.text.words import spacing_of

Convention = Literal["cased", "lowercase-tokenized"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)


class ConventionScore(NamedTuple):
    """BLEU under another convention than the default, and what was done to the text for it."""

    convention: Convention
    done: str
    score: Score


def lowercase_tokenized(sentences: Sequence[str], language: str) -> list[str]:
    """Sentences as the dataset's tokenised files have them: words with single spaces between.

    Args:
        sentences: plain text, cased.
        language: its code, such as de or pt-BR, or English name; Moses has rules of its own for
            some, and takes the English abbreviations for the others.
    """
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    code, _ = _code(language)
    # Parity: a closing ’ beside a letter beyond a to z becomes a double quotation mark, as in Perl.
    normalizer = MosesPunctNormalizer(code, perl_parity=True)
    tokenizer = MosesTokenizer(code)
    return [
        tokenizer.tokenize(normalizer.normalize(sentence.lower()), return_str=True)
        for sentence in sentences
    ]


def score_lowercase_tokenized(
    hypotheses: Sequence[str], references: Sequence[str], language: str, bootstrap: int = 1000
) -> ConventionScore:
    """BLEU of plain text translations as the papers on Multi30k give it.

    Args:
        hypotheses: translations, detokenised and cased.
        references: what they should be, one each, likewise.
        language: that of both.
        bootstrap: resamples behind the 95% interval; 0 for none.

    Raises:
        CorpusError: there is nothing to score, or not one reference for each translation.
    """
    score = tokenized_bleu(
        lowercase_tokenized(hypotheses, language),
        lowercase_tokenized(references, language),
        bootstrap,
    )
    convention: Convention = "lowercase-tokenized"
    return ConventionScore(convention, what_is_done(convention, references, language), score)


def require_convention(convention: Convention, references: Sequence[str]) -> None:
    """Refuse to split words by Moses' rules where no spaces separate them.

    Raises:
        ConfigError: the references are Chinese, Japanese, Thai or the like.
    """
    if convention == "lowercase-tokenized" and spacing_of(references) != "spaces":
        raise ConfigError(
            "--convention lowercase-tokenized is for languages with spaces between words; leave it "
            f"out: BLEU then finds the words itself ({tokenization_of(references)})."
        )


def what_is_done(convention: Convention, references: Sequence[str], language: str = "") -> str:
    """What a convention does to translations and such references, for people to read."""
    if convention == "cased":
        return (
            "plain text as it is, case kept in BLEU and chrF2 (TER ignores it); sacrebleu's BLEU "
            f"splits the words ({tokenization_of(references)})"
        )
    code, is_known = _code(language)
    return (
        f"lower-cased, punctuation normalised, words split by Moses' rules for {code!r}"
        + ("" if is_known else ", which has none of its own and gets English abbreviations")
        + f" (sacremoses {version('sacremoses')}); sacrebleu counts these words"
    )


def _code(language: str) -> tuple[str, bool]:
    """Pt-BR, pt_BR and Portuguese → pt, and whether Moses has rules of its own for it."""
    from sacremoses.corpus import NonbreakingPrefixes

    known = NonbreakingPrefixes().available_langs  # codes, and English names, to codes
    name = re.split("[-_]", language)[0].lower()
    return known.get(name, name), name in known
