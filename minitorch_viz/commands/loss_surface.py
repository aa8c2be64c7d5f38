"""`minitorch-viz loss-surface`: many nets, and slices of their loss."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command
from minitorch_viz.commands.parser import path

MANUAL = """Train many small nets of growing width, compare where they end, and look at the loss around some.

Narrow nets end in minima of very different loss, by chance of where they began; wide ones all end about equally good
(Choromanska et al. 2015, "The Loss Surfaces of Multilayer Networks"). Below, the training loss on planes through
trained nets, in random directions as long as the net's own filters, and in the plane of a training path (Li et al.
2018, "Visualizing the Loss Landscape of Neural Nets"). Ctrl-C writes the picture with what is finished."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the nets' widths and number, how they are trained, the slices, and the picture."""
    parser.add_argument("--widths", type=int, nargs="+", help="numbers of hidden units (default: 2 4 8 16 32 64)")
    parser.add_argument("--seeds", type=int, default=100, help="how many nets of each width (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=60, help="of training, for each net (default: %(default)s)")
    parser.add_argument("--grid", type=int, default=21, help="points a side of the slices, odd (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same numbers (default: %(default)s)")
    parser.add_argument(
        "--out", type=path, default=Path("loss-surface.png"), help="PNG, SVG, PDF or HTML (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Train the nets, draw the surface, and say in words what came out."""
    from minitorch_viz.loss_surface.command import run as measure

    measure(arguments.widths, arguments.seeds, arguments.epochs, arguments.grid, arguments.seed, arguments.out)


COMMAND = Command("loss-surface", "do minima end up equally good? and slices", run, MANUAL, add_arguments, order=10)
