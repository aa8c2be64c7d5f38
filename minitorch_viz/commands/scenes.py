"""`minitorch-viz scenes`: generated scenes on one sheet, or as files in a folder for each class."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError, need_whole

SHEET, FOLDER = Path("scenes.png"), Path("my_scenes")
COUNT, EACH = 24, 60

MANUAL = f"""Draw generated scenes on one sheet, with the colour, texture and kind of each object below; or, with
--classes, write them as files, a folder for each class, for `minitorch-viz train {FOLDER}`.

These are the pictures of minitorch_viz.data.scenes, of which the object, part, texture and colour of every pixel are
known: what a heat map or a unit should answer to can be looked up.

A scene of a class has one to three objects of the classes, and its class is the kind of the largest. The same command
goes on with a folder where it was stopped; a folder that holds anything else is left alone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the scenes' number, size and seed, the classes, and where they are written."""
    parser.add_argument("--count", type=int, help=f"how many are on the sheet (default: {COUNT})")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same scenes (default: %(default)s)")
    parser.add_argument("--size", type=int, default=64, help="pixels a side (default: %(default)s)")
    parser.add_argument(
        "--classes", metavar="A,B,...", help="kinds of objects, with commas between them: umbrella,car,tree"
    )
    parser.add_argument("--each", type=int, metavar="N", help=f"how many of each class (default: {EACH})")
    parser.add_argument(
        "--out", type=path, help=f"a PNG file (default: {SHEET}); with --classes a folder (default: {FOLDER})"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write a contact sheet of generated scenes, or a folder of them for each class."""
    if arguments.classes is not None:
        _write_folders(arguments)
        return
    if arguments.each is not None:
        raise MinitorchVizError("--each says how many scenes a class gets: give --classes A,B,... too, or --count.")
    from minitorch_viz.data.scenes import scenes
    from minitorch_viz.data.scenes.sheet import contact_sheet
    from minitorch_viz.io.images import save_png
    from minitorch_viz.io.out import check_out

    count = COUNT if arguments.count is None else arguments.count
    need_whole("number of scenes on a sheet", count, 1, 400)
    out = check_out(arguments.out or SHEET, (".png",), noun="sheet")
    save_png(contact_sheet(scenes(count, arguments.seed, size=arguments.size)), out)
    print(f"Wrote {out}")


def _write_folders(arguments: argparse.Namespace) -> None:
    import shlex

    from minitorch_viz.data.scenes.folders import write_scenes

    if arguments.count is not None:
        raise MinitorchVizError(
            "--count is that of a sheet; with --classes give --each, how many scenes of each class."
        )
    out = arguments.out or FOLDER
    if out.suffix.lower() == ".png":
        raise MinitorchVizError(
            f"With --classes the scenes are written to a folder, but {out} is the name of a PNG file."
        )
    names = [name.strip() for name in arguments.classes.split(",")]
    if "" in names:
        raise MinitorchVizError(
            f"--classes takes kinds of objects with commas between them, such as car,tree, but got "
            f"{arguments.classes!r:.80}."
        )
    each = EACH if arguments.each is None else arguments.each
    files = write_scenes(out, names, each, arguments.seed, size=arguments.size)
    print(f"Wrote {len(files)} scenes to {out}: {each} each of {', '.join(names)}")
    print(f"Next: minitorch-viz train {shlex.quote(str(out))}")


COMMAND = Command(
    "scenes",
    "draw generated scenes, with what is in them, on one sheet, or write a folder a class",
    run,
    MANUAL,
    add_arguments,
    order=8,
)
