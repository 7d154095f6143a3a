"""How fast a run translates in one process of several threads, and in several of one thread.

    python -m benchmarks.processes RUN [--split test] [--rounds 3] [--beam-size 5] [--quantize]

The sentences of the run's own corpus, real lengths and ends, in turns: one thread, all threads, as
many processes as threads. Loading, and the first 50 sentences of each process, are left out of the
sentences a second and shown apart. Different translations are an error.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median

import torch

from benchmarks.__main__ import say
from benchmarks.arguments import positive
from seq2seq import pipeline, translating
from seq2seq.checkpoint import find_run, read_config
from seq2seq.config import SearchSettings
from seq2seq.decoding import DecodingOptions
from seq2seq.text.corpus import load_corpus

Way = tuple[int, int]  # threads, processes


def sentences_of(run: str, split: str) -> list[str]:
    """The source side of a split."""
    settings = read_config(find_run(run)).settings.corpus
    corpus = load_corpus(settings, pipeline.DATA / "prepared", say)
    if split not in corpus.splits:
        raise SystemExit(f"there is no split {split}; there are {', '.join(corpus.splits)}")
    return [pair.source for pair in corpus.splits[split]]


def take(
    run: str, search: SearchSettings, quantize: bool, way: Way, sentences: list[str]
) -> tuple[float, float, list[str]]:
    """Seconds until it is warm, seconds that it translates then, and what it translates to."""
    threads, processes = way
    began = time.perf_counter()
    options = DecodingOptions(None if processes > 1 else threads, processes, quantize)
    with translating.open_translator(run, search, say, options) as translator:
        translator.translate(sentences[:50] * processes)
        ready = time.perf_counter()
        found = [translation.text for translation in translator.translate(sentences)]
        return ready - began, time.perf_counter() - ready, found


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("run")
    parser.add_argument("--split", default="test")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--beam-size", type=positive, default=5)
    parser.add_argument("--quantize", action="store_true")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    ways: list[Way] = [(1, 1), (cores, 1), (1, cores)]
    sentences = sentences_of(options.run, options.split)
    search = SearchSettings(beam_size=options.beam_size)
    speeds: dict[Way, list[float]] = {way: [] for way in ways}
    loading: dict[Way, list[float]] = {way: [] for way in ways}
    texts: list[list[str]] = []
    for number in range(options.rounds):
        for way in ways[:: -1 if number % 2 else 1]:
            ready, seconds, found = take(options.run, search, options.quantize, way, sentences)
            speeds[way].append(len(sentences) / seconds)
            loading[way].append(ready)
            texts.append(found)
            say(f"round {number + 1}, {way}: {speeds[way][-1]:,.0f} sentences/s")
    differing = sum(len(set(rows)) > 1 for rows in zip(*texts, strict=True))
    if differing:
        raise SystemExit(f"{differing} of {len(sentences):,} sentences were translated differently")
    print(f"{len(sentences):,} sentences, beam {options.beam_size}, torch {torch.__version__}")
    for (threads, processes), values in speeds.items():
        times = median(a / b for a, b in zip(values, speeds[ways[0]], strict=True))
        print(
            f"{processes} process(es) of {threads} thread(s): {median(values):,.0f} sentences/s, "
            f"{times:.2f} times one thread; warm after {median(loading[threads, processes]):.1f} s"
        )


if __name__ == "__main__":
    main()
