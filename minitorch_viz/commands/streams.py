"""What is said on the terminal, whatever the terminal can show; and a folder for Matplotlib."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def readable_output() -> Iterator[None]:
    """Print signs that the terminal's encoding lacks as escapes (\\u0141), instead of ending in an error.

    A path may hold any sign, a terminal of LANG=C or of Windows shows few.
    """
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    error_modes = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, error_modes, strict=True):
            with contextlib.suppress(ValueError):  # closed meanwhile
                stream.reconfigure(errors=errors)


def let_go() -> None:
    """Send what is still to be said into nothing, where the reader of a pipe has gone; else Python ends with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def give_matplotlib_a_folder() -> None:
    """Set MPLCONFIGDIR where Matplotlib's own folder cannot be written; it would say so at every command."""
    if "MPLCONFIGDIR" in os.environ or sys.platform == "win32":
        return
    try:
        home = Path.home()
    except RuntimeError:  # no home at all
        home = Path("/nonexistent")
    linux = sys.platform.startswith(("linux", "freebsd"))
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "matplotlib"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "matplotlib"
    needed = [configuration, cache] if linux else [home / ".matplotlib"]
    if all(map(_can_be_written, needed)):
        return
    from minitorch_viz_kernels.machine.cache_folder import temporary_folder

    if folder := temporary_folder("matplotlib"):
        os.environ["MPLCONFIGDIR"] = str(folder)


def _can_be_written(folder: Path) -> bool:
    """Return whether the folder is there or can be made, as Matplotlib would make it, and can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
