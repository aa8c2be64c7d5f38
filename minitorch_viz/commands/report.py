"""`minitorch-viz report`: one HTML page with every technique that applies."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.commands.base import Command, add_bands, add_model_arguments, add_resize
from minitorch_viz.commands.nets import FOR_PHOTOS, chosen_model, inputs_given, net_told
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import techniques
from minitorch_viz.techniques.photos import row_meant
from minitorch_viz.techniques.subject import given

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.models.samples import Sample

READER = "war_and_peace"  # the net for a text whose letters it knows, where none is named
MANY = 20  # photos; of more the page's size is told before the work

MANUAL = """Make one self-contained HTML page that shows every technique that applies.

The page needs no network and no server. What takes long is left to --all; --only shows what it names in any case.
Without PHOTO and --model it shows the nets that come with this package: a picture that is on every machine, and a
generated scene beside the truth of what is where. With --model alone it uses pictures that suit that net, or a text for
a net that reads letter by letter; --text FILE takes another text.

A photo that cannot be read has its sentence in the page; the exit status is then 1. Ctrl-C writes the page with what
is finished."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the photos, the net, what is explained, the page and the choice of techniques."""
    words = "picture files, folders of them, patterns ('*.jpg'); none: pictures that come with the model"
    parser.add_argument("photos", nargs="*", type=given, metavar="PHOTO", help=words)
    parser.add_argument("--text", type=given, metavar="FILE", help="a text file, for a net that reads letter by letter")
    add_model_arguments(parser, f"for photos the best ImageNet net at hand, else {FOR_PHOTOS}")
    add_resize(parser)
    add_bands(parser)
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
    from minitorch_viz.techniques.photos import expanded

    photos = expanded(arguments.photos)
    check_out(arguments.out, SUFFIXES, [*photos, arguments.text, arguments.weights, arguments.model], noun="page")
    told = net_told(arguments)
    if arguments.text is not None:
        if photos:
            raise MinitorchVizError(
                f"Give either photos, {photos[0]}, or --text {arguments.text}: a net takes one kind."
            )
        subjects = [_reading(arguments, told)]
    elif photos or arguments.model is not None or arguments.weights is not None:
        model = chosen_model(
            arguments.model,
            arguments.weights,
            arguments.prefix,
            photo=bool(photos),
            inputs=inputs_given(arguments.input, arguments.question),
            resize=arguments.resize,
            bands=arguments.bands,
            told=told,
        )
        check_out(arguments.out, SUFFIXES, [model.source], noun="page")
        looked_at = [row_meant(model, photo) for photo in photos]
        shown_samples = [Sample(*pair) for pair in zip(names_of(photos), looked_at, strict=True)] or samples(model)
        subjects = [(model, sample) for sample in shown_samples]
    elif arguments.input or arguments.question or arguments.resize:
        raise MinitorchVizError("--input, --question and --resize are for a net that is named: give --model, too.")
    else:
        subjects = report_samples()
    for note in dict.fromkeys(note for model, _ in subjects for note in (*model.given_words, *model.notes)):
        print(f"Note: {note}")
    if len(photos) > MANY:
        print(f"Note: {len(photos)} photos make a large page that takes long; --only TECHNIQUE shows what is named.")
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
    print(f"Wrote {page} ({page.stat().st_size / 1e6:.1f} MB)")
    return int(bool(problems))


def _reading(arguments: argparse.Namespace, told: Mapping[str, Any]) -> tuple[Model, Sample]:
    """Return the text of a file, and the net that reads it: the one that is named, or one that knows its letters."""
    from minitorch_viz.data.text import load_text
    from minitorch_viz.models.samples import Sample
    from minitorch_viz.techniques.subject import TEXT, Subject

    text = load_text(arguments.text).text
    model = chosen_model(
        arguments.model, arguments.weights, arguments.prefix, photo=False, shown_by=READER, reads=TEXT.reads,
        inputs=inputs_given(arguments.input, arguments.question), told=told, text=text,
    )  # fmt: skip
    why = Subject.refuses(TEXT, model)  # words beside a picture are no text of letters
    if why:
        raise MinitorchVizError(f"--text does not apply to {model.name}: {why}.")
    notes: list[str] = []
    letters = TEXT.read(model, [text], notes)
    model.read(letters)  # an unknown letter is told at once, and not in each picture
    return model, Sample(Path(arguments.text).name, None, note=" ".join(notes), text=letters, file=arguments.text)


def names_of(photos: Sequence[str]) -> list[str]:
    """Return what a page calls the photos: their files' names, with the folders where two are the same."""
    names = [Path(photo).name or photo for photo in photos]
    return [name if names.count(name) == 1 else photo for name, photo in zip(names, photos, strict=True)]


COMMAND = Command("report", "make one HTML page with every technique that applies", run, MANUAL, add_arguments, order=1)
