"""`minitorch-viz describe`: the nodes and classes of a net, for --node, --layer and --target."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from minitorch_viz.commands.base import Command, add_prefix
from minitorch_viz.commands.parser import path
from minitorch_viz.techniques.base import PICTURES
from minitorch_viz.techniques.subject import given

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MANUAL = """List what a net is made of: its nodes, with layers, shapes of outputs and parameters, and its classes.

These are the names that --node, --layer and --target take. A net whose weights are not at hand is described as it is
built, with the official number of classes.

--out FILE draws the column of layers: boxes from the input down to the scores, branches side by side, and what repeats
drawn once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the net and its weights."""
    parser.add_argument("name", type=given, metavar="NAME", help="a net from `minitorch-viz models`, or one's own file")
    parser.add_argument("--weights", type=path, metavar="FILE", help="its weights, if they are not where nets are kept")
    add_prefix(parser)
    parser.add_argument("--out", type=path, metavar="FILE", help="draw the column of layers: PNG, SVG or PDF")
    parser.add_argument("--all-classes", action="store_true", help="list all classes, a line each")


def run(arguments: argparse.Namespace) -> None:
    """Print the description, or draw it."""
    from minitorch_viz.io.out import check_out
    from minitorch_viz.models import load_model
    from minitorch_viz.models.describe import describe
    from minitorch_viz.models.load import look_for, sketch
    from minitorch_viz.models.spec import specs

    if arguments.out is not None:
        check_out(arguments.out, PICTURES, [arguments.name, arguments.weights], noun="drawing")
    spec = specs().get(arguments.name)
    absent = spec is not None and arguments.weights is None and look_for(spec.file_names) is None
    model = (
        sketch(arguments.name)
        if absent
        else load_model(arguments.name, weights=arguments.weights, prefix=arguments.prefix)
    )
    if arguments.out is not None:
        check_out(arguments.out, PICTURES, [model.source], noun="drawing")
        print(f"Wrote {_drawn(model, arguments.out)}")
        return
    if arguments.all_classes:
        for number, name in enumerate(model.class_synonyms or model.class_names):
            print(f"{number:>4}  {name}")
        return
    print(describe(model))


def _drawn(model: Model, out: Path) -> Path:
    """Draw a net's column of layers into a file."""
    from matplotlib.figure import Figure

    from minitorch_viz.drawing import save_figure
    from minitorch_viz.drawing.column import draw_column

    figure = Figure(facecolor="white")
    draw_column(model, figure)
    return save_figure(figure, out, dpi=144)


COMMAND = Command("describe", "list a net's nodes, shapes, parameters and classes", run, MANUAL, add_arguments, order=6)
