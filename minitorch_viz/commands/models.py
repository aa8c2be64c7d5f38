"""`minitorch-viz models`: the nets, and what is at hand."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command


def run(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """Print a line for each net."""
    from minitorch_viz.models.catalog import list_models

    for row in list_models():
        print(row)


COMMAND = Command("models", "list the nets, what is at hand, and where the official files come from", run, order=5)
