"""Training and decoding side by side: all contenders in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.calibration import Calibration
from benchmarks.contenders import CONTENDERS, Contender, ContenderError, Process
from benchmarks.protocol import Workload
from benchmarks.reference import mean_target_tokens, stratified

WARM_UP = 2  # updates, or batches decoded, that nobody measures
LATENCY_EVERY = 5  # of the test's sentences, one in so many

Report = Callable[[str], None]
Running = dict[str, Process]


@contextmanager
def running(
    contenders: Sequence[Contender], workload: Path, threads: int, logs: Path
) -> Iterator[Running]:
    """Contenders at work; they end with the block, whatever happens."""
    processes: Running = {}
    try:
        for contender in contenders:  # one after the other: the machine is small
            processes[contender.name] = Process(contender, workload, threads, logs)
            processes[contender.name].ask("describe")
        yield processes
    finally:
        for process in processes.values():
            process.stop()


class SideBySide:
    """The contenders, the machine, and what was found.

    Args:
        path: the workload's file.
        calibration: the machine's own speed.
        threads: for each contender.
        rounds: how often each has its turn.
        per_round: batches of training in a turn; half as many of translation.
        tries: how often a disturbed turn is taken in all.
        logs: where the contenders' own output goes.
        report: told, in one line, what is done.
    """

    def __init__(
        self,
        path: Path,
        calibration: Calibration,
        threads: int,
        rounds: int,
        per_round: int,
        tries: int,
        logs: Path,
        report: Report,
    ) -> None:
        """Nothing is started yet."""
        self.path, self.workload = path, Workload.load(path)
        self.calibration, self.threads, self.logs = calibration, threads, logs
        self.rounds, self.per_round, self.tries = rounds, per_round, tries
        self.report = report
        self.failed: dict[str, str] = {
            c.name: "not installed; see benchmarks/peers.sh" for c in CONTENDERS if not c.is_here
        }
        self.turns: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.described: dict[str, dict[str, Any]] = {}
        self.latency: dict[str, dict[str, dict[str, float]]] = {}

    def run(self, train: bool, decode: bool) -> dict[str, Any]:
        """Take all turns and return what was found as plain values."""
        here = [c for c in CONTENDERS if c.is_here]
        with running(here, self.path, self.threads, self.logs) as processes:
            for contender in here:
                with self._excused(contender):
                    self.described[contender.name] = processes[contender.name].ask("describe")
            if train:
                self._train(processes)
            if decode:
                self._decode(processes)
        return {
            "contenders": self.described,
            "failed": self.failed,
            "turns": self.turns,
            "latency": self.latency,
            "tokens_per_sentence": mean_target_tokens(self.workload.test),
            "batch_tokens": median(batch.tokens for batch in self.workload.train),
            "calibration_best": self.calibration.best,
        }

    def _train(self, processes: Running) -> None:
        longest = len(self.workload.train) - 1
        for contender in self._trainers(self._able(processes)):
            with self._excused(contender):
                # The longest batch first: it is what peak memory depends on.
                middle = longest // 2
                processes[contender.name].ask("train", batches=[longest, middle][:WARM_UP])
        for number in range(self.rounds):
            chosen = stratified(longest, self.per_round, number)
            for contender in self._trainers(self._in_turn(processes, number)):
                batches = chosen[len(chosen) // 2 :][:1] if contender.slow else chosen
                tokens = sum(self.workload.train[batch].tokens for batch in batches)
                self._take("train", contender, processes, tokens, number, batches=batches)
        for contender in self._trainers(self._able(processes)):
            with self._excused(contender):
                peak = processes[contender.name].ask("memory")["peak_bytes"]
                self.described[contender.name]["peak_bytes"] = peak

    def _decode(self, processes: Running) -> None:
        test = self.workload.test
        for beam in (1, 5):
            able = [c for c in self._able(processes) if c.decodes and (beam == 1 or c.beam)]
            for contender in able:
                with self._excused(contender):
                    processes[contender.name].ask("decode", batches=[len(test) // 2], beam=beam)
            for number in range(self.rounds):
                chosen = stratified(len(test), max(2, self.per_round // 2), number, seed=1)
                for contender in self._in_turn(processes, number):
                    if contender in able:
                        batches = chosen[len(chosen) // 2 :][:1] if contender.slow else chosen
                        tokens = sum(test[b].steps * len(test[b].source) for b in batches)
                        task = "greedy" if beam == 1 else "beam"
                        self._take(
                            task, contender, processes, tokens, number, batches=batches, beam=beam,
                            do="decode",
                        )  # fmt: skip
            for contender in self._able(processes):
                if contender.latency:
                    with self._excused(contender):
                        self._measure_latency(contender, processes[contender.name], beam)

    def _measure_latency(self, contender: Contender, process: Process, beam: int) -> None:
        turn = self.calibration.around(
            lambda: process.ask("latency", beam=beam, every=LATENCY_EVERY, workload=str(self.path)),
            self.tries,
        )
        values = sorted(turn.result["milliseconds"])
        self.latency.setdefault(str(beam), {})[contender.name] = {
            "sentences": len(values),
            "median": median(values),
            "percentile_99": values[int(0.99 * (len(values) - 1))],
            "disturbed": turn.disturbed,
        }

    def _take(
        self,
        task: str,
        contender: Contender,
        processes: Running,
        tokens: int,
        number: int,
        do: str = "",
        **options: Any,
    ) -> None:
        """One turn of one contender, recorded."""
        process = processes[contender.name]
        with self._excused(contender):
            turn = self.calibration.around(
                lambda: process.ask(do or task, **options)["seconds"], self.tries
            )
            speed = tokens / turn.result
            self.turns.setdefault(task, {}).setdefault(contender.name, []).append(
                {
                    "round": number,
                    "tokens_per_second": speed,
                    "gflops": turn.gflops,
                    "disturbed": turn.disturbed,
                }
            )
            self.report(
                f"{task} {number + 1}/{self.rounds} {contender.name}: {speed:,.0f} tokens/s at "
                f"{turn.gflops:.0f} GFLOP/s{', disturbed' if turn.disturbed else ''}"
            )

    @staticmethod
    def _trainers(contenders: list[Contender]) -> list[Contender]:
        return [contender for contender in contenders if contender.trains]

    def _able(self, processes: Running) -> list[Contender]:
        return [c for c in CONTENDERS if c.name in processes and c.name not in self.failed]

    def _in_turn(self, processes: Running, number: int) -> list[Contender]:
        """Forwards and backwards by turns, so that nobody is always first after a pause."""
        able = self._able(processes)
        return able[::-1] if number % 2 else able

    @contextmanager
    def _excused(self, contender: Contender) -> Iterator[None]:
        """A contender that fails is left out from then on, and the table says why."""
        try:
            yield
        except ContenderError as error:
            self.failed[contender.name] = str(error)
            self.report(f"{contender.name} is out: {error}")
