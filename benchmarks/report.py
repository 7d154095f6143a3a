"""What was measured, as `docs/results/speed.md`: written anew each time but for the reading.

Numbers live in `speed.json` beside it, a section for each part of the benchmark, so that a part can
be measured again alone. Below a marked line, `speed.md` belongs to people and is kept as it is.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.contenders import CONTENDERS, FLOOR, OURS, Contender

KEPT = "<!-- Written by people: the benchmark keeps everything below this line. -->"
TASKS = {"train": "training", "greedy": "greedy", "beam": "beam 5"}


def circumstances(command: str, threads: int) -> dict[str, Any]:
    """The machine and the moment of a measurement."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "torch": f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "command": command,
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def speed_of(found: dict[str, Any], task: str, name: str) -> float | None:
    """Median target tokens a second over the rounds."""
    turns = found["turns"].get(task, {}).get(name)
    return median(turn["tokens_per_second"] for turn in turns) if turns else None


def ratio(found: dict[str, Any], task: str, name: str, other: str) -> float | None:
    """How many times as fast as another: the median over rounds of both on the same batches."""
    tasks = found["turns"].get(task, {})
    by_round = [
        {turn["round"]: turn["tokens_per_second"] for turn in tasks.get(who, [])}
        for who in (name, other)
    ]
    shared = by_round[0].keys() & by_round[1].keys()
    return median(by_round[0][k] / by_round[1][k] for k in shared) if shared else None


def write_report(results: dict[str, Any], path: Path) -> None:
    """Write `speed.json` and `speed.md`; keep what people wrote in the latter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(results, indent=1, ensure_ascii=False)
    path.with_suffix(".json").write_text(data + "\n", encoding="utf-8")
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    kept = old.partition(KEPT)[2] or "\n\n## Reading\n"
    lines = [
        "# Speed and memory",
        "",
        "Written by `make bench`; how it is measured stands in `benchmarks/` and below.",
        "",
        *_speed_section(results),
        *_growth_section(results),
        *_corpus_section(results),
    ]
    path.write_text("\n".join(lines) + "\n" + KEPT + kept, encoding="utf-8")


def _where(section: dict[str, Any]) -> list[str]:
    here = section["circumstances"]
    return [
        f"{here['date']} · {here['machine']} · {here['system']} · {here['torch']} · "
        f"threads: {here['threads']} · load before {here['load']} · `{here['command']}`",
        "",
    ]


def _speed_section(results: dict[str, Any]) -> Iterator[str]:
    for title, task_names in (("Training", ("train",)), ("Translation", ("greedy", "beam"))):
        section = results.get("train" if title == "Training" else "decode")
        if section is None:
            continue
        yield from (f"## {title}", "")
        yield from _where(section)
        yield from _method(section, title)
        yield from (_train_table if title == "Training" else _decode_table)(section["found"])
        yield ""
        yield from _missing(section["found"])
        yield from _disturbances(section["found"], task_names)


def _method(section: dict[str, Any], title: str) -> Iterator[str]:
    found = section["found"]
    yield f"Sentences: {section['text']}. Model: 8,000 subwords for both languages, embeddings of"
    yield "256, bidirectional LSTM encoder of 2 × 256, LSTM decoder of 512 with the context vector"
    yield "fed in, additive attention of 512, weights not tied, float32."
    if title == "Training":
        yield "Real steps of each program's own (forward, backward, clipping, Adam; dropout 0.3,"
        yield "label smoothing 0.1) on the same batches of 64 sentences,"
        yield f"{found['batch_tokens']:,.0f} target tokens in the median; target tokens a second,"
        yield "padding not counted."
        if "bf16" in found["turns"].get("train", {}):
            yield "All are in float32 but for the row that says bf16: the same model and updates"
            yield "with products in bf16, which `--training.precision auto` takes on CPUs that"
            yield "multiply it natively. The floor is that of float32."
    else:
        yield "Batches of 64 sentences sorted by source length. All sentences of a batch get the"
        yield "same number of tokens, the mean reference length of the batch, the end being made"
        yield "impossible before: so all programs take the same steps with the same rows, whatever"
        yield "their weights say. What a program gains by dropping finished sentences early is"
        yield "therefore not seen. Sentences of the mean length"
        yield f"({found['tokens_per_sentence']:.1f} tokens) a second."
        yield "`--quantize` multiplies in int8; `--shortlist` computes logits of the union of its"
        yield "sentences' shortlists, from a lexicon learnt beforehand. Both need less arithmetic"
        yield "than the floor counts: shares of it are not shown for them."
    yield "Each program is a process of its own; all take turns, round after round; medians over"
    yield "the rounds, and ratios are medians of the rounds' own ratios."
    yield ""


def _rows(found: dict[str, Any], task: str) -> list[Contender]:
    return [c for c in CONTENDERS if found["turns"].get(task, {}).get(c.name)]


def _label(found: dict[str, Any], contender: Contender) -> str:
    described = found["contenders"].get(contender.name, {})
    version = f" {described['version']}" if contender.peer else ""
    note = f"; {described['note']}" if described.get("note") else ""
    slow = "; one batch a round" if contender.slow else ""
    return f"{contender.label}{version}{note}{slow}"


def _share_of_floor(found: dict[str, Any], task: str, contender: Contender) -> str:
    value = ratio(found, task, contender.name, FLOOR)
    comparable = contender.same_model and contender.name != FLOOR
    return f"{100 * value:.0f}%" if comparable and value is not None else ""


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _train_table(found: dict[str, Any]) -> Iterator[str]:
    yield (
        "| program | tokens/s | slowest to fastest round | of the floor "
        "| seq2seq is … times as fast |"
    )
    yield "| --- | --: | --: | --: | --: |"
    for contender in _rows(found, "train"):
        name = contender.name
        speeds = [turn["tokens_per_second"] for turn in found["turns"]["train"][name]]
        share = _share_of_floor(found, "train", contender)
        times = "" if name == OURS else _times(ratio(found, "train", OURS, name))
        yield (
            f"| {_label(found, contender)} | {median(speeds):,.0f} | {min(speeds):,.0f} to "
            f"{max(speeds):,.0f} | {share} | {times} |"
        )
    yield ""
    yield "| program | parameters | peak memory of training, MB |"
    yield "| --- | --: | --: |"
    for contender in _rows(found, "train"):
        described = found["contenders"][contender.name]
        if described["parameters"]:
            peak = described.get("peak_bytes", 0) / 1e6
            yield f"| {contender.label} | {described['parameters']:,} | {peak:,.0f} |"
    yield ""
    yield "Peak memory is the most resident memory of the process up to the end of training, the"
    yield "program itself and its longest batch included."


def _decode_table(found: dict[str, Any]) -> Iterator[str]:
    yield (
        "| program | greedy, sentences/s | of its floor | seq2seq is … times as fast "
        "| beam 5, sentences/s | of its floor | seq2seq is … times as fast |"
    )
    yield "| --- | --: | --: | --: | --: | --: | --: |"
    for contender in _rows(found, "greedy"):
        cells = []
        for task in ("greedy", "beam"):
            speed = speed_of(found, task, contender.name)
            times = ratio(found, task, OURS, contender.name)
            cells += [
                "" if speed is None else f"{speed / found['tokens_per_sentence']:,.0f}",
                _share_of_floor(found, task, contender),
                "" if contender.name == OURS else _times(times),
            ]
        yield f"| {_label(found, contender)} | {' | '.join(cells)} |"
    yield ""
    yield from _latency_table(found)


def _latency_table(found: dict[str, Any]) -> Iterator[str]:
    names = [c for c in CONTENDERS if c.name in found["latency"].get("1", {})]
    if not names:
        return
    sentences = found["latency"]["1"][names[0].name]["sentences"]
    yield f"One sentence at a time, from subwords to subwords: milliseconds over {sentences} test"
    yield "sentences, each to its reference's length."
    yield ""
    yield "| program | greedy, median | 99th percentile | beam 5, median | 99th percentile |"
    yield "| --- | --: | --: | --: | --: |"
    for contender in names:
        cells = []
        for beam in ("1", "5"):
            value = found["latency"].get(beam, {}).get(contender.name)
            if value is None:
                cells += ["", ""]
                continue
            disturbed = " (disturbed)" if value["disturbed"] else ""
            cells += [f"{value['median']:.1f}", f"{value['percentile_99']:.1f}{disturbed}"]
        yield f"| {contender.label} | {' | '.join(cells)} |"


def _missing(found: dict[str, Any]) -> Iterator[str]:
    labels = {c.name: c.label for c in CONTENDERS}
    for name, reason in found["failed"].items():
        yield f"Not measured: {labels[name]} ({reason})."
    if found["failed"]:
        yield ""


def _disturbances(found: dict[str, Any], tasks: tuple[str, ...]) -> Iterator[str]:
    turns = [turn for task in tasks for of in found["turns"].get(task, {}).values() for turn in of]
    gflops = [turn["gflops"] for turn in turns]
    if turns:
        yield (
            f"A product of 1,024 × 1,024 matrices before and after each turn ran at "
            f"{min(gflops):.0f} to {max(gflops):.0f} GFLOP/s "
            f"(best {found['calibration_best']:.0f}); "
            f"{sum(turn['disturbed'] for turn in turns)} of {len(turns)} turns stayed below 90% of "
            "the best, that is, disturbed, in all tries."
        )
        yield ""


def _growth_section(results: dict[str, Any]) -> Iterator[str]:
    if section := results.get("growth"):
        yield from ("## How the cost grows", "")
        yield from _where(section)
        yield "Training, one size at a time; otherwise 64 sentences of 16 tokens on both sides,"
        yield "8,000 subwords, 512 units. Source and target grow together, and so do the units of"
        yield "states and attention. The best of a few steps."
        yield from ("", "![Training speed by size](speed-growth.svg)", "")
        if section["found"]["disturbed"]:
            yield f"Measurements that stayed disturbed: {section['found']['disturbed']}."
            yield ""
        for what, by_size in section["found"]["points"].items():
            names = list(next(iter(by_size.values())))
            yield f"| {what} | {' | '.join(f'{name}, tokens/s' for name in names)} |"
            yield "| --: " * (1 + len(names)) + "|"
            for size, speeds in by_size.items():
                cells = " | ".join(f"{speeds[name]:,.0f}" for name in names)
                yield f"| {int(size):,} | {cells} |"
            yield ""


def _corpus_section(results: dict[str, Any]) -> Iterator[str]:
    if section := results.get("memory"):
        yield from ("## Corpora of any size", "")
        yield from _where(section)
        yield "Invented corpora through preparation (cleaning, duplicates, splits), tokenizer,"
        yield "tokens and batches. Each size in a fresh process; MB held is anonymous memory, the"
        yield "program itself included, and not the pages of mapped files."
        yield from ("", "![Seconds and memory by pairs](speed-corpus.svg)", "")
        runs = section["found"]
        names = [name for name in runs[0]["stages"] if name != "invent"]
        yield f"| pairs | text, MB | {' | '.join(f'{name}: s / MB' for name in names)} |"
        yield "| --: " * (2 + len(names)) + "|"
        for run in runs:
            cells = [
                f"{stage['seconds']:,.1f} / {stage['anonymous_bytes'] / 1e6:,.0f}"
                for stage in (run["stages"][name] for name in names)
            ]
            yield f"| {run['pairs']:,} | {run['text_bytes'] / 1e6:,.1f} | {' | '.join(cells)} |"
        yield ""
