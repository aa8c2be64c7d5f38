"""The command line: `minitorch-viz COMMAND ...`, collected from `minitorch_viz/commands` and the techniques.

Errors that the package raises on purpose are printed as one sentence, without a traceback; Ctrl-C leaves what is
finished.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from minitorch_viz import __version__
from minitorch_viz.commands import commands
from minitorch_viz.errors import MinitorchVizError

PROGRAM = "minitorch-viz"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (the check failed), 2 (bad input), or 130 (Ctrl-C)."""
    arguments = parser().parse_args(argv)
    try:
        status: int | None = arguments.run(arguments)
    except MinitorchVizError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:  # a command that knows better says what is kept, and where
        print(f"{PROGRAM}: {str(stop) or 'interrupted; what was finished is kept'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return 0
    return status or 0


def parser() -> argparse.ArgumentParser:
    """Return the whole command line."""
    top = argparse.ArgumentParser(prog=PROGRAM, description="Show what a neural network sees.")
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    choices = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands():
        below = choices.add_parser(
            command.name,
            help=command.help,
            description=command.manual or command.help,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(below)
        below.set_defaults(run=command.run)
    return top


if __name__ == "__main__":
    sys.exit(main())
