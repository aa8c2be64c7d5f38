"""`minitorch-viz download`: fetch official weights or data."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to fetch, and from where."""
    parser.add_argument("name", help="a net from `minitorch-viz models`, or a data set: cifar10, mnist")
    parser.add_argument("--from", dest="source", metavar="URL_OR_PATH", help="fetch from here instead")


def run(arguments: argparse.Namespace) -> None:
    """Fetch one weights file, or the files of a data set."""
    from minitorch_viz.data.download import SOURCES, download_data
    from minitorch_viz.models.download import download

    fetch = download_data if arguments.name in SOURCES else download
    print(f"Wrote {fetch(arguments.name, source=arguments.source)}")


COMMAND = Command(
    "download", "fetch official weights or data, checked and resumable", run, add_arguments=add_arguments, order=6
)
