"""Where machine code is kept: Numba's own folders, or one of the user's in the temporary folder where those fail."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def temporary_folder(name: str) -> Path | None:
    """Return the folder `name` of this user below the system's temporary folder, made if need be.

    It is the user's alone: what is kept in it will be executed, so a folder that others could have written is refused.
    None where there is no such folder.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"minitorch_viz-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            return None
        if hasattr(os, "getuid") and (facts.st_uid != os.getuid() or facts.st_mode & 0o022):
            return None
        (folder / name).mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=folder / name).close()
    except OSError:
        return None
    return folder / name


def prepare() -> None:
    """Give Numba a folder where none of its own (beside the package, in the user's cache) can be written."""
    import numba

    if _keeps_code():
        return
    if folder := temporary_folder("numba"):
        os.environ["NUMBA_CACHE_DIR"] = str(folder)  # for the processes that warm up, too
        numba.config.reload_config()


def how_often() -> str:
    """Return how often the kernels are compiled, in the words of the announcement."""
    if not _keeps_code():
        return (
            "in every process anew: no folder for the machine code can be written; set NUMBA_CACHE_DIR to one that can"
        )
    folder = temporary_folder("numba")
    if folder and os.environ.get("NUMBA_CACHE_DIR") == str(folder):
        return (
            f"and keeping them in {folder} until the temporary folder is emptied, since no other can be written "
            "(NUMBA_CACHE_DIR names another)"
        )
    return "once on this machine"


def _keeps_code() -> bool:
    import numba

    def probe() -> None:
        """Be compiled, or rather not: only Numba's search for a folder matters here."""

    try:
        numba.njit(cache=True)(probe)
    except RuntimeError:  # "cannot cache function: no locator available"
        return False
    return True
