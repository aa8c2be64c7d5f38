"""`minitorch-viz warmup`: compile the kernels."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """Compile every kernel, and say how long it took."""
    import minitorch_viz_kernels as kernels

    print(f"The {kernels.current()} kernels are ready, with {kernels.get_threads()} threads: {kernels.warmup():.1f} s")


COMMAND = Command("warmup", "compile the kernels into your cache, so that no later command has to", run, order=3)
