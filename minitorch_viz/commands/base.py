"""What a command is, where commands are found, and the arguments that several of them share."""

from __future__ import annotations

import argparse
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from minitorch_viz.commands.parser import class_names, numbers, path
from minitorch_viz.techniques.subject import given


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


@dataclass(frozen=True)
class Command:
    """Describe one command: `minitorch-viz NAME ...`."""

    name: str
    help: str  # one line, for the list of commands
    run: Callable[[argparse.Namespace], int | None]  # the exit status; None is 0
    manual: str = ""  # what `NAME --help` says above the arguments; empty: the help
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    order: int = 100  # its place in the list of commands, smallest first; equal ones by name


def commands() -> list[Command]:
    """Return every command, in the order of the list that `minitorch-viz --help` prints."""
    from minitorch_viz.commands.technique import technique_command
    from minitorch_viz.techniques import techniques

    package = import_module("minitorch_viz.commands")
    names = [module.name for module in pkgutil.iter_modules(package.__path__, package.__name__ + ".")]
    modules = [import_module(name) for name in names]
    file_commands = [module.COMMAND for module in modules if isinstance(getattr(module, "COMMAND", None), Command)]
    ordered = sorted(file_commands, key=lambda command: (command.order, command.name))
    return [*ordered, *map(technique_command, techniques().values())]


def add_model_arguments(parser: argparse.ArgumentParser, default: str, *, further_nets: bool = False) -> None:
    """Add the arguments that choose a net. default: in words, the net that is taken without them.

    further_nets: --model then takes further nets after the first, each NAME or NAME=WEIGHTS.
    """
    help_ = (
        "a net from `minitorch-viz models`; or the file of one's own: what model.save wrote, ONNX, or a .py with a "
        f"function model() (default: {default})"
    )
    if further_nets:
        help_ += "; further nets after it, each NAME or NAME=WEIGHTS, stand beside"
    parser.add_argument("--model", type=given, metavar="NAME", help=help_, nargs="+" if further_nets else None)
    parser.add_argument(
        "--weights", type=path, metavar="FILE", help="its weights: .safetensors, .npz, .pth, .caffemodel, .json"
    )
    add_prefix(parser)
    words = "what its classes are called, in order: plane,car,bird, or a file with one name a line, or .json"
    parser.add_argument("--classes", type=class_names, metavar="NAMES", help=words)
    words = "the {} of pixels from 0 to 255 that it was trained with, one number or one a channel: {}"
    for flag, noun, example in (("--mean", "mean", "127.5"), ("--std", "standard deviation", "58.4,57.1,57.4")):
        parser.add_argument(flag, type=numbers, metavar="X", help=words.format(noun, example))
    words = "what its scores mean: classes of which one is right, labels beside one another, one yes-no, plain numbers"
    parser.add_argument("--scores", choices=("classes", "labels", "yes-no", "numbers"), help=words)
    parser.add_argument(
        "--input",
        action="append",
        type=given,
        metavar="NAME=VALUE",
        help="what another input of the net is given: a picture file, a text, numbers; once for each",
    )
    parser.add_argument("--question", type=given, metavar="TEXT", help="short for --input question=TEXT")


def add_resize(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says how a photo is brought to the net's size."""
    words = (
        "how a photo is brought to the net's size: stretched whole; cropped, the centre in its proportions, as in the "
        "papers' evaluations; or kept as it is, for nets that take any size (default: as the net says, mostly stretch)"
    )
    parser.add_argument("--resize", choices=("stretch", "crop", "keep"), help=words)


def add_bands(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says which channels are drawn as red, green and blue."""
    words = (
        "of a net for other channels than a photo's: the three that the picture shows as red, green and blue, or one "
        "in grey, by their numbers from 0 (default: the first three)"
    )
    parser.add_argument("--bands", type=given, metavar="R,G,B", help=words)


def add_prefix(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says which part of a weights file is meant; an empty one is a prefix, too."""
    words = "what the names in the weights file have in front of the net's (student.), where it holds more than the net"
    parser.add_argument("--prefix", metavar="TEXT", help=words)
