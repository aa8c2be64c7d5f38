"""`minitorch-viz describe`: the nodes and classes of a net, for --node, --layer and --target."""

from __future__ import annotations

import argparse

from minitorch_viz.commands.base import Command, add_prefix
from minitorch_viz.commands.parser import path
from minitorch_viz.techniques.subject import given

MANUAL = """List what a net is made of: its nodes, with layers, shapes of outputs and parameters, and its classes.

These are the names that --node, --layer and --target take. A net whose weights are not at hand is described as it is
built, with the official number of classes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the net and its weights."""
    parser.add_argument("name", type=given, metavar="NAME", help="a net from `minitorch-viz models`, or one's own file")
    parser.add_argument("--weights", type=path, metavar="FILE", help="its weights, if they are not where nets are kept")
    add_prefix(parser)
    parser.add_argument("--all-classes", action="store_true", help="list all classes, a line each")


def run(arguments: argparse.Namespace) -> None:
    """Print the description."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.describe import describe
    from minitorch_viz.models.load import look_for, sketch
    from minitorch_viz.models.spec import specs

    spec = specs().get(arguments.name)
    absent = spec is not None and arguments.weights is None and look_for(spec.file_names) is None
    model = (
        sketch(arguments.name)
        if absent
        else load_model(arguments.name, weights=arguments.weights, prefix=arguments.prefix)
    )
    if arguments.all_classes:
        for number, name in enumerate(model.class_synonyms or model.class_names):
            print(f"{number:>4}  {name}")
        return
    print(describe(model))


COMMAND = Command("describe", "list a net's nodes, shapes, parameters and classes", run, MANUAL, add_arguments, order=6)
