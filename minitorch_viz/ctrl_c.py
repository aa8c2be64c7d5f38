"""Ctrl-C while the program is being loaded: one line instead of a traceback.

NumPy and the commands take a few tenths of a second to load. There is nothing to tidy up yet, so the program ends at
once. Loaded before NumPy, and only of use where this package is the program; as a library it leaves signals alone.
"""

from __future__ import annotations

import os
import signal
import sys

LINE = b"minitorch-viz: interrupted; nothing was written\n"


def _end(*_: object) -> None:
    os.write(2, LINE)
    os._exit(130)


def watch(arguments: list[str], command: list[str]) -> None:
    """Answer Ctrl-C from now on, if this process is `minitorch-viz` or `python -m minitorch_viz`.

    arguments: `sys.argv`, which begins with "-m" while Python looks for the module. command: `sys.orig_argv`, which
        tells the program from the processes that it starts: those get a copy of its arguments.
    """
    script = arguments[0] if arguments else ""
    is_script = os.path.basename(script).split(".")[0] == "minitorch-viz" and script in command
    is_module = script == "-m" and any(word in ("minitorch_viz", "-mminitorch_viz") for word in command)
    # Another answer than Python's own was chosen by whoever started it, such as none at all (nohup).
    if (is_script or is_module) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def loaded() -> None:
    """Hand Ctrl-C back: from here on it is a KeyboardInterrupt, and each command says what it has kept."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


watch(sys.argv, sys.orig_argv)
