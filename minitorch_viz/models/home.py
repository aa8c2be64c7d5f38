"""The folder for weights files that do not come with the package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "MINITORCH_VIZ_HOME"


def home_folder(environ: dict[str, str] | None = None) -> Path:
    """Return where downloaded weights are kept and looked for: $MINITORCH_VIZ_HOME, else the platform's cache folder.

    ~/.cache/minitorch_viz (or $XDG_CACHE_HOME/minitorch_viz) on Linux, ~/Library/Caches/minitorch_viz on macOS,
    %LOCALAPPDATA%\\minitorch_viz on Windows. The folder need not exist.
    """
    variables = os.environ if environ is None else environ
    if folder := variables.get(VARIABLE):
        return Path(folder).expanduser()
    if sys.platform == "win32":
        base = Path(variables.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(variables.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "minitorch_viz"
