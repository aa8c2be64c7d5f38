"""`minitorch-viz download`: fetch official weights or data."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command
from minitorch_viz.techniques.subject import given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to fetch, and from where."""
    parser.add_argument("name", type=given, help="a net from `minitorch-viz models`, or a data set: cifar10, mnist")
    parser.add_argument("--from", dest="source", type=given, metavar="URL_OR_PATH", help="fetch from here instead")


def run(arguments: argparse.Namespace) -> None:
    """Fetch one weights file, or the files of a data set."""
    from minitorch_viz.data.download import SOURCES, download_data
    from minitorch_viz.models.download import download
    from minitorch_viz.models.home import home_folder

    fetch = download_data if arguments.name in SOURCES else download
    try:
        print(f"Wrote {fetch(arguments.name, source=arguments.source)}")
    except KeyboardInterrupt:
        pieces = [file for file in home_folder().rglob("*.part") if file.stat().st_size]
        if arguments.source is not None or not pieces:
            raise
        size = sum(file.stat().st_size for file in pieces)
        raise KeyboardInterrupt(f"{size:,} bytes are kept; the same command goes on from there") from None


COMMAND = Command(
    "download", "fetch official weights or data, checked and resumable", run, add_arguments=add_arguments, order=7
)
