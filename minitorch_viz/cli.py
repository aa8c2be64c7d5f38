"""The command line: `minitorch-viz COMMAND ...`, collected from `minitorch_viz/commands` and the techniques.

Errors that the package raises on purpose are printed as one sentence, without a traceback; Ctrl-C says what was kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from minitorch_viz import __version__, ctrl_c
from minitorch_viz.commands import commands
from minitorch_viz.commands.parser import Parser, in_command_words
from minitorch_viz.commands.streams import give_matplotlib_a_folder, let_go, readable_output
from minitorch_viz.errors import MinitorchVizError

PROGRAM = "minitorch-viz"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0, 1 (a check or one of several photos failed), 2 (bad input) or 130 (Ctrl-C)."""
    status = 0
    with readable_output():
        try:
            status = _status(argv)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of our output (head, less) has gone; what is known by now counts
            let_go()
    return status


def _status(argv: Sequence[str] | None) -> int:
    """Run one command and say what stopped it, if anything."""
    flags: Sequence[str] = ()
    try:
        ctrl_c.loaded()
        words = sys.argv[1:] if argv is None else argv
        arguments = parser(next((word for word in words if not word.startswith("-")), "")).parse_args(words)
        flags = arguments.flags
        give_matplotlib_a_folder()
        return arguments.run(arguments) or 0
    except MinitorchVizError as error:
        print(f"{PROGRAM}: {in_command_words(str(error), flags)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:  # a command that keeps something says what, and where
        kept = str(stop) or "nothing was written"
        message = kept if kept.startswith("interrupted") else f"interrupted; {kept}"
        print(f"{PROGRAM}: {in_command_words(message, flags)}", file=sys.stderr)
        return 130


def parser(called: str | None = None) -> argparse.ArgumentParser:
    """Return the command line, with the arguments of one command, which is quicker; None: with those of all."""
    top = Parser(prog=PROGRAM, description="Show what a neural network sees.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    top.set_defaults(run=lambda _arguments: top.print_help(), flags=())
    choices = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in commands():
        below = choices.add_parser(command.name, help=command.help, description=command.manual or command.help)
        if called in (None, command.name):
            command.add_arguments(below)
        below.set_defaults(run=command.run, flags=tuple(below._option_string_actions))
    return top


if __name__ == "__main__":
    sys.exit(main())
