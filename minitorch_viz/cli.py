"""The command line: `minitorch-viz COMMAND ...`, collected from `minitorch_viz/commands` and the techniques.

Errors that the package raises on purpose are printed as one sentence, without a traceback; Ctrl-C says what was kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from minitorch_viz import __version__
from minitorch_viz.commands import commands
from minitorch_viz.commands.parser import Parser, in_command_words
from minitorch_viz.commands.streams import give_matplotlib_a_folder, readable_output
from minitorch_viz.errors import MinitorchVizError

PROGRAM = "minitorch-viz"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit status 0, 1 (a check or one of several photos failed), 2 (bad input) or 130 (Ctrl-C)."""
    with readable_output():
        arguments = parser().parse_args(argv)
        give_matplotlib_a_folder()
        try:
            status: int | None = arguments.run(arguments)
        except MinitorchVizError as error:
            print(f"{PROGRAM}: {in_command_words(str(error), arguments.flags)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stop:  # a command that keeps something says what, and where
            kept = str(stop) or "nothing was written"
            said = kept if kept.startswith("interrupted") else f"interrupted; {kept}"
            print(f"{PROGRAM}: {in_command_words(said, arguments.flags)}", file=sys.stderr)
            return 130
        except BrokenPipeError:  # the reader of our output (head, less) has gone
            sys.stderr.close()
            return 0
    return status or 0


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = Parser(prog=PROGRAM, description="Show what a neural network sees.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    top.set_defaults(run=lambda _arguments: top.print_help(), flags=())
    choices = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in commands():
        below = choices.add_parser(command.name, help=command.help, description=command.manual or command.help)
        command.add_arguments(below)
        below.set_defaults(run=command.run, flags=tuple(below._option_string_actions))
    return top


if __name__ == "__main__":
    sys.exit(main())
