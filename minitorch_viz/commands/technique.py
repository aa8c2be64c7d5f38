"""The command of a technique, made from its registry entry: the settings are the options, the docstring the manual."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

from minitorch_viz.commands.base import Command, add_model_arguments
from minitorch_viz.commands.nets import chosen_model, inputs_given, net_in_words
from minitorch_viz.commands.overlay import add_overlay_arguments, has_overlay, overlay_asked, save_overlay
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import Technique
from minitorch_viz.techniques.options import Option
from minitorch_viz.techniques.subject import given


def technique_command(technique: Technique) -> Command:
    """Return the command of a technique: `minitorch-viz TECHNIQUE PHOTO`, or whatever its subject is."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        technique.subject.add_arguments(parser)
        add_model_arguments(parser, net_in_words(technique.subject.reads))
        *others, last = (suffix[1:].upper() for suffix in technique.suffixes)
        parser.add_argument(
            "--out",
            type=path,
            default=Path(f"{technique.name}.png"),
            metavar="FILE",
            help=f"{', '.join(others)} or {last} (default: %(default)s)",
        )
        if technique.loop:
            words = "stop in time and show what there is by then; counted from the first step (default: no limit)"
            parser.add_argument("--budget", type=float, metavar="SECONDS", help=words)
            if technique.loop.goes_on:
                words = "keep in this file what is done; the same command goes on from there, to the same bits"
                parser.add_argument("--resume", type=path, metavar="FILE", help=words)
        for option in technique.options.values():
            add_option(parser, option)
        if has_overlay(technique):
            add_overlay_arguments(parser)

    def run(arguments: argparse.Namespace) -> int:
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
        parser.add_argument(flag, type=int, nargs=2, metavar=("ROW", "COLUMN"), default=option.default, help=words)
    elif option.kind is Path:
        parser.add_argument(flag, type=path, metavar="FILE", default=option.default, help=words)
    elif option.choices:
        parser.add_argument(flag, choices=option.choices, default=option.default, help=words)
    else:
        kind: Any = given if option.kind is str else option.kind
        parser.add_argument(flag, type=kind, default=option.default, metavar=_metavar(option), help=words)


def run_technique(technique: Technique, arguments: argparse.Namespace) -> int:
    """Run one technique on what is named, or on the sample; 1 if one of several photos could not be read."""
    from minitorch_viz.io.out import check_out
    from minitorch_viz.techniques.run import run as run_loop

    subject = technique.subject
    names = subject.named(arguments)
    looking = technique.looking
    named = {name: other.named_by(getattr(arguments, name)) for name, other in looking.items()}
    inputs = inputs_given(arguments.input, arguments.question)
    read = [*names, *itertools.chain(*named.values()), *inputs.values(), arguments.weights, arguments.model]
    over = overlay_asked(arguments)
    suffixes = technique.suffixes if over is None else (".png",)
    check_out(arguments.out, suffixes, read, noun="result" if over is None else "overlay")
    resume = getattr(arguments, "resume", None)
    if resume is not None:
        check_out(resume, inputs=read, noun="state")
        if resume.resolve() == arguments.out.resolve():
            raise MinitorchVizError(f"{resume} cannot be both the result and what keeps its state; give two names.")
    settings = {name: getattr(arguments, name) for name in technique.options if name not in looking}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    model = chosen_model(
        arguments.model,
        arguments.weights,
        arguments.prefix,
        photo=subject.is_photo(names) or any(other.is_photo(named[name]) for name, other in looking.items()),
        reads=subject.reads,
        inputs=inputs,
    )
    check_out(arguments.out, suffixes, [model.source], noun="result")
    reason = technique.refuses(model)
    if reason:
        raise MinitorchVizError(f"{technique.name} does not apply to {model.name}: {reason}.")
    readable = subject.readable(names)
    on_photos: list[str] = []
    looked_at = subject.arguments(subject.read(model, readable, on_photos))
    settings |= technique.samples(model)
    left_out = len(names) - len(readable)
    for name, other in looking.items():
        if named[name]:
            fine = other.readable(named[name])
            settings[name] = other.read(model, fine, on_photos)
            left_out += len(named[name]) - len(fine)
    if technique.loop is None:
        result, why = technique.compute(model, *looked_at, **settings), ""
    else:
        loop = technique.loop
        each = loop.each(model, *looked_at, **settings, resume=resume)
        end = run_loop(each, loop.name, loop.unit, budget=arguments.budget)
        result, why = end.result, end.sentence(loop.unit)
        if why and resume is not None:
            why += f"; the same command goes on from {resume}"
    legend = ""
    if over is None:
        result.save(arguments.out)
    else:
        legend = save_overlay(result, model, looked_at[0], over, arguments.out)
    print(*filter(None, (result.caption, legend)))
    for note in (*model.given_words, *model.notes, *on_photos, *result.notes):
        print(f"Note: {note}")
    print(f"Wrote {arguments.out}")
    if why:
        print(f"{why[0].upper()}{why[1:]}.", file=sys.stderr)
    return 130 if why.startswith("interrupted") else int(left_out > 0)


def _metavar(option: Option) -> str:
    """Return what stands for a value in the help: N, X, or the setting's name in capitals if it is a name."""
    return {int: "N", float: "X"}.get(option.kind or str, option.name.upper())
