"""`minitorch-viz list`: the techniques, by family."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command
from minitorch_viz.techniques import techniques


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """Print each technique's name, family, first sentence and paper."""
    for name, technique in techniques().items():
        print(f"{name:<18} {technique.family:<12} {technique.summary}")
        print(f"{'':<18} {'':<12} {technique.paper}")


COMMAND = Command("list", "list the techniques", run, order=4)
