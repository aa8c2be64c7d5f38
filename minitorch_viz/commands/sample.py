"""`minitorch-viz sample`: write with a net that reads letter by letter."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from minitorch_viz.commands.base import Command, add_prefix
from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques.subject import given

if TYPE_CHECKING:
    from minitorch_viz.models.writing import Writer

MANUAL = """Write a text with a net that reads letter by letter and says what may come next, such as
`minitorch-viz train letters --text FILE` makes.

PRIME is what the net reads first. --temperature 1 draws letters as often as the net expects them; 0.5 keeps to likely
ones; 0 takes the likeliest each time. --beam N draws nothing: it keeps the N likeliest beginnings at each letter and
prints the likeliest text that this search finds, which is often a loop.

The text is printed as it comes about, or written to --out FILE. Same seed, same text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the prime, the net, and how letters are chosen."""
    parser.add_argument("prime", nargs="?", default="", metavar="PRIME", help="what the text begins with, in quotes")
    parser.add_argument("--model", type=given, metavar="NAME", help="the net, or the file of one")
    parser.add_argument("--weights", type=path, metavar="FILE", help="its weights")
    add_prefix(parser)
    parser.add_argument("--length", type=int, default=500, metavar="N", help="letters to write (default: %(default)s)")
    words = "how even the letters' shares are made, 0 or more"
    parser.add_argument("--temperature", type=float, metavar="X", help=f"{words} (default: 1)")
    parser.add_argument("--beam", type=int, metavar="N", help="draw nothing: search with N beginnings")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same text (default: %(default)s)")
    parser.add_argument("--out", type=path, metavar="FILE.txt", help="write the text to a file, and print nothing")


def run(arguments: argparse.Namespace) -> None:
    """Print or write the text."""
    from minitorch_viz.io.out import check_out
    from minitorch_viz.models import load_model
    from minitorch_viz.models.writing import Writer

    if arguments.model is None:
        raise MinitorchVizError(
            "sample needs a net that reads letter by letter: --model FILE; `minitorch-viz train letters --text FILE` "
            "makes one."
        )
    if arguments.beam is not None and arguments.temperature is not None:
        raise MinitorchVizError("--beam draws nothing, so --temperature has no effect; leave one of them out.")
    if arguments.out is not None:
        check_out(arguments.out, (".txt",), [arguments.model, arguments.weights], noun="text")
    writer = Writer(load_model(arguments.model, weights=arguments.weights, prefix=arguments.prefix))
    if arguments.out is None:
        for piece in _pieces(writer, arguments):
            print(piece, end="", flush=True)
        print()
        return
    pieces: list[str] = []
    try:
        pieces += _pieces(writer, arguments)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; nothing was written to {arguments.out}") from None
    _write(arguments.out, "".join(pieces))
    print(f"Wrote {arguments.out}")


def _pieces(writer: Writer, arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the text, prime first, a letter at a time; of a beam all at once."""
    from minitorch_viz.models.writing import drawn, likely

    if arguments.beam is not None:
        text, nats = likely(writer, arguments.length, arguments.beam, prime=arguments.prime)
        yield arguments.prime + text
        print(f"{-nats:.1f} nats, {-nats / len(text):.3f} a letter", file=sys.stderr)
        return
    temperature = 1.0 if arguments.temperature is None else arguments.temperature
    letters = drawn(writer, arguments.length, prime=arguments.prime, temperature=temperature, seed=arguments.seed)
    for number, codes in enumerate(letters):
        yield (arguments.prime if number == 0 else "") + writer.text(codes)


def _write(out: Path, text: str) -> None:
    from minitorch_viz.io.atomic import write_bytes_atomically

    write_bytes_atomically(out, text.encode())


COMMAND = Command("sample", "write a text with a net that reads letter by letter", run, MANUAL, add_arguments, order=8)
