"""`minitorch-viz report`: one HTML page with every technique that applies."""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_viz.commands.base import DEFAULT_MODEL, Command, add_model_arguments
from minitorch_viz.techniques import techniques

MANUAL = """Make one self-contained HTML page that shows every technique that applies.

The page needs no network and no server. Without PHOTO and --model it shows the nets that come with this package: a
picture that is on every machine, and a generated scene beside the truth of what is where. With --model alone it uses
pictures that suit that net. Ctrl-C writes the page with what is finished."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the photos, the net, the page and the choice of techniques."""
    parser.add_argument(
        "photos", nargs="*", metavar="PHOTO", help="PNG or JPEG files; none: pictures that come with the model"
    )
    add_model_arguments(parser, default=None)
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), help="the page to write (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", metavar="TECHNIQUE", choices=[*techniques()], help="these techniques only")


def run(arguments: argparse.Namespace) -> None:
    """Write the page."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import Sample, report_samples, samples
    from minitorch_viz.report import make_page

    if arguments.photos or arguments.model or arguments.weights:
        model = load_model(arguments.model or DEFAULT_MODEL, weights=arguments.weights)
        shown = [Sample(Path(photo).name, photo) for photo in arguments.photos] or samples(model)
        subjects = [(model, sample) for sample in shown]
    else:
        subjects = report_samples()
    print(f"Wrote {make_page(subjects, arguments.out, only=arguments.only)}")


COMMAND = Command("report", "make one HTML page with every technique that applies", run, MANUAL, add_arguments, order=1)
