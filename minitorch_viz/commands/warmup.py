"""`minitorch-viz warmup`: compile the kernels."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from minitorch_viz.commands.base import Command
from minitorch_viz.progress import progress_bar


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """Compile every kernel, say what is being done, and how long it took."""
    import minitorch_viz_kernels as kernels

    threads = kernels.get_threads()
    if kernels.current() == "numba":
        from minitorch_viz_kernels.machine.cache_folder import how_often

        print(
            f"Compiling what is not compiled yet for this processor, with {threads} threads: up to a minute, "
            f"{how_often()}.",
            file=sys.stderr,
            flush=True,
        )
    try:
        with progress_bar(desc="kernels", delay=0.5, leave=False) as bar:
            seconds = kernels.warmup(_bar_mover(bar))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("what was compiled is kept; the same command compiles the rest") from None
    print(f"The {kernels.current()} kernels are ready, with {threads} threads: {seconds:.1f} s")


def _bar_mover(bar: Any) -> Callable[[int, int], None] | None:
    """Return what moves a bar to (done, total); None where it is not shown."""
    if bar.disable:
        return None

    def move(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return move


COMMAND = Command("warmup", "compile the kernels into your cache, so that no later command has to", run, order=3)
