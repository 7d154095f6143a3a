"""In what form text is scored: as it is, or as the papers on Multi30k have it.

    cased                  plain text, case kept; sacrebleu splits the words (13a)
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

from seq2seq.evaluation.scores import Score, tokenized_bleu

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
        language: its code, such as de or pt-BR; Moses has rules of its own for some, and takes the
            English abbreviations for the others.
    """
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    code = _code(language)
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
    return ConventionScore(convention, what_is_done(convention, language), score)


def what_is_done(convention: Convention, language: str = "") -> str:
    """What a convention does to translations and references, for people to read."""
    if convention == "cased":
        return "plain text as it is, case kept; sacrebleu's BLEU splits the words (13a)"
    return (
        "lower-cased, punctuation normalised, words split by Moses' rules for "
        f"{_code(language)!r} (sacremoses {version('sacremoses')}); sacrebleu counts these words"
    )


def _code(language: str) -> str:
    """pt-BR and pt_BR → pt: Moses knows languages, not countries."""
    return re.split("[-_]", language)[0].lower()
