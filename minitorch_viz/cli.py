"""The command line: `minitorch-viz TECHNIQUE PHOTO`, `report`, `gradcheck`, `list`, `models`, `download`, `train`,
`scenes`, `grade`, `loss-surface`.

The technique commands are made from the registry (name, settings, manual). Errors that the package raises on purpose
are printed as one sentence, without a traceback; Ctrl-C leaves what is finished.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minitorch_viz import __version__
from minitorch_viz.errors import MinitorchVizError, need_whole

PROGRAM = "minitorch-viz"
DEFAULT_MODEL = "digits"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (the check failed), 2 (bad input), or 130 (Ctrl-C)."""
    arguments = parser().parse_args(argv)
    try:
        status: int | None = arguments.run(arguments)
    except MinitorchVizError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return 0
    return status or 0


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from minitorch_viz.techniques import techniques
    from minitorch_viz.training.recipes import recipe_names

    top = argparse.ArgumentParser(prog=PROGRAM, description="Show what a neural network sees.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, text: str, manual: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=text, description=manual or text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.set_defaults(run=run)
        return made

    report = command("report", run_report, "make one HTML page with every technique that applies", REPORT_MANUAL)
    report.add_argument(
        "photos", nargs="*", metavar="PHOTO", help="PNG or JPEG files; none: pictures that come with the model"
    )
    add_model_arguments(report, default=None)
    report.add_argument(
        "--out", type=Path, default=Path("report.html"), help="the page to write (default: %(default)s)"
    )
    report.add_argument("--only", nargs="+", metavar="TECHNIQUE", choices=[*techniques()], help="these techniques only")

    check = command("gradcheck", run_gradcheck, "compare backward passes with finite differences", GRADCHECK_MANUAL)
    check.add_argument(
        "what", nargs="*", metavar="LAYER|FILE.py", help="layer names or a Python file; none: every layer"
    )

    command("warmup", run_warmup, "compile the kernels into your cache, so that no later command has to")
    command("list", run_list, "list the techniques")
    command("models", run_models, "list the nets, what is at hand, and where the official files come from")

    download = command("download", run_download, "fetch official weights or data, checked and resumable")
    download.add_argument("name", help="a net from `minitorch-viz models`, or a data set: cifar10, mnist")
    download.add_argument("--from", dest="source", metavar="URL_OR_PATH", help="fetch from here instead")

    train = command("train", run_train, "train a bundled net again, and watch it learn", TRAIN_MANUAL)
    train.add_argument("name", choices=recipe_names(), help="which net")
    train.add_argument("--out", type=Path, help="the weights file (default: NAME.safetensors)")
    train.add_argument("--seed", type=int, default=0, help="same seed, same weights (default: %(default)s)")
    train.add_argument("--film", type=Path, metavar="PAGE.html", help="write a page that plays the training back, live")
    train.add_argument("--checkpoint", type=Path, metavar="FILE", help="keep the whole state in this file, each epoch")
    train.add_argument("--resume", action="store_true", help="continue from the checkpoint, if there is one")
    train.add_argument("--data", type=Path, metavar="FOLDER", help="where the data set's files are (mnist, cifar10)")

    sheet = command("scenes", run_scenes, "draw generated scenes, with what is in them, on one sheet", SCENES_MANUAL)
    sheet.add_argument("--count", type=int, default=24, help="how many (default: %(default)s)")
    sheet.add_argument("--seed", type=int, default=0, help="same seed, same scenes (default: %(default)s)")
    sheet.add_argument("--size", type=int, default=64, help="pixels a side (default: %(default)s)")
    sheet.add_argument("--out", type=Path, default=Path("scenes.png"), help="a PNG file (default: %(default)s)")

    marks = command("grade", run_grade, "measure how far each method's heat maps can be believed", GRADE_MANUAL)
    marks.add_argument(
        "--model", nargs="+", default=["scenes"], metavar="NAME", help="one or several nets (default: scenes)"
    )
    marks.add_argument("--weights", type=Path, metavar="FILE", help="the weights, if it is one net")
    marks.add_argument(
        "--methods",
        nargs="+",
        metavar="TECHNIQUE",
        help="these only, perhaps with settings: lrp:rule=epsilon; all: all that apply",
    )
    marks.add_argument("--scenes", type=int, default=40, help="how many of each sort (default: %(default)s)")
    marks.add_argument("--seed", type=int, default=0, help="same seed, same scenes and numbers (default: %(default)s)")
    marks.add_argument(
        "--boxes", type=Path, metavar="FILE", help="JSON or CSV: file, class, x0, y0, x1, y1; with --photos"
    )
    marks.add_argument("--photos", type=Path, metavar="FOLDER", help="grade on these photos instead of scenes")
    marks.add_argument("--out", type=Path, default=Path("grade.html"), help="the page to write (default: %(default)s)")

    surface = command("loss-surface", run_loss_surface, "do minima end up equally good? and slices", SURFACE_MANUAL)
    surface.add_argument("--widths", type=int, nargs="+", help="numbers of hidden units (default: 2 4 8 16 32 64)")
    surface.add_argument("--seeds", type=int, default=100, help="how many nets of each width (default: %(default)s)")
    surface.add_argument("--epochs", type=int, default=60, help="of training, for each net (default: %(default)s)")
    surface.add_argument("--grid", type=int, default=21, help="points a side of the slices, odd (default: %(default)s)")
    surface.add_argument("--seed", type=int, default=0, help="same seed, same numbers (default: %(default)s)")
    surface.add_argument(
        "--out", type=Path, default=Path("loss-surface.png"), help="PNG, SVG, PDF or HTML (default: %(default)s)"
    )

    for name, technique in techniques().items():
        made = command(name, run_technique, technique.title, technique.compute.__doc__ or "")
        made.set_defaults(technique=technique)
        if technique.several:
            some = "PNG or JPEG files; none: a picture that comes with the model"
            made.add_argument("photo", nargs="*", metavar="PHOTO", help=some)
        else:
            one = "PNG or JPEG file; none: a picture that comes with the model"
            made.add_argument("photo", nargs="?", metavar="PHOTO", help=one)
        add_model_arguments(made)
        made.add_argument(
            "--out", type=Path, default=Path(f"{name}.png"), help="PNG, SVG or PDF (default: %(default)s)"
        )
        for option in technique.options.values():
            add_option(made, option)
    return top


def add_model_arguments(made: argparse.ArgumentParser, default: str | None = DEFAULT_MODEL) -> None:
    """The two arguments that choose a net."""
    text = f"a net from `minitorch-viz models` (default: {DEFAULT_MODEL})"
    made.add_argument("--model", default=default, metavar="NAME", help=text)
    made.add_argument(
        "--weights", type=Path, metavar="FILE", help="its weights: .safetensors, .npz, .pth, .caffemodel, .json"
    )


def add_option(made: argparse.ArgumentParser, option: Any) -> None:
    """One setting of a technique as an argparse option."""
    flag = f"--{option.name.replace('_', '-')}"
    text = option.help + ("" if option.default is None else " (default: %(default)s)")
    if option.kind is bool:
        made.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=option.help)
    elif option.kind is None:
        made.add_argument(flag, type=int, nargs=2, metavar=("ROW", "COLUMN"), default=option.default, help=text)
    else:
        made.add_argument(flag, type=option.kind, choices=option.choices or None, default=option.default, help=text)


REPORT_MANUAL = """Make one self-contained HTML page that shows every technique that applies.

The page needs no network and no server. Without PHOTO and --model it shows the nets that come with this package: a
picture that is on every machine, and a generated scene beside the truth of what is where. With --model alone it uses
pictures that suit that net. Ctrl-C writes the page with what is finished."""

GRADCHECK_MANUAL = """Compare backward passes with finite differences, entry by entry.

Without arguments every layer of this package is checked on its examples. With layer names (Conv2d LSTM) only those.
With FILE.py, which must define forward, backward and inputs, your own pair of functions is checked:

    inputs = {"x": np.random.randn(3, 4), "w": np.random.randn(4, 2)}
    def forward(x, w): return x @ w, (x, w)
    def backward(dy, cache): x, w = cache; return dy @ w.T, x.T @ dy

The exit status is 1 if a gradient is wrong."""


SCENES_MANUAL = """Draw generated scenes on one sheet, with the colour, texture and kind of each object below.

These are the pictures of minitorch_viz.data.scenes, of which the object, part, texture and colour of every pixel are
known: what a heat map or a unit should answer to can be looked up."""


GRADE_MANUAL = """Measure how far each method's heat maps can be believed, and write one table.

On generated scenes the truth is known: does the map fall on the object, and of several objects on the right one? Does
the net's answer go when the hottest pixels go? Does the map change when the net's weights are replaced by random ones,
as it must, and stay under noise that one does not see? Noise, the picture's centre and its edges are graded, too.

With --boxes and --photos: on photos, by boxes around the objects. The page is one file; the numbers lie beside it as
JSON. Ctrl-C writes the methods that are finished."""


SURFACE_MANUAL = """Train many small nets of growing width, compare where they end, and look at the loss around some.

Narrow nets end in minima of very different loss, by chance of where they began; wide ones all end about equally good
(Choromanska et al. 2015, "The Loss Surfaces of Multilayer Networks"). Below, the training loss on planes through
trained nets, in random directions as long as the net's own filters, and in the plane of a training path (Li et al.
2018, "Visualizing the Loss Landscape of Neural Nets"). Ctrl-C writes the picture with what is finished."""


TRAIN_MANUAL = """Train a bundled net again; the same seed gives the same weights, bit for bit.

With --film a single HTML page shows the training: open it in a browser while it runs, and play it back afterwards.
With --checkpoint a training that was stopped (Ctrl-C, a power cut) is continued by the same command and --resume, to
the same weights as if it had not been stopped.
The data sets of mnist and cifar10 are fetched by `minitorch-viz download NAME`; --data names another folder."""


def run_technique(arguments: argparse.Namespace) -> None:
    """One technique on one photo, or on several if it takes several."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_images

    technique = arguments.technique
    settings = {name: getattr(arguments, name) for name in technique.options}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    model = load_model(arguments.model, weights=arguments.weights)
    reason = technique.applies(model)
    if reason:
        raise MinitorchVizError(f"{technique.name} does not apply to {model.name}: {reason}.")
    image = arguments.photo or sample_images(model)[0][1]
    if isinstance(image, list) and len(image) == 1:
        image = image[0]
    result = technique.compute(model, image, **settings)
    path = result.save(arguments.out)
    print(result.caption)
    for note in result.notes:
        print(f"Note: {note}")
    print(f"Wrote {path}")


def run_report(arguments: argparse.Namespace) -> None:
    """The HTML page."""
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


def run_warmup(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """Compile every kernel, and say how long it took."""
    import minitorch_viz_kernels as kernels

    print(f"The {kernels.current()} kernels are ready, with {kernels.get_threads()} threads: {kernels.warmup():.1f} s")


def run_list(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """The techniques, by family."""
    from minitorch_viz.techniques import techniques

    for name, technique in techniques().items():
        print(f"{name:<18} {technique.family:<12} {technique.summary}")
        print(f"{'':<18} {'':<12} {technique.paper}")


def run_models(arguments: argparse.Namespace) -> None:  # noqa: ARG001 (every command has this signature)
    """The nets and what is at hand."""
    from minitorch_viz.models.catalog import list_models

    for row in list_models():
        print(row)


def run_download(arguments: argparse.Namespace) -> None:
    """Fetch one weights file, or the files of a data set."""
    from minitorch_viz.data.download import SOURCES, download_data
    from minitorch_viz.models.download import download

    fetch = download_data if arguments.name in SOURCES else download
    print(f"Wrote {fetch(arguments.name, source=arguments.source)}")


def run_train(arguments: argparse.Namespace) -> None:
    """Train a bundled net."""
    from minitorch_viz.training.recipes import train

    if arguments.resume and arguments.checkpoint is None:
        raise MinitorchVizError("--resume continues from a checkpoint: give --checkpoint FILE too.")
    out = arguments.out or Path(f"{arguments.name}.safetensors")
    path = train(
        arguments.name,
        out,
        arguments.seed,
        film=arguments.film,
        checkpoint=arguments.checkpoint,
        resume=arguments.resume,
        data=arguments.data,
    )
    for written in (path, arguments.film):
        if written is not None:
            print(f"Wrote {written}")


def run_scenes(arguments: argparse.Namespace) -> None:
    """A contact sheet of generated scenes."""
    from minitorch_viz.data.scenes import scenes
    from minitorch_viz.data.scenes.sheet import contact_sheet
    from minitorch_viz.io.images import save_png

    need_whole("number of scenes on a sheet", arguments.count, 1, 400)
    save_png(contact_sheet(scenes(arguments.count, arguments.seed, size=arguments.size)), arguments.out)
    print(f"Wrote {arguments.out}")


def run_grade(arguments: argparse.Namespace) -> None:
    """The table of grades."""
    from minitorch_viz.grading.command import Arguments
    from minitorch_viz.grading.command import run_grade as run

    names = ("weights", "methods", "scenes", "seed", "out", "boxes", "photos")
    run(Arguments(arguments.model, **{name: getattr(arguments, name) for name in names}))


def run_loss_surface(arguments: argparse.Namespace) -> None:
    """Many nets and slices of their loss."""
    from minitorch_viz.loss_surface.command import run

    run(arguments.widths, arguments.seeds, arguments.epochs, arguments.grid, arguments.seed, arguments.out)


def run_gradcheck(arguments: argparse.Namespace) -> int:
    """Check layers, or a file's forward and backward."""
    from minitorch_viz.gradcheck.command import run

    return run(arguments.what)


if __name__ == "__main__":
    sys.exit(main())
