"""Compile every kernel before it is needed: its machine code then comes from the cache, now and in later processes.

The kernels are in shares (`SHARES` in each operation's `examples.py`), which are compiled by as many processes at once
as there are cores: the one that asked, and others whose machine code it then loads. No two shares compile a kernel of
the same file: a kernel's index on disk is read, changed and written again, and two processes that do so at once can
leave the name of one machine code on another.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np

from . import registry
from .threads import NO_WORKERS, board_for, get_threads


def shares() -> dict[str, tuple[int, list[Callable[[Any, Any], None]]]]:
    """Return by name about how many seconds the compiler takes, and the calls that need it."""
    by_name: dict[str, tuple[int, list[Callable[[Any, Any], None]]]] = {}
    for share in registry.shares():
        seconds, calls = by_name.get(share.name, (0, []))
        by_name[share.name] = seconds + share.seconds, [*calls, share.call]
    return by_name


Watch = Callable[[], Any]  # called after each call of a kernel


def watch_nothing() -> None:
    """Do nothing when a kernel is ready."""


def run(names: Iterable[str], watch: Watch = watch_nothing) -> None:
    """Call the kernels of some shares, which compiles them or loads their machine code."""
    import minitorch_viz_kernels

    kernels = _Watched(minitorch_viz_kernels, watch)
    # The compiler makes millions of objects that stay. Looking through them for garbage takes a fifteenth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        calls = shares()
        for name in names:
            for call in calls[name][1]:
                for dtype in (np.float32, np.float64):
                    call(kernels, dtype)
    finally:
        if collects:
            gc.enable()


class _Watched:
    """Call kernels, and after each call of one the function that watches."""

    def __init__(self, kernels: Any, watch: Watch) -> None:
        self._kernels, self._watch = kernels, watch

    def __getattr__(self, name: str) -> Callable[..., Any]:
        kernel = getattr(self._kernels, name)

        def call(*arguments: Any) -> Any:
            result = kernel(*arguments)
            self._watch()
            return result

        return call


def _groups(names: Iterable[str], count: int) -> list[list[str]]:
    """Return the shares in `count` groups, or fewer, that take about as long as each other."""
    groups: list[list[str]] = [[] for _ in range(count)]
    seconds = {name: seconds for name, (seconds, _) in shares().items()}
    for name in sorted(names, key=lambda name: -seconds[name]):
        min(groups, key=lambda group: sum(seconds[member] for member in group)).append(name)
    return [group for group in groups if group]


# What a process of its own runs: it says each call that is done by a line.
CODE = "from minitorch_viz_kernels.machine import warm_up; warm_up.run({!r}, lambda: print(flush=True))"


def _compile_at_once(groups: list[list[str]], watch: Watch = watch_nothing) -> None:
    """Compile the first group here, and each other one into the cache by a process of its own.

    watch: told of each call, also by the threads that listen to the processes.

    What a process fails to compile is compiled here after all, where the error is raised if it was not its own.
    """

    def listen(lines: IO[bytes]) -> None:
        for _ in lines:
            watch()

    settings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "MINITORCH_VIZ_KERNELS": "numba",
        "MINITORCH_VIZ_THREADS": "1",
    }
    with contextlib.ExitStack() as stack:
        running: list[tuple[subprocess.Popen[bytes], Any]] = []
        try:
            for group in groups[1:]:
                errors = stack.enter_context(tempfile.TemporaryFile())
                process = subprocess.Popen(
                    [sys.executable, "-c", CODE.format(group)], env=settings, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=errors,
                )  # fmt: skip
                running.append((process, errors))
                if process.stdout is not None:
                    stack.enter_context(process.stdout)
                    listener = threading.Thread(target=listen, args=(process.stdout,), daemon=True)
                    listener.start()
                    stack.callback(listener.join)  # before its pipe is closed
            run(groups[0] if groups else [], watch)
            for process, errors in running:
                if process.wait():
                    errors.seek(0)
                    last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                    print(f"A process that compiles kernels failed, so this one compiles them: {last}", file=sys.stderr)
        finally:  # after Ctrl-C some still run
            for process, _ in running:
                process.terminate()
                process.wait()


def _uncompiled() -> list[str]:
    """Return the shares that need the compiler, if what it makes can be kept; all others are ready after this."""
    from .compiling import NotCompiledError, announcer
    from .parallel import spin

    if getattr(getattr(spin, "stats", None), "cache_path", None) is None:  # nothing is compiled, or nothing is kept
        return []
    missing = []
    for name in shares():
        try:
            with announcer.without_compiler():
                run([name])
        except NotCompiledError:
            missing.append(name)
    return missing


def warmup(watch: Callable[[int, int], Any] | None = None) -> float:
    """Run each kernel of the current module once in float32 and float64, and return how many seconds it took.

    The first time on a machine, Numba's compiler takes most of them. Later calls are a matter of milliseconds.
    watch: called with how many calls of kernels are ready, and how many there are.
    """
    import minitorch_viz_kernels as kernels

    start = time.perf_counter()
    ready = _Ready(watch)
    missing: list[str] = []
    if kernels.current() == "numba":
        from .compiling import announcer

        announcer.announced = True  # the caller knows
        if get_threads() > 1:
            missing = _uncompiled()
            _compile_at_once(_groups(missing, get_threads()), ready)
    for name in shares():
        run([name], watch_nothing if name in missing else ready)
    if kernels.current() == "numba":
        from .parallel import serve

        serve(NO_WORKERS, 1, 1)  # a closed board: compiled here, before a worker would do so on its own time
        board_for(np.inf)  # starts the workers
    return time.perf_counter() - start


class _Ready:
    """Count the calls that are ready, whichever thread makes them, and tell `watch` that and the total."""

    def __init__(self, watch: Callable[[int, int], Any] | None) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._done = 0
        self._total = 0 if watch is None else self._calls()

    def __call__(self) -> None:
        if self._watch is not None:
            with self._lock:
                self._done += 1
                self._watch(self._done, self._total)

    @staticmethod
    def _calls() -> int:
        """Return how many calls there are; NumPy's kernels count them in no time."""
        import minitorch_viz_kernels as kernels

        calls: list[None] = []
        with kernels.use("numpy"):
            run(shares(), lambda: calls.append(None))
        return len(calls)
