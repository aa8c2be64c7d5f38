"""`minitorch-viz train`: train a bundled net again."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import Command
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError

MANUAL = """Train a bundled net again; the same seed gives the same weights, bit for bit.

Ctrl-C writes the weights so far to --out and says after how many steps they are; weights that --out had before stay,
and those so far lie beside them (NAME.interrupted.safetensors, NAME.interrupted-2.safetensors, ...).
With --film a single HTML page shows the training: open it in a browser while it runs, and play it back afterwards.
With --checkpoint a training that was stopped (Ctrl-C, a power cut) is continued by the same command and --resume, to
the same weights as if it had not been stopped.
The data sets of mnist and cifar10 are fetched by `minitorch-viz download NAME`; --data names another folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, its seed, and the files to write and to read."""
    from minitorch_viz.training.recipes import recipe_names

    parser.add_argument("name", choices=recipe_names(), help="which net")
    parser.add_argument("--out", type=path, metavar="FILE", help="the weights file (default: NAME.safetensors)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same weights (default: %(default)s)")
    parser.add_argument(
        "--film", type=path, metavar="PAGE.html", help="write a page that plays the training back, live"
    )
    parser.add_argument("--checkpoint", type=path, metavar="FILE", help="keep the whole state in this file, each epoch")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint, if there is one")
    parser.add_argument("--data", type=path, metavar="FOLDER", help="where the data set's files are (mnist, cifar10)")


def run(arguments: argparse.Namespace) -> None:
    """Train a bundled net."""
    from minitorch_viz.training.recipes import train

    if arguments.resume and arguments.checkpoint is None:
        raise MinitorchVizError("--resume continues from a checkpoint: give --checkpoint FILE too.")
    out = arguments.out or Path(f"{arguments.name}.safetensors")
    written = train(
        arguments.name,
        out,
        arguments.seed,
        film=arguments.film,
        checkpoint=arguments.checkpoint,
        resume=arguments.resume,
        data=arguments.data,
    )
    for file in (written, arguments.film):
        if file is not None:
            print(f"Wrote {file}")


COMMAND = Command("train", "train a bundled net again, and watch it learn", run, MANUAL, add_arguments, order=7)
