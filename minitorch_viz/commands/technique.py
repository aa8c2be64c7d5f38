"""The command of a technique, made from its registry entry: the settings are the options, the docstring the manual."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minitorch_viz.commands.base import Command, add_bands, add_model_arguments, add_resize
from minitorch_viz.commands.many import add_many_arguments, takes_many
from minitorch_viz.commands.nets import PICTURES, net_in_words, share_out_nets
from minitorch_viz.commands.overlay import (
    add_overlay_arguments,
    has_overlay,
)
from minitorch_viz.commands.parser import add_numbers, path
from minitorch_viz.commands.run_technique import run_technique
from minitorch_viz.techniques import Technique
from minitorch_viz.techniques.options import Option
from minitorch_viz.techniques.subject import given

FOLDER = "; of several photos the folder of their files"


def technique_command(technique: Technique) -> Command:
    """Return the command of a technique: `minitorch-viz TECHNIQUE PHOTO`, or whatever its subject is."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        technique.subject.add_arguments(parser)
        default = net_in_words(technique.subject.reads, technique.shown_by)
        add_model_arguments(parser, default, further_nets=bool(technique.further_nets))
        if PICTURES in (technique.subject.reads, *(subject.reads for subject in technique.looking.values())):
            add_resize(parser)
            add_bands(parser)
        *others, last = (suffix[1:].upper() for suffix in technique.suffixes)
        parser.add_argument(
            "--out",
            type=path,
            metavar="FILE",
            help=f"{', '.join(others)} or {last} (default: {technique.name}.png)" + FOLDER * takes_many(technique),
        )
        if technique.loop:
            words = "stop in time and show what there is by then; counted from the first step (default: no limit)"
            parser.add_argument("--budget", type=float, metavar="SECONDS", help=words)
            if technique.loop.goes_on:
                words = "keep in this file what is done; the same command goes on from there, to the same bits"
                parser.add_argument("--resume", type=path, metavar="FILE", help=words)
        if technique.films:
            words = "a film of how the picture comes about: .gif, .webp, .png, or .mp4 where ffmpeg is installed"
            parser.add_argument("--film", type=path, metavar="FILE", help=words)
            words = "the picture alone, without titles and charts: a .png, the last frame of the film"
            parser.add_argument("--frame", type=path, metavar="FILE", help=words)
        add_many_arguments(parser, technique)
        for option in technique.options.values():
            add_option(parser, option)
        if has_overlay(technique):
            add_overlay_arguments(parser)

    def run(arguments: argparse.Namespace) -> int:
        if technique.further_nets:
            share_out_nets(arguments, technique.further_nets)
        return run_technique(technique, arguments)

    return Command(technique.name, technique.title, run, technique.manual, add_arguments)


def add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    """Add one setting of a technique."""
    flag = f"--{option.name.replace('_', '-')}"
    if option.subject is not None:
        words = option.help + (" (default: a sample)" if option.required else "")
        parser.add_argument(flag, help=words, **option.subject.asked)
        return
    words = option.help + ("" if option.default is None else " (default: %(default)s)")
    if option.kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=option.help)
    elif option.kind is None:
        add_numbers(parser, flag, option.numbers, option.least, default=option.default, help=words)
    elif option.kind is Path:
        parser.add_argument(flag, type=path, metavar="FILE", default=option.default, help=words)
    elif option.choices:
        parser.add_argument(flag, choices=option.choices, default=option.default, help=words)
    else:
        kind: Any = given if option.kind is str else option.kind
        parser.add_argument(flag, type=kind, default=option.default, metavar=_metavar(option), help=words)


def _metavar(option: Option) -> str:
    """Return what stands for a value in the help: N, X, or the setting's name in capitals if it is a name."""
    return {int: "N", float: "X"}.get(option.kind or str, option.name.upper())
