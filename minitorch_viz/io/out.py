"""Whether a result can be written where it is to go, asked before the work and not after it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.files import as_path


def check_out(
    path: str | Path,
    suffixes: Iterable[str] = (),
    inputs: Iterable[object] = (),
    *,
    noun: str = "result",
    error: type[MinitorchVizError] = MinitorchVizError,
) -> Path:
    """Return `path` as a Path if a file can be written there; call this before work whose result would be lost.

    suffixes: the endings that name a known format, such as (".png", ".svg"); upper case is taken too; none: any.
    inputs: what the work reads, none of which may be overwritten, whatever name or link leads to it. Only str and Path
        count, others (an array, None) are passed over. Of a folder give its files.
    noun: what is to be written, for the message: "picture", "film".

    Raises `error` with a sentence if the ending is not one of `suffixes`, `path` is a folder, a device or one of
    `inputs`, its folder is missing, or nothing may be written there. An existing file stays as it is.
    """
    place = as_path(path, f"{noun} to write", error)
    endings = [suffix.lower() for suffix in suffixes]
    target = checked_target(place, error)
    if endings and place.suffix.lower() not in endings:
        listed = " or ".join([", ".join(endings[:-1]), endings[-1]] if len(endings) > 1 else endings)
        ending = f"ends in {place.suffix}" if place.suffix else "has no ending"
        raise error(f"The {noun} is written as {listed}, but {place} {ending}; give another name.")
    if identity(target) in identities(inputs):
        raise error(f"The {noun} would overwrite {place}, which is one of the inputs; give another name.")
    try:
        _try_to_write(target)
    except OSError as problem:
        raise error(
            f"{place} cannot be written: {problem.strerror or problem}. Give another name or folder."
        ) from problem
    return place


def checked_target(place: Path, error: type[MinitorchVizError]) -> Path:
    """Return the file that a write to `place` replaces, links followed; raise `error` where none can be written."""
    try:
        target = Path(os.path.realpath(place))  # replacing a link's target keeps the link
        if target.is_dir():
            raise error(f"{place} is a folder; give the name of the file to write in it.")
        if target.exists() and not target.is_file():
            raise error(f"{place} is not a regular file (a pipe or a device?), so it cannot be replaced.")
        if not target.parent.is_dir():
            raise error(f"There is no folder {target.parent} to write {target.name} into; make it first.")
        if target.exists() and not os.access(target, os.W_OK):
            raise error(f"{place} is write-protected; give another name, or allow writing to it.")
    except OSError as problem:
        raise error(f"There can be no file {place}: {problem.strerror or problem}.") from problem
    return target


def hidden_name(target: Path) -> Path:
    """Return a new hidden name in the folder of `target`, under which a file is written before it takes its place."""
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")


def create(path: Path) -> int:
    """Return a handle of a new file; raises OSError if there is one of that name, or none may be made."""
    # os.open applies the umask to 0o666, as for every other new file; tempfile would make it 0600.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


def _try_to_write(target: Path) -> None:
    """Make an empty file beside `target` and remove it: nothing else tells rights, read-only disks and quotas."""
    if not target.exists():  # a name that is too long for the file system
        with contextlib.suppress(FileNotFoundError):
            os.stat(target)
    trial = hidden_name(target)
    os.close(create(trial))
    trial.unlink()


def identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return what tells a file from every other, whatever name or link leads to it; None if there is none."""
    try:
        facts = os.stat(os.path.expanduser(path))
    except (OSError, ValueError):
        return None
    return facts.st_dev, facts.st_ino


def identities(paths: Iterable[object]) -> set[tuple[int, int]]:
    """Return those of the files that there are; what is no str or Path is passed over."""
    each = (identity(path) for path in paths if isinstance(path, (str, os.PathLike)))
    return {facts for facts in each if facts is not None}
