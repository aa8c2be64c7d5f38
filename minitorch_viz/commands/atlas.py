"""`minitorch-viz atlas`: the passports of all units of some layers, in one file and as pages."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command, add_bands, add_model_arguments, add_resize
from minitorch_viz.commands.nets import chosen_model, inputs_given, net_in_words, net_told
from minitorch_viz.commands.parser import path
from minitorch_viz.techniques.subject import PICTURES, given

SHOWN_BY = "scenes"  # the net of a run that names neither a net nor a folder
MANUAL = """Make an atlas of a net: what excites each unit of some layers, over any number of pictures.

Of every unit: its strongest answers with what came back to their pixels, one picture of each tenth of its answers, the
weights around it, what it can see and does see, the classes that use it, its nearest units. All of it is kept in one
file, FOLDER/atlas.sqlite, unit by unit: Ctrl-C and even kill -9 lose none that is finished, and the same command goes
on. Beside it static pages are written, FOLDER/index.html, which need no server.

A unit's page has a small form for a label, a category and the patches that do not show it; --labels FILE brings the
file that it downloads (or a .csv with the columns node, channel, label, category, misfits) into the atlas."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pictures, the net, the layers, the folder, and what a person says."""
    PICTURES.add_arguments(parser)
    add_model_arguments(parser, net_in_words(shown_by=SHOWN_BY))
    add_resize(parser)
    add_bands(parser)
    parser.add_argument(
        "--nodes", nargs="+", type=given, metavar="NODE", help="the layers; without it the pages are written anew"
    )
    parser.add_argument(
        "--out", type=path, default=Path("atlas"), metavar="FOLDER", help="the folder (default: %(default)s)"
    )
    words = (
        "what takes long and is left out else: ablation (which class scores fall without each unit), field (its "
        "empirical field, by small squares over its strongest pictures); several with commas between"
    )
    parser.add_argument("--with", dest="extras", type=given, metavar="WHAT", help=words)
    words = "files of labels typed by persons (.json, .csv), which go into the atlas"
    parser.add_argument("--labels", nargs="+", type=path, default=[], metavar="FILE", help=words)
    parser.add_argument("--workers", type=int, default=1, help="processes that share the pictures (default: 1)")


def run(arguments: argparse.Namespace) -> None:
    """Make the atlas, bring in labels, write the pages."""
    from minitorch_viz.atlas.command import bring_in, make, write

    folder = arguments.out
    if arguments.nodes:
        names = PICTURES.named(arguments)
        model = chosen_model(
            arguments.model,
            arguments.weights,
            arguments.prefix,
            photo=PICTURES.is_photo(names),
            shown_by=SHOWN_BY,
            inputs=inputs_given(arguments.input, arguments.question),
            resize=arguments.resize,
            bands=arguments.bands,
            told=net_told(arguments),
        )
        extras = [name for name in (arguments.extras or "").replace(",", " ").split() if name]
        make(model, PICTURES.read(model, names), folder, arguments.nodes, extras, arguments.workers)
    if arguments.labels:
        bring_in(folder, arguments.labels)
    write(folder)


COMMAND = Command(
    "atlas", "what excites each unit of some layers, as a file and as pages", run, MANUAL, add_arguments, order=9
)
