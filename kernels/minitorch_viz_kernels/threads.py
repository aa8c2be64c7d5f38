"""Threads: cut a kernel's work into parts, and let every core take some.

The compiled loops release Python's lock, so ordinary Python threads run them side by side. There is no OpenMP and no
threaded matrix library underneath: nothing spins between two calls, nothing warns, and nothing breaks when several
Python threads call kernels at once, or when a process forks.

The number of threads is one setting: `set_threads(n)`, or the environment variable MINITORCH_VIZ_THREADS; otherwise
every core that this process may use. The parts write to different places, so that the answer does not depend on it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from .contract import Array

# Fewer multiplications than this (about 0.2 milliseconds of a core) are done by the calling thread alone. Waking
# another thread and passing Python's lock to and fro costs 50 to 80 microseconds: two threads win nothing below.
# Helpers that wait awake for the next call were slower still on a machine that had other work.
WORTH_A_THREAD = 16_000_000

_chosen: int | None = None
_here = threading.local()  # .inside: this thread is working on a part; .space: its working memory


def get_threads() -> int:
    """How many threads a kernel may use."""
    return _default() if _chosen is None else _chosen


def set_threads(count: int | None) -> None:
    """Let kernels use so many threads, in the whole process; None goes back to the default.

    Raises ValueError if count is not a whole number of at least 1.
    """
    global _chosen
    _chosen = None if count is None else _whole(count, "set_threads")


@functools.cache
def _default() -> int:
    name = "MINITORCH_VIZ_THREADS"
    if os.environ.get(name):
        return _whole(os.environ[name], f"The environment variable {name}")
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _whole(value: int | str, who: str) -> int:
    with contextlib.suppress(ValueError, TypeError):
        if int(value) == float(value) and int(value) >= 1:
            return int(value)
    raise ValueError(f"{who} needs a whole number of threads, at least 1, but got {value!r}.")


def split(count: int, cost: float, work: Callable[[int, int], None], finer: int = 1) -> None:
    """Call work(start, stop) for parts of range(count): one part a thread, or `finer` times as many.

    cost: about how many multiplications the whole is; small work stays on the calling thread, and so does work that is
    itself a part. Returns when all parts are done; an exception of a part is raised here.
    """
    parts = min(count, get_threads() * finer)
    if parts < 2 or cost < WORTH_A_THREAD or get_threads() < 2 or getattr(_here, "inside", False):
        if count:
            work(0, count)
        return
    edges = [count * i // parts for i in range(parts + 1)]
    shared = _Shared(work, list(itertools.pairwise(edges)))
    _crew.ask(shared, min(parts, get_threads()) - 1)
    shared.help()
    shared.finished.acquire()
    if shared.error is not None:
        raise shared.error


class _Shared:
    """The parts of one call. Whoever has time takes the next; the caller takes too, so that no one is waited for."""

    def __init__(self, work: Callable[[int, int], None], parts: list[tuple[int, int]]) -> None:
        self.work, self.parts, self.left = work, deque(parts), len(parts)
        self.count_lock, self.finished = threading.Lock(), threading.Lock()
        self.finished.acquire()
        self.error: BaseException | None = None
        self.context = copy_context()  # NumPy's error settings and the chosen kernels are context variables

    def help(self) -> None:
        _here.inside = True
        try:
            while True:
                try:
                    start, stop = self.parts.popleft()
                except IndexError:
                    return
                try:
                    self.work(start, stop)
                except BaseException as error:
                    self.error = error
                with self.count_lock:
                    self.left -= 1
                    if self.left == 0:
                        self.finished.release()
        finally:
            _here.inside = False


class _Crew:
    """The helping threads. They sleep until a call shares its parts."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[_Shared] = SimpleQueue()
        self.size = 0
        self.hiring = threading.Lock()

    def ask(self, shared: _Shared, helpers: int) -> None:
        if self.size < helpers:
            with self.hiring:
                while self.size < helpers:
                    threading.Thread(target=self._work, name=f"minitorch-viz-{self.size}", daemon=True).start()
                    self.size += 1
        for _ in range(helpers):
            self.calls.put(shared)

    def _work(self) -> None:
        while True:
            shared = self.calls.get()
            shared.context.copy().run(shared.help)
            del shared  # or its arrays would live until the next call


_crew = _Crew()


def _after_fork() -> None:
    """A forked child has only the thread that forked: it hires its own helpers when it needs them."""
    global _crew
    _crew = _Crew()
    _here.inside = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def workspace(count: int, dtype: npt.DTypeLike) -> Array:
    """Working memory of one thread: `count` numbers that hold anything, to be used until the next call asks.

    Fresh memory is handed out by the system page by page, which costs more than many a kernel. What is kept is at
    most 16 MiB a thread.
    """
    size = count * np.dtype(dtype).itemsize
    if size > 1 << 24:
        return np.empty(count, dtype)
    space: Array | None = getattr(_here, "space", None)
    if space is None or space.nbytes < size:
        _here.space = space = np.empty(max(size, 1 << 20) // 8 + 1, np.float64)
    return space.view(np.uint8)[:size].view(dtype)
