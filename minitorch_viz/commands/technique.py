"""The command of a technique, made from its registry entry: the settings are the options, the docstring the manual."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

from minitorch_viz.commands.base import Command, add_model_arguments, add_resize
from minitorch_viz.commands.many import add_many_arguments, many_asked, takes_many, write_each
from minitorch_viz.commands.nets import PICTURES, chosen_model, inputs_given, net_in_words, net_told
from minitorch_viz.commands.overlay import (
    add_overlay_arguments,
    has_overlay,
    overlay_asked,
    overlay_legend,
    save_overlay,
)
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import Result, Technique
from minitorch_viz.techniques.options import Option
from minitorch_viz.techniques.subject import given

FOLDER = "; of several photos the folder of their files"


def technique_command(technique: Technique) -> Command:
    """Return the command of a technique: `minitorch-viz TECHNIQUE PHOTO`, or whatever its subject is."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        technique.subject.add_arguments(parser)
        add_model_arguments(parser, net_in_words(technique.subject.reads))
        if PICTURES in (technique.subject.reads, *(subject.reads for subject in technique.looking.values())):
            add_resize(parser)
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
        add_many_arguments(parser, technique)
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
    """Run one technique on what is named, or on the sample; 1 if one of several photos could not be read.

    For several photos a technique of one photo runs on each (`many.py`).
    """
    from minitorch_viz.io.out import check_out
    from minitorch_viz.techniques.run import run as run_loop

    subject = technique.subject
    over = overlay_asked(arguments)
    many = many_asked(technique, arguments, None if over is None else ".png")
    out = Path(f"{technique.name}.png") if arguments.out is None else arguments.out
    names = subject.named(arguments) if many is None else list(many.photos)
    looking = technique.looking
    named = {name: other.named_by(getattr(arguments, name)) for name, other in looking.items()}
    inputs = inputs_given(arguments.input, arguments.question)
    read = [*names, *itertools.chain(*named.values()), *inputs.values(), arguments.weights, arguments.model]
    suffixes = technique.suffixes if over is None else (".png",)
    if many is None:
        check_out(out, suffixes, read, noun="result" if over is None else "overlay")
    else:
        many.check(read, suffixes)
    resume = getattr(arguments, "resume", None)
    if resume is not None:
        check_out(resume, inputs=read, noun="state")
        if resume.resolve() == out.resolve():
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
        resize=getattr(arguments, "resize", None),
        told=net_told(arguments),
    )
    if many is None:
        check_out(out, suffixes, [model.source], noun="result")
    else:
        many.check([model.source], suffixes)
    reason = technique.refuses(model)
    if reason:
        raise MinitorchVizError(f"{technique.name} does not apply to {model.name}: {reason}.")
    on_photos: list[str] = []
    left_out = 0
    settings |= technique.samples(model)
    for name, other in looking.items():
        if named[name]:
            fine = other.readable(named[name])
            settings[name] = other.read(model, fine, on_photos)
            left_out += len(named[name]) - len(fine)

    def read_photo(photo: str, notes: list[str]) -> Any:
        return subject.read(model, [photo], notes)

    def explain(value: Any) -> tuple[Result, str]:
        looked_at = subject.arguments(value)
        if technique.loop is None:
            return technique.compute(model, *looked_at, **settings), ""
        loop = technique.loop
        end = run_loop(
            loop.each(model, *looked_at, **settings, resume=resume), loop.name, loop.unit, budget=arguments.budget
        )
        return end.result, end.sentence(loop.unit)

    def save(result: Result, value: Any, file: Path) -> None:
        if over is None:
            result.save(file)
        else:
            save_overlay(result, model, value, over, file)

    if many is not None:
        for note in (*model.given_words, *model.notes, *on_photos):
            print(f"Note: {note}")
        return max(write_each(many, technique.name, read_photo, explain, save), int(left_out > 0))
    readable = subject.readable(names)
    left_out += len(names) - len(readable)
    value = subject.read(model, readable, on_photos)
    result, why = explain(value)
    if why and resume is not None:
        why += f"; the same command goes on from {resume}"
    save(result, value, out)
    print(result.caption, *() if over is None else (overlay_legend(result, over),))
    for note in (*model.given_words, *model.notes, *on_photos, *result.notes):
        print(f"Note: {note}")
    print(f"Wrote {out}")
    if why:
        print(f"{why[0].upper()}{why[1:]}.", file=sys.stderr)
    return 130 if why.startswith("interrupted") else int(left_out > 0)


def _metavar(option: Option) -> str:
    """Return what stands for a value in the help: N, X, or the setting's name in capitals if it is a name."""
    return {int: "N", float: "X"}.get(option.kind or str, option.name.upper())
