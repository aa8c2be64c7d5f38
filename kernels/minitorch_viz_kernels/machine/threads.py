"""Threads: how many, and the pool of workers that share a kernel's parts.

The workers are ordinary Python threads that stand in one compiled function (`parallel.serve`) while there is work, and
sleep after a moment without any. There is no OpenMP and no threaded matrix library underneath: nothing warns, and
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

import numpy as np

from minitorch_viz_kernels.contract import Array

# Fewer multiplications than this (about 20 microseconds of a core) are done by the calling thread alone.
WORTH_A_THREAD = 1_000_000

# The board: where each number stands. Those that different threads change lie in different lines of the cache.
WORKERS, OPEN, JOB, FAILED, CORE, BUSY, TICKET, LEFT, SLEEPING, SEMAPHORE = 0, 1, 2, 4, 5, 16, 32, 48, 64, 72
# From MASKS on, numbers hold a bit for each core: first those this process may use, then those of each worker. Behind
# these stands the number by which the system knows each worker's thread.
MASKS = 96
CORES = 16  # numbers of 64 bits for each mask
SPIN_SECONDS = 3e-4  # that a worker waits for the next job before it sleeps

NO_WORKERS = np.zeros(MASKS, np.int64)  # the board of a call without workers

_count: int | None = None


def get_threads() -> int:
    """Return how many threads a kernel may use."""
    return _default() if _count is None else _count


def set_threads(count: int | None) -> None:
    """Let kernels use this number of threads, in the whole process; None goes back to the default.

    Raises ValueError if count is not a whole number of at least 1.
    """
    global _count
    _count = None if count is None else _whole(count, "set_threads")


@functools.cache
def _default() -> int:
    name = "MINITORCH_VIZ_THREADS"
    if os.environ.get(name):
        return _whole(os.environ[name], f"The environment variable {name}")
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _whole(value: int | str, setting: str) -> int:
    with contextlib.suppress(ValueError, TypeError):
        if int(value) == float(value) and int(value) >= 1:
            return int(value)
    raise ValueError(f"{setting} needs a whole number of threads, at least 1, but got {value!r}.")


def board_for(cost: float) -> Array:
    """Return the board for a call of a compiled kernel, with workers awake; NO_WORKERS if they are not worth it.

    cost: about how many multiplications the call takes.
    """
    workers = get_threads() - 1
    if cost < WORTH_A_THREAD or workers < 1:
        return NO_WORKERS
    pool = _pool
    if pool is None or len(pool.threads) != workers:
        pool = _start(workers)
    if pool.asleep:
        pool.wake()
    return pool.board


class _Pool:
    """Hold some worker threads and the board they read."""

    def __init__(self, workers: int) -> None:
        self.board = np.zeros(MASKS + (CORES + 1) * (workers + 1), np.int64)
        self.board[WORKERS], self.board[OPEN], self.board[CORE] = workers, 1, -1
        if hasattr(os, "sched_getaffinity"):
            masks = self.board[MASKS : MASKS + CORES * (workers + 1)].reshape(workers + 1, CORES).view(np.uint8)
            for core in os.sched_getaffinity(os.getpid()):
                if core < 64 * CORES:
                    masks[:, core // 8] |= 1 << core % 8
        self.asleep: deque[threading.Lock] = deque()  # a lock for each worker that sleeps in Python
        self.threads = [
            threading.Thread(target=self._work, args=(i + 1,), name=f"minitorch-viz-{i}", daemon=True)
            for i in range(workers)
        ]
        for thread in self.threads:
            thread.start()

    def wake(self) -> None:
        """Wake the workers that sleep in Python, without waiting for them."""
        with contextlib.suppress(IndexError):  # another caller may have been faster
            while True:
                self.asleep.pop().release()

    def close(self) -> None:
        """Let the workers' threads end."""
        from .parallel import wake

        self.board[OPEN] = 0
        wake(self.board)
        self.wake()

    @property
    def sleeping(self) -> int:
        """Return how many workers sleep."""
        return int(self.board[SLEEPING]) + len(self.asleep)

    def _work(self, worker: int) -> None:
        from .parallel import serve

        self.board[MASKS + CORES * (int(self.board[WORKERS]) + 1) + worker] = threading.get_native_id()
        lock = threading.Lock()
        lock.acquire()
        patience = _turns()
        while self.board[OPEN]:
            serve(self.board, worker, patience)
            self.asleep.append(lock)
            if not self.board[OPEN]:  # closed in between, before the lock was listed
                return
            lock.acquire()


@functools.cache
def _turns() -> int:
    """Return how many turns of waiting last as long as a worker stays awake."""
    from .parallel import spin

    board, turns = np.zeros(MASKS, np.int64), 1 << 12
    spin(board, 1)  # loads it
    start = time.perf_counter()
    spin(board, turns)
    return max(turns, int(turns * SPIN_SECONDS / (time.perf_counter() - start)))


_pool: _Pool | None = None
_starting = threading.Lock()


def _start(workers: int) -> _Pool:
    """Start a pool of that size, in place of the one before; jobs under way end with the workers they have."""
    global _pool
    with _starting:
        if _pool is None or len(_pool.threads) != workers:
            old_pool, _pool = _pool, _Pool(workers)
            if old_pool is not None:
                old_pool.close()
        return _pool


def _after_fork() -> None:
    """Forget the pool in a forked child, which has only the thread that forked; it starts its own when needed."""
    global _pool, _starting
    _pool, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _close_at_exit() -> None:
    """Stop the workers before the interpreter is taken down."""
    if _pool is not None:
        _pool.close()
        for thread in _pool.threads:
            thread.join(timeout=1)
