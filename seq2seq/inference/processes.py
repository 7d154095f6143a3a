"""Search in several processes of one thread each.

Threads share the small products of a search badly; processes share nothing and take whole batches.
Each loads the model for itself. The batches are those of one process, so that the translations are,
too.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from typing import Any, Protocol

import torch

from seq2seq.errors import ConfigError
from seq2seq.inference.search import Hypothesis

Rows = list[list[int]]  # source ids of a batch's sentences, END last
Found = list[list[Hypothesis]]  # the best translations of each of them


class Searcher(Protocol):
    """What works in each process; `Translator` is one."""

    def search_batch(self, rows: Rows, n_best: int, with_weights: bool) -> Found:
        """The best translations of a batch of sentences."""


class SearchProcesses:
    """Processes that search batch after batch; they end with `close`, or with their parent.

    Args:
        load: makes what works in each of them: a function that can be pickled.
        processes: how many, at least 1.

    Raises:
        ConfigError: fewer than one process.
    """

    def __init__(self, load: Callable[[], Searcher], processes: int) -> None:
        """Start them; they load while the caller goes on."""
        require_processes(processes)
        # Spawned and not forked: a fork while torch's threads hold locks may hang.
        self._pool = ProcessPoolExecutor(
            processes, get_context("spawn"), initializer=_begin, initargs=(load,)
        )
        for _ in range(processes):  # a task starts a process while fewer are there than may be
            self._submit(os.getpid)

    def submit(self, rows: Rows, n_best: int, with_weights: bool) -> Callable[[], Found]:
        """Hand out a batch; what comes back waits for its translations.

        Raises, when called:
            ConfigError: a process was killed, or could not begin.
        """
        return partial(_wait, self._submit(_search, rows, n_best, with_weights))

    def _submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        try:
            # A process that this starts shall never hear of a Ctrl-C: the parent does.
            with _interrupts_put_off():
                return self._pool.submit(work, *given)
        except BrokenProcessPool:
            raise ConfigError(_BROKEN) from None

    def close(self) -> None:
        """Let them end: what is not begun is forgotten."""
        self._pool.shutdown(wait=True, cancel_futures=True)


_BROKEN = (
    "A translating process was killed or could not begin, perhaps for want of memory; "
    "try fewer --processes."
)


def require_processes(processes: int) -> None:
    """Refuse fewer than one.

    Raises:
        ConfigError: fewer than one.
    """
    if processes < 1:
        raise ConfigError(f"--processes is {processes}; it must be at least 1.")


@contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Processes started within inherit that Ctrl-C is not for them; the parent hears of it after.

    Blocked and not ignored: what is ignored is lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # in starting, it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(future: Future[Any]) -> Found:
    try:
        found = future.result()
    except BrokenProcessPool:
        raise ConfigError(_BROKEN) from None
    return [[_thawed(hypothesis) for hypothesis in best] for best in found]


# In the processes themselves.

_working: list[Searcher] = []  # the one of this process, from its beginning on


def _begin(load: Callable[[], Searcher]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _working[:] = [load()]


def _end_with_parent() -> None:
    """A parent that was killed closes nothing; without it there is nobody to work for."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _search(rows: Rows, n_best: int, with_weights: bool) -> list[list[Any]]:
    found = _working[0].search_batch(rows, n_best, with_weights)
    return [[_frozen(hypothesis) for hypothesis in best] for best in found]


def _frozen(hypothesis: Any) -> Any:
    """With its weights as numpy's: torch would send a file descriptor for each."""
    weights = hypothesis.weights
    return hypothesis if weights is None else hypothesis._replace(weights=weights.numpy().copy())


def _thawed(hypothesis: Any) -> Any:
    weights = hypothesis.weights
    return hypothesis if weights is None else hypothesis._replace(weights=torch.from_numpy(weights))
