"""`seq2seq generate`: write text with a language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from seq2seq.commands.arguments import parse, say
from seq2seq.errors import CorpusError


@dataclass(frozen=True)
class Generate:
    """Write text with a language model: one text a line, each beginning with the prompt."""

    run: Annotated[str, tyro.conf.Positional]
    """Folder under checkpoints/ of a run of `seq2seq language-model`, or a path."""
    prompt: str = ""
    """What each text begins with; nothing if absent."""
    temperature: float = 1.0
    """Logits are divided by it: below 1 likely tokens become likelier; 0 takes the likeliest."""
    top_p: float = 0.9
    """Draw from the fewest tokens that have so much probability together (Holtzman et al. 2020);
    1 is all."""
    count: int = 1
    """Texts to write."""
    max_tokens: int = 100
    """Subwords after which a text is cut, the prompt's not counted."""
    seed: int = 1
    """Of the random numbers: the same seed writes the same texts."""


def run(arguments: list[str]) -> int:
    """Draw the texts and print them."""
    chosen = parse(Generate, "generate", arguments)
    from seq2seq.checkpoint import find_run, load_language_model
    from seq2seq.inference.sampling import Sampling, check_sampling, sample_texts
    from seq2seq.text.cleaning import clean_sentence
    from seq2seq.text.tokenizer import Tokenizer

    sampling = Sampling(
        chosen.temperature, chosen.top_p, chosen.count, chosen.max_tokens, chosen.seed
    )
    check_sampling(sampling)
    prompt = clean_sentence(chosen.prompt)
    if prompt is None:
        raise CorpusError("--prompt is not valid Unicode text; give it in UTF-8.")
    folder = find_run(chosen.run)
    model, tokenizer = load_language_model(folder), Tokenizer.load(folder)
    (tokens,) = tokenizer.encode_target([prompt])
    samples = sample_texts(model, tokens, sampling)
    for text in tokenizer.decode_target([sample.tokens for sample in samples]):
        print(text)
    cut = sum(not sample.complete for sample in samples)
    if cut:
        say(f"{cut:,} of {len(samples):,} texts were cut after {chosen.max_tokens:,} subwords.")
    return 0
