"""Measure speed and memory side by side and write `docs/results/speed.md`.

    python -m benchmarks [--rounds 5] [--only train,decode,growth,memory] [--quick]

Peers are measured where `benchmarks/peers.sh` has installed them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.arguments import positive
from benchmarks.calibration import MOST_TRIES, Calibration
from benchmarks.contenders import ROOT
from benchmarks.corpus_memory import draw_corpora
from benchmarks.growth import draw_growth, measure_growth
from benchmarks.measure import SideBySide
from benchmarks.reference import make_workload, read_json
from benchmarks.report import circumstances, write_report

HOME = ROOT / "data" / "benchmark"
PARTS = ("train", "decode", "growth", "memory")
PAIRS = (1_000, 10_000, 100_000, 1_000_000)


def say(message: str) -> None:
    """One line of progress on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each program (5)")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it runs")
    parser.add_argument("--threads", type=positive, default=os.cpu_count(), help="for each program")
    parser.add_argument(
        "--pairs", type=positive, default=PAIRS[-1], help="the largest invented corpus (1000000)"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results" / "speed.md")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := sorted(set(options.only) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.quick:
        options.rounds, options.pairs = 1, min(options.pairs, 10_000)
    return options


def measure_corpora(largest: int) -> list[dict[str, Any]]:
    """Invented corpora of growing size, each in a process of its own."""
    sizes = [size for size in (*PAIRS, 10 * PAIRS[-1]) if size <= largest]
    found = []
    for pairs in sizes:
        command = [sys.executable, "-m", "benchmarks.corpus_memory", "--pairs", str(pairs)]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
        found.append(json.loads(run.stdout))
        say(f"{pairs:,} pairs: {found[-1]['peak_bytes'] / 1e6:,.0f} MB at most")
    return found


def main() -> None:
    """Measure the parts asked for; the others keep what they had."""
    options = parse()
    started = time.monotonic()
    results: dict[str, Any] = dict(read_json(options.output.with_suffix(".json")))
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    here = circumstances(command, options.threads)
    path, text = make_workload(HOME, say)
    calibration = Calibration(options.threads)
    logs = HOME / "logs"

    def put(part: str, found: Any) -> None:
        results[part] = {"circumstances": here, "text": text, "found": found}
        write_report(results, options.output)

    wanted = [part for part in ("train", "decode") if part in options.only]
    if wanted:
        side_by_side = SideBySide(
            path,
            calibration,
            threads=options.threads,
            rounds=options.rounds,
            per_round=2 if options.quick else 6,
            tries=1 if options.quick else MOST_TRIES,
            logs=logs,
            report=say,
        )
        found = side_by_side.run(train="train" in wanted, decode="decode" in wanted)
        for part in wanted:
            put(part, found)
    pictures = options.output.parent
    pictures.mkdir(parents=True, exist_ok=True)
    if "growth" in options.only:
        found = measure_growth(path, calibration, options.threads, logs, options.quick, say)
        draw_growth(found, pictures / "speed-growth.svg")
        put("growth", found)
    if "memory" in options.only:
        corpora = measure_corpora(options.pairs)
        draw_corpora(corpora, pictures / "speed-corpus.svg")
        put("memory", corpora)
    say(f"{options.output} written after {(time.monotonic() - started) / 60:.1f} min")


if __name__ == "__main__":
    main()
