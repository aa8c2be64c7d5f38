"""Threads: how many, and the crew of helpers that share a kernel's work.

The helpers are ordinary Python threads that stand in one compiled function (`numba_crew.serve`) while there is work,
and sleep after a moment without any. There is no OpenMP and no threaded matrix library underneath: nothing warns, and
nothing breaks when several Python threads call kernels at once, or when a process forks.

The number of threads is one setting: `set_threads(n)`, or the environment variable MINITORCH_VIZ_THREADS; otherwise
every core that this process may use. The parts write to different places, so that the answer does not depend on it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
import time
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from .contract import Array

# Fewer multiplications than this (about 20 microseconds of a core) are done by the calling thread alone.
WORTH_A_THREAD = 1_000_000

# The board: where each number stands. Those that different threads change lie in different lines of the cache.
HELPERS, OPEN, JOB, FAILED, CORE, BUSY, TICKET, LEFT, ASLEEP, BELL, MASKS = 0, 1, 2, 4, 5, 16, 32, 48, 64, 72, 96
# Behind MASKS stand numbers that hold a bit for each core: first those this process may use, then those of each helper.
# Behind these stands by which number the system knows each helper's thread.
CORES = 16
LINE = 64  # bytes of a line of the cache
AWAKE = 3e-4  # seconds that a helper waits for the next job before it sleeps

ALONE = np.zeros(MASKS, np.int64)  # the board of a thread that works alone

_chosen: int | None = None
_here = threading.local()  # by dtype: views of this thread's working memory


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


def crew(cost: float) -> Array:
    """The board for a call of a compiled kernel, whose helpers are awake; ALONE if the work is not worth a thread.

    cost: about how many multiplications the whole is.
    """
    helpers = get_threads() - 1
    if cost < WORTH_A_THREAD or helpers < 1:
        return ALONE
    found = _crew
    if found is None or len(found.threads) != helpers:
        found = _hire(helpers)
    if found.asleep:
        found.ring()
    return found.board


class _Crew:
    """Some helping threads and the board they look at."""

    def __init__(self, helpers: int) -> None:
        self.board = np.zeros(MASKS + (CORES + 1) * (helpers + 1), np.int64)
        self.board[HELPERS], self.board[OPEN], self.board[CORE] = helpers, 1, -1
        if hasattr(os, "sched_getaffinity"):
            masks = self.board[MASKS : MASKS + CORES * (helpers + 1)].reshape(helpers + 1, CORES).view(np.uint8)
            for core in os.sched_getaffinity(os.getpid()):
                if core < 64 * CORES:
                    masks[:, core // 8] |= 1 << core % 8
        self.asleep: deque[threading.Lock] = deque()  # a bell for each helper that sleeps in Python
        self.threads = [
            threading.Thread(target=self._help, args=(i + 1,), name=f"minitorch-viz-{i}", daemon=True)
            for i in range(helpers)
        ]
        for thread in self.threads:
            thread.start()

    def ring(self) -> None:
        """Wake who sleeps, without waiting for them."""
        with contextlib.suppress(IndexError):  # another caller may have been faster
            while True:
                self.asleep.pop().release()

    def dismiss(self) -> None:
        """Let the helpers go home."""
        from .numba_crew import ring

        self.board[OPEN] = 0
        ring(self.board)
        self.ring()

    @property
    def sleeping(self) -> int:
        """How many helpers sleep."""
        return int(self.board[ASLEEP]) + len(self.asleep)

    def _help(self, me: int) -> None:
        from .numba_crew import serve

        self.board[MASKS + CORES * (int(self.board[HELPERS]) + 1) + me] = threading.get_native_id()
        bell = threading.Lock()
        bell.acquire()
        patience = _turns()
        while self.board[OPEN]:
            serve(self.board, me, patience)
            self.asleep.append(bell)
            if not self.board[OPEN]:  # dismissed in between, and the bell was not seen
                return
            bell.acquire()


@functools.cache
def _turns() -> int:
    """How many turns of waiting last as long as a helper stays awake."""
    from .numba_crew import wait

    board, turns = np.zeros(MASKS, np.int64), 1 << 12
    wait(board, 1)  # loads it
    start = time.perf_counter()
    wait(board, turns)
    return max(turns, int(turns * AWAKE / (time.perf_counter() - start)))


_crew: _Crew | None = None
_hiring = threading.Lock()


def _hire(helpers: int) -> _Crew:
    """A crew of that size, in place of the one before; jobs that are under way end with the helpers they have."""
    global _crew
    with _hiring:
        if _crew is None or len(_crew.threads) != helpers:
            before, _crew = _crew, _Crew(helpers)
            if before is not None:
                before.dismiss()
        return _crew


def _after_fork() -> None:
    """A forked child has only the thread that forked: it hires its own helpers when it needs them."""
    global _crew, _hiring
    _crew, _hiring = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _go_home() -> None:
    """No helper runs while the interpreter is taken down."""
    if _crew is not None:
        _crew.dismiss()
        for thread in _crew.threads:
            thread.join(timeout=1)


def workspace(count: int, dtype: npt.DTypeLike) -> Array:
    """Working memory of one thread: `count` numbers that hold anything, to be used until the next call asks.

    Fresh memory is handed out by the system page by page, which costs more than many a kernel. What is kept is at
    most 64 MiB a thread.
    """
    kept: dict[Any, Array] = _here.__dict__
    space = kept.get(dtype)
    if space is None or len(space) < count:
        size = count * np.dtype(dtype).itemsize
        if size > 1 << 26:
            return aligned(size).view(dtype)
        whole = kept.get(np.uint8)
        if whole is None or len(whole) < size:
            kept.clear()
            kept[np.uint8] = whole = aligned(max(size, 1 << 20))
        kept[dtype] = space = whole.view(dtype)
    return space[:count]


def aligned(size: int) -> Array:
    """So many bytes that begin with a line of the cache.

    NumPy's large arrays begin 16 bytes behind one. Then each of the widest vectors would lie in two lines, and loading
    or storing it would cost twice as much.
    """
    space = np.empty(size + LINE, np.uint8)
    begin = -space.ctypes.data % LINE
    return space[begin : begin + size]
