"""`minitorch-viz train`: train a net on pictures of one's own, or a bundled net again."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from minitorch_viz.commands import train_letters
from minitorch_viz.commands.base import Command
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques.subject import given

MANUAL = """Train a small net on a folder of your pictures, or a bundled net again; the same seed gives the same
weights, bit for bit.

FOLDER has one folder of pictures for each class, and the folders' names are the classes; a fifth of each class is
held out and tells how good the net is, unless FOLDER has the parts train and test. The size and whether the net sees
colours are found from the pictures. The file that is written is a whole model: --model FILE of every other command
takes it. The name of a bundled net comes before that of a folder: the folder is ./digits.

--from NET keeps the layers of a trained net and trains a new last layer on what they see of each picture, which is
computed once: good results from few pictures, in little time. NET is a net of `minitorch-viz models` or a file of one.
With --head gap the net is cut at its last maps, which are averaged, so that class activation maps apply. --unfreeze N
then trains all layers for N epochs at a small rate.

--scores sigmoid asks yes or no for each class by itself: a picture that lies in two folders has both labels, and a
folder called none holds pictures with no label; with one class beside none the net answers one question.

letters is a net that reads a text and says after each character what may come next: --text FILE. The first 80 % of the
text are for training, the next 10 % choose the epoch that is kept, the last 10 % test it. `minitorch-viz sample` writes
with the net. The text may be longer than the memory.

--adversarial EPS moves every training picture, by up to EPS steps of 0 to 255 a pixel, to where the net is more wrong:
the net is then harder to fool by small changes, and names fewer pictures rightly. The page, the card and the last line
say what a stronger attack leaves right.

Ctrl-C writes the weights so far to --out and says after how many steps they are; weights that --out had before stay,
and those so far lie beside them (NAME.interrupted.safetensors, NAME.interrupted-2.safetensors, ...).
With --film a single HTML page shows the training: open it in a browser while it runs, and play it back afterwards.
With --checkpoint a training that was stopped (Ctrl-C, a power cut) is continued by the same command and --resume, to
the same weights as if it had not been stopped.
The data sets of mnist and cifar10 are fetched by `minitorch-viz download NAME`; --data names another folder."""


OF_A_FOLDER = (  # options
    "--size",
    "--epochs",
    "--no-mirror",
    "--net",
    "--units",
    "--activation",
    "--scores",
    "--from",
    "--weights",
    "--head",
    "--unfreeze",
    "--adversarial",
)


class Trainable(list[str]):
    """List the recipes' names; a folder that exists, and whatever is written as a path, can be trained on too."""

    remark = " Nor is there a folder of that name."

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or bool(re.search(r"[/\\]", str(name))) or Path(str(name)).exists()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe or the folder, the seed, and the files to write and to read."""
    from minitorch_viz.training.recipes import recipe_names

    names = recipe_names()
    parser.add_argument(
        "name",
        choices=Trainable([*names, train_letters.NAME]),
        metavar="FOLDER|NAME",
        help=f"a folder with a folder of pictures for each class, letters, or a bundled net: {', '.join(names)}",
    )
    parser.add_argument("--out", type=path, metavar="FILE", help="the weights file (default: NAME.safetensors)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same weights (default: %(default)s)")
    parser.add_argument(
        "--film", type=path, metavar="PAGE.html", help="write a page that plays the training back, live"
    )
    parser.add_argument("--checkpoint", type=path, metavar="FILE", help="keep the whole state in this file, each epoch")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint, if there is one")
    parser.add_argument("--size", type=int, metavar="N", help="pixels a side that the net sees (of a FOLDER)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the pictures (of a FOLDER) or the text")
    parser.add_argument(
        "--no-mirror", action="store_true", help="mirror no pictures while training: of letters, say (of a FOLDER)"
    )
    parser.add_argument(
        "--net",
        choices=("plain", "linear", "hidden"),
        help="which net learns a FOLDER: of five convolutions (plain, "
        "the default), or one linear layer, or two, whose weights are templates",
    )
    parser.add_argument("--units", type=int, metavar="N", help="of the hidden layer (default: 16)")
    parser.add_argument("--activation", choices=("relu", "sigmoid", "tanh"), help="of the hidden layer (default: relu)")
    parser.add_argument(
        "--scores",
        choices=("softmax", "sigmoid"),
        help="of a FOLDER: one class of several (softmax, the default), or yes or no for each (sigmoid)",
    )
    parser.add_argument(
        "--from",
        dest="from_net",
        type=given,
        metavar="NET",
        help="begin with a trained net, or a file of one: its layers are kept, and a new last one learns a FOLDER",
    )
    parser.add_argument("--weights", type=path, metavar="FILE", help="that net's weights")
    parser.add_argument(
        "--head",
        choices=("linear", "gap"),
        help="where that net is cut: before its scores (linear, the default), or at its last maps, which are averaged, "
        "so that class activation maps apply (gap)",
    )
    parser.add_argument(
        "--unfreeze", type=int, metavar="N", help="then train all layers for N more epochs, at a small rate"
    )
    parser.add_argument(
        "--adversarial",
        type=float,
        metavar="EPS",
        help="train a FOLDER on pictures that are changed by up to EPS (of 255) so that the net errs, as a defence",
    )
    parser.add_argument("--data", type=path, metavar="FOLDER", help="where the data set's files are (mnist, cifar10)")
    train_letters.add_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train a net."""
    from minitorch_viz.training.recipes import recipe_names, train

    if arguments.resume and arguments.checkpoint is None:
        raise MinitorchVizError("--resume continues from a checkpoint: give --checkpoint FILE too.")
    if arguments.name == train_letters.NAME:
        _refuse(arguments, [flag for flag in OF_A_FOLDER if flag != "--epochs"], "letters has its own net")
        written = train_letters.run(arguments)
        _print_written(written)
        print(f"Next: minitorch-viz sample --model {shlex.quote(str(written))}")
        return
    train_letters.refuse_settings(arguments)
    if arguments.name not in recipe_names():
        _train_folder(arguments)
        return
    _refuse(arguments, OF_A_FOLDER, f"the bundled net {arguments.name} has its own")
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
    _print_written(written, arguments.film)


def _refuse(arguments: argparse.Namespace, flags: Sequence[str], why: str) -> None:
    """Raise a sentence if an option is given that is for a folder of pictures."""
    for flag in flags:
        name = {"--from": "from_net"}.get(flag, flag.removeprefix("--").replace("-", "_"))
        if getattr(arguments, name) not in (None, False):
            raise MinitorchVizError(
                f"{flag} is for a folder of your own pictures, and {why}; leave it out, or write the folder as "
                f"./{arguments.name}."
            )


def _train_folder(arguments: argparse.Namespace) -> None:
    """Train on a folder, and say what can be done with the net."""
    from minitorch_viz.training.output_files import numbered
    from minitorch_viz.training.own import train_folder

    folder = Path(arguments.name)
    if arguments.data is not None:
        raise MinitorchVizError(f"--data is for bundled nets; the pictures are those of {folder}: leave it out.")
    out = arguments.out or Path(f"{folder.resolve().name or 'pictures'}.safetensors")
    written = train_folder(
        folder,
        out,
        arguments.seed,
        size=arguments.size,
        epochs=arguments.epochs,
        mirror=not arguments.no_mirror,
        net=arguments.net,
        units=arguments.units,
        activation=arguments.activation,
        scores=arguments.scores or "softmax",
        from_net=arguments.from_net,
        weights=arguments.weights,
        head=arguments.head,
        unfreeze=arguments.unfreeze,
        adversarial=arguments.adversarial,
        film=arguments.film,
        checkpoint=arguments.checkpoint,
        resume=arguments.resume,
    )
    films = [numbered(arguments.film, number) for number in range(2 if arguments.unfreeze else 1)]
    _print_written(written, *films)
    print(f"Next: minitorch-viz report PHOTO.jpg --model {shlex.quote(str(written))}")


def _print_written(*files: Path | None) -> None:
    for file in files:
        if file is not None:
            print(f"Wrote {file}")


COMMAND = Command(
    "train",
    "train a net on your own pictures or text, or a bundled one again, and watch it learn",
    run,
    MANUAL,
    add_arguments,
    7,
)
