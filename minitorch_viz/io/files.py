"""What all readers do first: check that a path is that of a file that can be read, and parse JSON within bounds."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError, near

ROOM_BYTES = (
    192 * 2**20
)  # bytes of memory that a file may take beyond its own size, with a margin left for the interpreter
LONGEST_JSON = 6 * 2**20  # parsed JSON takes up to 30 times its text


def as_path(path: object, label: str, error: type[MinitorchVizError]) -> Path:
    """Return a str or Path as a Path; raise a sentence for everything else (None, numbers, an unusable name)."""
    if not isinstance(path, (str, os.PathLike)):
        raise error(f"The path of the {label} must be a str or a pathlib.Path, but got {shown(path)}.")
    name = os.fspath(path)
    if not isinstance(name, str):
        raise error(f"The path of the {label} must be text, but got {shown(name)}; use os.fsdecode.")
    if not name.strip():
        raise error(f"The path of the {label} is empty; give the name of a file.")
    if len(name) > 4096:
        raise error(f"The path of the {label} has {len(name)} characters, which is too long for any file.")
    if "\0" in name:
        raise error(f"The path of the {label} is {name!r:.200}, but file names hold no null byte.")
    return Path(name).expanduser() if name.startswith("~/") else Path(name)


def shown(value: object) -> str:
    """Say what was given, for a message: 'None', '3 (int)', 'an array (3, 4) of float32', 'a list'."""
    if value is None:
        return "None"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array {tuple(value.shape)} of {value.dtype}"
    text = ascii(value) if isinstance(value, (str, bytes, bool, int, float)) and _is_small(value) else ""
    return f"{text} ({type(value).__name__})" if text and len(text) <= 60 else f"a {type(value).__name__}"


def _is_small(value: str | bytes | float) -> bool:
    return len(value) < 60 if isinstance(value, (str, bytes)) else not isinstance(value, int) or abs(value) < 2**64


@contextlib.contextmanager
def open_file(path: object, label: str, error: type[MinitorchVizError]) -> Iterator[tuple[BinaryIO, int, Path]]:
    """Open a file for reading; gives (file, its size in bytes, its path).

    Raises `error` with a sentence if it is missing, a folder, a pipe or device, empty, or may not be read; also if
    the disk fails or memory runs out while it is open.
    """
    place = as_path(path, label, error)
    try:
        status = place.stat()
        if stat.S_ISDIR(status.st_mode):
            raise error(f"{place} is a folder; give the path of the {label} in it.")
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{place} is not a regular file (a pipe or a device?); the {label} must be one.")
        if status.st_size == 0:
            raise error(
                f"{place} is empty (0 bytes); {article(label)} {label} is needed. Was a download or a copy cut off?"
            )
        with place.open("rb") as file:
            yield file, status.st_size, place
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise error(f"There is no {label} {place}{_near_files(place)}") from problem
    except OSError as problem:
        raise error(f"The {label} {place} cannot be read: {problem.strerror or problem}.") from problem
    except MemoryError as problem:
        raise error(f"The {label} {place} cannot be read: there is not enough memory for it.") from problem


def article(noun: str) -> str:
    """Return "an" before a vowel, else "a"."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


def _near_files(path: Path) -> str:
    try:
        if not path.parent.is_dir():
            return f": there is no folder {path.parent}."
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return "."
    hint = near(path.name, names, "file")
    return f"; {hint}." if hint.startswith("near") else "."


def read_exactly(file: BinaryIO, offset: int, count: int, label: str) -> bytes:
    """Return `count` bytes at `offset`; the caller has checked them against the size of the file."""
    file.seek(offset)
    data = file.read(count)
    if len(data) != count:
        raise WeightsFileError(f"{label} ends too early: {count} bytes should stand at {offset}, but {len(data)} do.")
    return data


def parse_json(data: bytes, label: str) -> dict[str, Any]:
    """Return a JSON object from UTF-8 bytes, NaN and Infinity refused; WeightsFileError if it is not one."""
    if len(data) > LONGEST_JSON:
        raise WeightsFileError(f"{label} has {len(data)} bytes; at most {LONGEST_JSON} are read. Use .safetensors.")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise WeightsFileError(f"{label} is not sound JSON: {problem}.") from problem
    if not isinstance(value, dict):
        raise WeightsFileError(f"{label} must be a JSON object {{...}}, but is a {type(value).__name__}.")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"it holds {text}, which is not a JSON number")


def read_json(path: str | Path) -> dict[str, Any]:
    """Return the object in a JSON file, such as the description beside a weights file.

    Raises WeightsFileError if it is missing, malformed, larger than 6 MiB, or holds something else than an object.
    """
    with open_file(path, "JSON file", WeightsFileError) as (file, size, place):
        if size > LONGEST_JSON:
            raise WeightsFileError(f"{place} has {size} bytes; a JSON file of at most {LONGEST_JSON} is read.")
        return parse_json(file.read(), str(place))


def read_json_beside(path: str | Path) -> dict[str, Any] | None:
    """Return the JSON object that lies beside a weights file, under the same name with .json; None if there is none.

    Raises WeightsFileError if there is one but it is malformed.
    """
    place = as_path(path, "weights file", WeightsFileError)
    json_path = place.with_suffix(".json") if place.name else place
    try:
        exists = json_path != place and json_path.is_file()
    except OSError:
        return None
    return read_json(json_path) if exists else None


def as_size(value: object, label: str) -> tuple[int, int]:
    """Return a size in pixels, an int or (height, width), as the pair; SettingError for anything else."""
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) == 2 and all(is_whole(n) and 1 <= n <= 2**20 for n in pair):
        return int(pair[0]), int(pair[1])
    raise SettingError(f"{label} must be a whole number of pixels from 1, or (height, width), but got {_brief(value)}.")


def _brief(value: object) -> str:
    plain = isinstance(value, (tuple, list)) and all(isinstance(item, (int, float, str, type(None))) for item in value)
    return repr(value)[:60] if plain else shown(value)


def is_whole(value: object) -> TypeGuard[int]:
    """Return whether a value is an int, NumPy's ints included, bools not."""
    import numpy as np

    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
