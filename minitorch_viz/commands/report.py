"""`minitorch-viz report`: one HTML page with every technique that applies."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minitorch_viz.commands.base import Command, add_model_arguments, add_resize
from minitorch_viz.commands.nets import FOR_PHOTOS, chosen_model, inputs_given, net_told
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import techniques
from minitorch_viz.techniques.subject import given

MANUAL = """Make one self-contained HTML page that shows every technique that applies.

The page needs no network and no server. What takes long is left to --all; --only shows what it names in any case.
Without PHOTO and --model it shows the nets that come with this package: a picture that is on every machine, and a
generated scene beside the truth of what is where. With --model alone it uses pictures that suit that net.

A photo that cannot be read has its sentence in the page; the exit status is then 1. Ctrl-C writes the page with what
is finished."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the photos, the net, what is explained, the page and the choice of techniques."""
    parser.add_argument(
        "photos", nargs="*", type=given, metavar="PHOTO", help="picture files; none: pictures that come with the model"
    )
    add_model_arguments(parser, f"for photos the best ImageNet net at hand, else {FOR_PHOTOS}")
    add_resize(parser)
    parser.add_argument("--target", type=given, help="explain this class, by number or name, not the most probable one")
    parser.add_argument("--other", type=given, help="the class that the comparison sets beside it")
    parser.add_argument("--node", type=given, help="explain a unit of this node instead of a class")
    parser.add_argument(
        "--out", type=path, default=Path("report.html"), metavar="FILE", help="the page to write (default: %(default)s)"
    )
    parser.add_argument(
        "--all", action="store_true", help="show what takes longer, too, each technique within a budget of its own"
    )
    parser.add_argument("--only", nargs="+", metavar="TECHNIQUE", choices=[*techniques()], help="these techniques only")


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return 1 if a photo could not be read."""
    from minitorch_viz.io.out import check_out
    from minitorch_viz.models.samples import Sample, report_samples, samples
    from minitorch_viz.report import SUFFIXES, make_page

    check_out(arguments.out, SUFFIXES, [*arguments.photos, arguments.weights, arguments.model], noun="page")
    told = net_told(arguments)
    if arguments.photos or arguments.model is not None or arguments.weights is not None:
        model = chosen_model(
            arguments.model,
            arguments.weights,
            arguments.prefix,
            photo=bool(arguments.photos),
            inputs=inputs_given(arguments.input, arguments.question),
            resize=arguments.resize,
            told=told,
        )
        check_out(arguments.out, SUFFIXES, [model.source], noun="page")
        shown_samples = [Sample(Path(photo).name or photo, photo) for photo in arguments.photos] or samples(model)
        subjects = [(model, sample) for sample in shown_samples]
    elif arguments.input or arguments.question or arguments.resize:
        raise MinitorchVizError("--input, --question and --resize are for a net that is named: give --model, too.")
    else:
        subjects = report_samples()
    for note in dict.fromkeys(note for model, _ in subjects for note in (*model.given_words, *model.notes)):
        print(f"Note: {note}")
    problems: list[str] = []
    page = make_page(
        subjects,
        arguments.out,
        only=arguments.only,
        long=arguments.all,
        target=arguments.target,
        other=arguments.other,
        node=arguments.node,
        left_out=problems.append,
        noted=lambda note: print(f"Note: {note}"),
    )
    for sentence in problems:
        print(f"Left out: {sentence}", file=sys.stderr)
    print(f"Wrote {page}")
    return int(bool(problems))


COMMAND = Command("report", "make one HTML page with every technique that applies", run, MANUAL, add_arguments, order=1)
