"""`minitorch-viz gradcheck`: compare backward passes with finite differences."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command

MANUAL = """Compare backward passes with finite differences, entry by entry.

Without arguments every layer of this package is checked on its examples. With layer names (Conv2d LSTM) only those.
With FILE.py, which must define forward, backward and inputs, your own pair of functions is checked:

    inputs = {"x": np.random.randn(3, 4), "w": np.random.randn(4, 2)}
    def forward(x, w): return x @ w, (x, w)
    def backward(dy, cache): x, w = cache; return dy @ w.T, x.T @ dy

A forward with several outputs returns (y1, y2, cache), and backward takes (dy1, dy2, cache). Where backward gives no
gradient for an input on purpose, the file says so: without = ["labels"].

The exit status is 0 if all is right, 1 if a gradient is wrong, missing or could not be checked, 2 if the file cannot be
run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the layers and files."""
    parser.add_argument(
        "what", nargs="*", metavar="LAYER|FILE.py", help="layer names or a Python file; none: every layer"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check layers, or a file's forward and backward."""
    from minitorch_viz.gradcheck.command import run as check

    return check(arguments.what)


COMMAND = Command("gradcheck", "compare backward passes with finite differences", run, MANUAL, add_arguments, order=2)
