"""The ladder's ground floor: a language model, and what knowing the source adds to it.

    language model    −ln P(y_t | y_1 ... y_{t-1})
    translation run   −ln P(y_t | y_1 ... y_{t-1}, source)

Both are measured in nats over the same target sentences, cut into the same subwords. What the
second is below the first is what the run gets to know from the source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from seq2seq.checkpoint import (
    load_language_model,
    load_model,
    read_config,
    read_language_config,
)
from seq2seq.config import to_json
from seq2seq.errors import CorpusError
from seq2seq.evaluation.contenders import failed_run, trained_run
from seq2seq.evaluation.evaluate import read_scores
from seq2seq.evaluation.material import Entrant, Material
from seq2seq.evaluation.perplexity import measure_perplexity
from seq2seq.evaluation.spread import spread
from seq2seq.inference.sampling import Sampling, sample_texts
from seq2seq.model.encoder_decoder import parameter_count
from seq2seq.text.tokenized import TokenizedSplit
from seq2seq.text.tokenizer import Tokenizer

SAMPLING = Sampling(temperature=1.0, top_p=0.9, texts=4, max_tokens=60, seed=1)


def require_same_subwords(entrants: Sequence[Entrant], language_models: Sequence[Entrant]) -> None:
    """Refuse a language model whose subwords are not those of the translation runs.

    Raises:
        CorpusError: which runs differ, and what to do.
    """
    for model in language_models:
        own = Tokenizer.load(model.folder).fingerprint
        for entrant in entrants:
            if Tokenizer.load(entrant.folder).fingerprint != own:
                raise CorpusError(
                    f"{model.folder.name} and {entrant.folder.name} have different tokenizers, so "
                    "that their perplexities cannot be set side by side; train both on one corpus "
                    f"with the same --tokenizer settings, or leave {model.folder.name} out."
                )


def describe_ground_floor(
    material: Material, report: Callable[[str], None]
) -> dict[str, Any] | None:
    """The language model, its perplexity beside that of each system, and some of its text.

    Returns:
        Plain JSON values; None if no language model takes part.
    """
    if not material.language_models:
        return None
    document: dict[str, Any] = {
        "name": material.language_models[0].system,
        "runs": [_run(entrant, material.splits) for entrant in material.language_models],
    }
    standing = [entrant for entrant in material.language_models if entrant.failure is None]
    if not standing:
        return document
    report("comparing: what the source is worth")
    first = standing[0].folder
    runs = [run for run in document["runs"] if run["failure"] is None]
    document |= {
        "parameters": parameter_count(load_language_model(first)),
        "settings": to_json(read_language_config(first).settings),
        "perplexity": {
            split: _mean([run["scores"][split] for run in runs]) for split in material.splits
        },
        "systems": {
            system: _conditional(entrants, material)
            for system, entrants in material.standing.items()
        },
        "texts": _texts(standing[0]),
        "sampling": SAMPLING._asdict(),
    }
    return document


def _run(entrant: Entrant, splits: Sequence[str]) -> dict[str, Any]:
    if entrant.failure is not None:
        return failed_run(entrant)
    scores = read_scores(entrant.folder)
    return {
        **trained_run(entrant, read_language_config(entrant.folder).corpus),
        "scores": {split: scores[split] for split in splits},
    }


def _conditional(entrants: Sequence[Entrant], material: Material) -> dict[str, Any]:
    """Split → the perplexity of the target, the source being known, over a system's runs."""
    found: dict[str, list[dict[str, Any]]] = {split: [] for split in material.splits}
    for entrant in entrants:
        model, tokenizer = load_model(entrant.folder), Tokenizer.load(entrant.folder)
        batch_tokens = read_config(entrant.folder).settings.training.batch_tokens
        for split in material.splits:
            pairs = list(material.corpus.splits[split])
            tokens = TokenizedSplit.of(
                tokenizer.encode_source([pair.source for pair in pairs]),
                tokenizer.encode_target([pair.target for pair in pairs]),
            )
            measured = measure_perplexity(model, tokens, pairs, split, batch_tokens)
            found[split].append(measured.as_json())
    return {split: _mean(of_seeds) for split, of_seeds in found.items()}


def _mean(of_seeds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Nats a subword and a word: mean and spread over seeds."""
    return {
        name: spread([one[name] for one in of_seeds])._asdict()
        for name in ("nats_per_token", "nats_per_word")
    }


def _texts(entrant: Entrant) -> list[str]:
    """The first texts that it writes, none picked; one that was cut ends in three dots."""
    model, tokenizer = load_language_model(entrant.folder), Tokenizer.load(entrant.folder)
    samples = sample_texts(model, [], SAMPLING)
    texts = tokenizer.decode_target([sample.tokens for sample in samples])
    return [
        text if sample.complete else f"{text} …"
        for text, sample in zip(texts, samples, strict=True)
    ]
