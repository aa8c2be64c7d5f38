"""`minitorch-viz grade`: how far each method's heat maps can be believed."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command, add_prefix
from minitorch_viz.commands.parser import path
from minitorch_viz.techniques.subject import given

MANUAL = """Measure how far each method's heat maps can be believed, and write one table.

On generated scenes the truth is known: does the map fall on the object, and of several objects on the right one? Does
the net's answer go when the hottest pixels go? Does the map change when the net's weights are replaced by random ones,
as it must, and stay under noise that one does not see? Noise, the picture's centre and its edges are graded, too.

With --boxes and --photos: on photos, by boxes around the objects. The page is one file; the numbers lie beside it as
JSON. Ctrl-C writes the methods that are finished."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the nets, the methods, the cases and the page."""
    parser.add_argument(
        "--model",
        nargs="+",
        type=given,
        default=["scenes"],
        metavar="NAME",
        help="one or several nets (default: scenes)",
    )
    parser.add_argument("--weights", type=path, metavar="FILE", help="the weights, if it is one net")
    add_prefix(parser)
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="TECHNIQUE",
        help="these only, perhaps with settings: lrp:rule=epsilon; all: all that apply",
    )
    parser.add_argument("--scenes", type=int, default=40, help="how many of each sort (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same scenes and numbers (default: %(default)s)")
    parser.add_argument(
        "--boxes", type=path, metavar="FILE", help="JSON or CSV: file, class, x0, y0, x1, y1; with --photos"
    )
    parser.add_argument("--photos", type=path, metavar="FOLDER", help="grade on these photos instead of scenes")
    parser.add_argument("--out", type=path, default=Path("grade.html"), help="the page to write (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Grade the methods and write the table."""
    from minitorch_viz.grading.command import Arguments, run_grade

    names = ("weights", "methods", "scenes", "seed", "out", "boxes", "photos", "prefix")
    run_grade(Arguments(arguments.model, **{name: getattr(arguments, name) for name in names}))


COMMAND = Command(
    "grade", "measure how far each method's heat maps can be believed", run, MANUAL, add_arguments, order=9
)
