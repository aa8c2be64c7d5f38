"""Work shared out among workers: processes of this machine, or a cluster's, with the same bits for any number of them.

joblib spreads it. Which workers these are says `joblib.parallel_config`; by default they are new processes (loky),
never copies of this one, whose threads compute and would stand still in a copy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import minitorch_viz_kernels as kernels
from minitorch_viz.errors import SettingError

Item = TypeVar("Item")
Done = TypeVar("Done")


def spread(work: Callable[[Item], Done], items: Iterable[Item], workers: int) -> Iterator[Done]:
    """Yield `work(item)` for each item, in order; each of several workers has its share of the kernels' threads.

    work: with several workers it and the items travel to other processes, and what it returns comes back: all of that
        can be pickled. With one it is called in this process.

    Raises SettingError if joblib's backend forks this process.
    """
    if workers == 1:
        yield from map(work, items)
        return
    import joblib

    threads_before = kernels.get_threads()
    threads = max(1, threads_before // workers)
    folder = _working_folder() if _backend() == "LokyBackend" else None
    rung = kernels.current()
    tasks = (joblib.delayed(_in_worker)(work, item, threads, rung, folder) for item in items)
    if _backend() == "MultiprocessingBackend":
        raise SettingError(
            'joblib\'s backend "multiprocessing" copies a process whose threads compute, and the copies stand still; '
            'leave the backend to joblib ("loky"), or name a cluster\'s ("dask").'
        )
    try:
        yield from _in_order(tasks, workers)
    finally:
        kernels.set_threads(threads_before)  # of workers that are threads of this process


def _working_folder() -> str | None:
    """Return the path of this process's working folder; None if it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _in_worker(work: Callable[[Item], Done], item: Item, threads: int, rung: str, folder: str | None) -> Done:
    """Do a worker's task with so many of the kernels' threads, on the rung that the asking process computes with.

    folder: the working folder of the process that asks. joblib's processes live on for the next work and stay in the
        folder that they were started in, where a relative path would mean another file. None: those of a cluster.
    """
    if folder is not None:
        with contextlib.suppress(OSError):  # it was removed: absolute paths still work
            os.chdir(folder)
    kernels.set_threads(threads)
    with kernels.use(rung):  # another one gives other last bits
        return work(item)


def _in_order(tasks: Iterator[Any], workers: int) -> Iterator[Any]:
    """Yield what joblib's workers return, in order."""
    import joblib

    try:
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator", pre_dispatch=2 * workers)
    except ValueError:  # this backend hands over whole lists only
        parallel = joblib.Parallel(n_jobs=workers)
        while portion := list(islice(tasks, 2 * workers)):
            yield from parallel(portion)
    else:
        with _started_deaf():
            results = parallel(tasks)
        yield from _closed_quietly(results)


def _closed_quietly(results: Generator[Any, None, None]) -> Iterator[Any]:
    """Yield joblib's results, and silence its warning, when it is stopped, of those that were computed in vain."""
    try:
        for result in results:  # noqa: UP028 (`yield from` would close them itself)
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "[0-9]+ tasks", UserWarning)
            results.close()


@contextlib.contextmanager
def _started_deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: joblib stops them, and each would print where it was interrupted."""
    if _backend() != "LokyBackend" or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # It is started with the first process, and would let Ctrl-C through again.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process inherits it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _backend() -> str:
    """Return the name of the backend that joblib would take."""
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    return type(backend).__name__


class _OneThread:
    """Keep NumPy's products to one thread while any worker of this process is inside.

    The last bits of products depend on how many threads there are.
    The limit is the process's, not the thread's. Of workers that are threads the first to come sets it and the last to
    leave lifts it: one that is done would else lift it while another multiplies.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.limits = contextlib.ExitStack()

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self.lock:
            if self.inside == 0:
                self.limits.enter_context(threadpool_limits(1, user_api="blas"))
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.limits.close()


products_by_one_thread = _OneThread()  # one for the whole process
