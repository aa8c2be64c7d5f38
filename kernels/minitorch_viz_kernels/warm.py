"""Compile every kernel before it is needed: its machine code then comes from the cache, now and in later processes.

The kernels are in shares, which are compiled by as many processes at once as there are cores: the one that asked, and
helpers whose machine code it then loads. No two shares compile a kernel of the same file: a kernel's index on disk is
read, changed and written again, and two processes that do so at once can leave the name of one machine code on another.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .threads import ALONE, crew, get_threads

ONE, TWO, NONE = (1, 1), (2, 2), (0, 0)


def _convolutions(kernels: Any, dtype: Any) -> None:
    """All but Winograd's."""
    x, w = np.ones((1, 16, 8, 8), dtype), np.ones((16, 16, 3, 3), dtype)
    for filters, padding, groups in ((w[:, :1], ONE, 16), (w[:, :, :1, :1], NONE, 1)):
        kernels.conv2d(x, filters, None, ONE, padding, ONE, groups)
        kernels.conv2d_dx(x, filters, (8, 8), ONE, padding, ONE, groups)
        kernels.conv2d_dw(x, x, filters.shape[2:], ONE, padding, ONE, groups)


def _winograd(kernels: Any, dtype: Any) -> None:
    if dtype == np.float32:
        w = np.ones((16, 16, 3, 3), dtype)
        for size in ((8, 8), (64, 64)):  # the large one has more tiles than one block: Winograd's other way
            x = np.ones((1, 16, *size), dtype)
            kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
            kernels.conv2d_dx(x, w, size, ONE, ONE, ONE, 1)
        kernels.conv2d_dw(x, x, (3, 3), ONE, ONE, ONE, 1)
        kernels.conv2d(np.ones((1, 8, 40, 40), dtype), np.ones((32, 8, 5, 5), dtype), None, TWO, TWO, ONE, 1)


def _products(kernels: Any, dtype: Any) -> None:
    a, h0 = np.ones((32, 8), dtype), np.ones((2, 8), dtype)
    kernels.matmul(kernels.matmul(a, a.T.copy()).T, a)
    kernels.matmul(kernels.matmul(a[:1], a.T), a)
    h, c, i, f, g, o = kernels.lstm(np.ones((3, 2, 8), dtype), a, a, a[:, 0], h0, h0)
    kernels.lstm_dz(h, c, i, f, g, o, a, h0)


def _maps(kernels: Any, dtype: Any) -> None:
    """What goes through maps number by number."""
    x, per_channel = np.ones((1, 16, 8, 8), dtype), np.ones(16, dtype)
    y, won = kernels.maxpool2d(x, TWO, TWO, NONE, (4, 4))
    kernels.maxpool2d_dx(y, won, (8, 8))
    kernels.avgpool2d(x, TWO, TWO, NONE, (4, 4), True)
    kernels.avgpool2d_dx(y, TWO, TWO, NONE, (8, 8), True)
    y, scale = kernels.lrn(x, 5, 1e-4, 0.75, 1.0)
    kernels.lrn_dx(y, x, scale, 5, 1e-4, 0.75)
    y = kernels.relu(x)
    kernels.relu_dx(y, y)
    kernels.concat((kernels.add(x, x), x), 1)
    y, mean, var = kernels.batch_norm(x, per_channel, per_channel, 1e-5)
    kernels.batch_norm_dx(y, x, mean, var, per_channel, 1e-5)


# About how many seconds the compiler takes for each, and what needs it. Two shares never compile the same file.
SHARES: dict[str, tuple[int, Callable[[Any, Any], None]]] = {
    "maps": (12, _maps),
    "products": (11, _products),
    "convolutions": (10, _convolutions),
    "winograd": (12, _winograd),
}


def run(names: Iterable[str]) -> None:
    """Call the kernels of some shares, which compiles them or loads their machine code."""
    import minitorch_viz_kernels as kernels

    # The compiler makes millions of objects that stay. Looking through them for garbage takes a fifteenth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        for name in names:
            for dtype in (np.float32, np.float64):
                SHARES[name][1](kernels, dtype)
    finally:
        if collects:
            gc.enable()


def _groups(names: Iterable[str], count: int) -> list[list[str]]:
    """The shares in so many groups, or fewer, that take about as long as each other."""
    groups: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(names, key=lambda name: -SHARES[name][0]):
        min(groups, key=lambda group: sum(SHARES[one][0] for one in group)).append(name)
    return [group for group in groups if group]


def _compile_at_once(groups: list[list[str]]) -> None:
    """Compile the first group here, and each other one into the cache by a process of its own.

    What a process fails to compile is compiled here after all, where the error is raised if it was not its own.
    """
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
                said = stack.enter_context(tempfile.TemporaryFile())
                code = f"from minitorch_viz_kernels import warm; warm.run({group!r})"
                process = subprocess.Popen(
                    [sys.executable, "-c", code], env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=said,
                )  # fmt: skip
                running.append((process, said))
            run(groups[0] if groups else [])
            for process, said in running:
                if process.wait():
                    said.seek(0)
                    last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
                    print(f"A process that compiles kernels failed, so this one compiles them: {last}", file=sys.stderr)
        finally:  # after Ctrl-C some are still at it
            for process, _ in running:
                process.terminate()
                process.wait()


def _uncompiled() -> list[str]:
    """The shares that need the compiler, if what it makes can be kept; all others are ready after this."""
    from .numba_crew import wait
    from .numba_jit import NotCompiledError, announcer

    if getattr(getattr(wait, "stats", None), "cache_path", None) is None:  # nothing is compiled, or nothing is kept
        return []
    missing = []
    for name in SHARES:
        try:
            with announcer.without_compiler():
                run([name])
        except NotCompiledError:
            missing.append(name)
    return missing


def warmup() -> float:
    """Run each kernel of the current module once in float32 and float64; returns how many seconds it took.

    The first time on a machine, Numba's compiler takes most of them. Later calls are a matter of milliseconds.
    """
    import minitorch_viz_kernels as kernels

    start = time.perf_counter()
    if kernels.current() == "numba":
        from .numba_jit import announcer

        announcer.said = True  # who calls this knows
        if get_threads() > 1:
            _compile_at_once(_groups(_uncompiled(), get_threads()))
    run(SHARES)
    if kernels.current() == "numba":
        from .numba_crew import serve

        serve(ALONE, 1, 1)  # a closed board: compiled here, before a helper would do so on its own time
        crew(np.inf)  # hires the helpers
    return time.perf_counter() - start
