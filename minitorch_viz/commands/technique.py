"""The command of a technique, made from its registry entry: the settings are the options, the docstring the manual."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minitorch_viz.commands.base import Command, add_model_arguments
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import Technique
from minitorch_viz.techniques.options import Option


def technique_command(technique: Technique) -> Command:
    """Return the command `minitorch-viz TECHNIQUE PHOTO`."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        if technique.several:
            text = "PNG or JPEG files; none: a picture that comes with the model"
            parser.add_argument("photo", nargs="*", metavar="PHOTO", help=text)
        else:
            text = "PNG or JPEG file; none: a picture that comes with the model"
            parser.add_argument("photo", nargs="?", metavar="PHOTO", help=text)
        add_model_arguments(parser)
        parser.add_argument(
            "--out", type=Path, default=Path(f"{technique.name}.png"), help="PNG, SVG or PDF (default: %(default)s)"
        )
        if technique.loop:
            text = "stop in time and show what there is by then; counted from the first step (default: no limit)"
            parser.add_argument("--budget", type=float, metavar="SECONDS", help=text)
        for option in technique.options.values():
            add_option(parser, option)

    def run(arguments: argparse.Namespace) -> int:
        return run_technique(technique, arguments)

    return Command(technique.name, technique.title, run, technique.manual, add_arguments)


def add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    """Add one setting of a technique."""
    flag = f"--{option.name.replace('_', '-')}"
    text = option.help + ("" if option.default is None else " (default: %(default)s)")
    if option.kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=option.help)
    elif option.kind is None:
        parser.add_argument(flag, type=int, nargs=2, metavar=("ROW", "COLUMN"), default=option.default, help=text)
    else:
        parser.add_argument(flag, type=option.kind, choices=option.choices or None, default=option.default, help=text)


def run_technique(technique: Technique, arguments: argparse.Namespace) -> int:
    """Run one technique on one photo, or on several if it takes several."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_images
    from minitorch_viz.techniques.run import run as run_loop

    settings = {name: getattr(arguments, name) for name in technique.options}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    model = load_model(arguments.model, weights=arguments.weights)
    reason = technique.applies(model)
    if reason:
        raise MinitorchVizError(f"{technique.name} does not apply to {model.name}: {reason}.")
    image = arguments.photo or sample_images(model)[0][1]
    if isinstance(image, list) and len(image) == 1:
        image = image[0]
    loop = technique.loop
    if loop is None:
        result, why = technique.compute(model, image, **settings), ""
    else:
        end = run_loop(loop.each(model, image, **settings), loop.name, loop.unit, budget=arguments.budget)
        result, why = end.result, end.sentence(loop.unit)
    path = result.save(arguments.out)
    print(result.caption)
    for note in result.notes:
        print(f"Note: {note}")
    print(f"Wrote {path}")
    if why:
        print(f"{why[0].upper()}{why[1:]}.", file=sys.stderr)
    return 130 if why.startswith("interrupted") else 0
