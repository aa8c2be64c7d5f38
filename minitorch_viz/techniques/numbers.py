"""A result's numbers, for those who compute on: `.save("cat.npz")` or `.save("cat.json")`.

Both files hold the same entries by the same names: every field of the result (what is inside another by its path,
`sum.terms.0.weight`), `heat` where the result has one, and `technique`, `caption` and `notes`, which say what the
numbers are of. `np.load("cat.npz")["heat"]` is the array, to the last bit; no entry is a pickle.

The JSON file leaves out pictures (uint8 pixels), whose names are its entry `left_out`. What is not measured (NaN) or
infinite is null in it, since JSON has no such numbers.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.techniques.base import Result

SUFFIXES = (".npz", ".json")


def save_numbers(result: Result, path: str | Path) -> Path:
    """Write a result's numbers to `path`, completely or not at all; the suffix, .npz or .json, says the format.

    Raises WeightsFileError or SettingError if the file cannot be written.
    """
    place = Path(path)
    if place.suffix.lower() == ".npz":
        from minitorch_viz.io.npz import save_npz

        entries = numbers_of(result)
        arrays = {name: value for name, value in entries.items() if isinstance(value, np.ndarray)}
        facts = {name: np.array(value) for name, value in entries.items() if name not in arrays and value is not None}
        save_npz(place, arrays, facts)
    else:
        from minitorch_viz.io.atomic import write_bytes_atomically

        write_bytes_atomically(place, as_json(result).encode())
    return place


def numbers_of(result: Result) -> dict[str, Any]:
    """Return {name: array, number, text, truth value, a list of these, or None} of all that a result holds."""
    entries: dict[str, Any] = {
        "technique": result.technique.name, "caption": result.caption, "notes": list(result.notes)
    }  # fmt: skip
    heat = result.heat
    if heat is not None:
        entries["heat"] = kernels.to_cpu(heat)
    for field in dataclasses.fields(result):  # type: ignore[arg-type]  # every result is a dataclass
        if field.name not in result.no_numbers:
            entries |= _entries(field.name, getattr(result, field.name))
    return entries


def as_json(result: Result) -> str:
    """Return the numbers as JSON, an entry a line."""
    entries = numbers_of(result)
    pictures = [name for name, value in entries.items() if isinstance(value, np.ndarray) and value.dtype == np.uint8]
    rest = {name: _plain(value) for name, value in entries.items() if name not in pictures}
    lines = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in rest.items()]
    return "{\n" + ",\n".join([*lines, f'"left_out": {json.dumps(pictures)}']) + "\n}\n"


def _entries(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value's entries: itself, or those of its parts."""
    if isinstance(value, State):
        return  # what another run goes on from is no result
    if isinstance(value, np.generic):
        yield name, value.item()
    elif hasattr(value, "dtype") and hasattr(value, "shape"):
        yield name, kernels.to_cpu(value)
    elif value is None or isinstance(value, (str, bool, int, float)):
        yield name, value
    elif isinstance(value, (tuple, list)) and not hasattr(value, "_fields") and _alike(value):
        yield name, [part.item() if isinstance(part, np.generic) else part for part in value]
    else:
        parts = _parts(value)
        if parts is None:
            yield name, str(value)
            return
        for key, part in parts.items():
            yield from _entries(f"{name}.{key}", part)


def _alike(values: tuple[Any, ...] | list[Any]) -> bool:
    """Whether a list is one of texts, or one of numbers."""
    return all(isinstance(part, str) for part in values) or all(
        isinstance(part, (bool, int, float, np.number)) for part in values
    )


def _parts(value: Any) -> dict[Any, Any] | None:
    """What a value consists of, by name or number; None if it is whole."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, (tuple, list)):
        return dict(enumerate(value))
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, np.ndarray):
        return _nested(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _nested(array: Array) -> Any:
    """An array as lists in lists, each number in as few digits as give its bits again; not finite ones are None."""
    if array.dtype.kind != "f":
        return array.tolist()
    short = array.astype("U32").astype(np.float64) if array.dtype.itemsize < 8 else array
    numbers = short.astype(object)
    numbers[~np.isfinite(array)] = None
    return numbers.tolist()
