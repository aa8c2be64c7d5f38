"""`minitorch-viz scenes`: generated scenes on one sheet."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import need_whole

MANUAL = """Draw generated scenes on one sheet, with the colour, texture and kind of each object below.

These are the pictures of minitorch_viz.data.scenes, of which the object, part, texture and colour of every pixel are
known: what a heat map or a unit should answer to can be looked up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the scenes' number, size and seed, and the picture."""
    parser.add_argument("--count", type=int, default=24, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same scenes (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="pixels a side (default: %(default)s)")
    parser.add_argument("--out", type=path, default=Path("scenes.png"), help="a PNG file (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Write a contact sheet of generated scenes."""
    from minitorch_viz.data.scenes import scenes
    from minitorch_viz.data.scenes.sheet import contact_sheet
    from minitorch_viz.io.images import save_png
    from minitorch_viz.io.out import check_out

    need_whole("number of scenes on a sheet", arguments.count, 1, 400)
    check_out(arguments.out, (".png",), noun="sheet")
    save_png(contact_sheet(scenes(arguments.count, arguments.seed, size=arguments.size)), arguments.out)
    print(f"Wrote {arguments.out}")


COMMAND = Command(
    "scenes", "draw generated scenes, with what is in them, on one sheet", run, MANUAL, add_arguments, order=8
)
