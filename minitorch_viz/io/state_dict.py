"""Finding the tensors in what a checkpoint holds: a state dict may lie under a name, beside an optimizer's state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.torch_symbols import Tensor

USUAL_NAMES = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params")
NOT_WEIGHTS = ("optim", "sched", "scaler", "rng")  # beginnings of names under which training keeps its own numbers
DEEPEST = 8
LONGEST_NAME = 300


def find_tensors(value: Any, what: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors of a state dict by name, and notes on what was renamed or left out.

    Raises WeightsFileError if there are none.
    """
    notes: list[str] = []
    if type(value) is Tensor:
        return {"tensor": value}, ("The file holds a single tensor without a name; it is called 'tensor'.",)
    if type(value) in (list, tuple) and value and all(type(item) is Tensor for item in value):
        return {str(n): item for n, item in enumerate(value)}, ("The file holds a list of tensors; numbers name them.",)
    for _ in range(DEEPEST):
        key = next((key for key in USUAL_NAMES if type(value) is dict and _holds_tensors(value.get(key), what)), None)
        if key is None:
            break
        value = value[key]
        notes.append(f"The weights were found under {key!r}.")
    tensors: dict[str, Tensor] = {}
    others: list[str] = []
    for name, item in _flat(value, what):
        if type(item) is not Tensor:
            others += [ascii(name)[1:-1]] if len(others) < 6 else []
        elif name in tensors:
            raise WeightsFileError(f"{what} holds two tensors called {name!a:.80}; rename one.")
        else:
            tensors[name] = item
    if not tensors:
        keys = ", ".join(others) if type(value) is dict else f"a {type(value).__name__}"
        raise WeightsFileError(f"{what} holds no tensors, but {keys or 'an empty dict'}; is it the right file?")
    if others:
        notes.append(f"Left out, since they are no tensors: {', '.join(others)}{' ...' * (len(others) == 6)}.")
    if all(name.startswith("module.") and name != "module." for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
        notes.append("'module.' (DataParallel's) was taken off the front of all names.")
    return tensors, tuple(notes)


def _flat(value: Any, what: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of all that dicts in dicts hold, names joined by dots; each dict once, since they may be shared."""
    visited: set[int] = set()

    def walk(item: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
        visited.add(id(item))
        for key, inner in item.items():
            name = f"{prefix}{key}" if not isinstance(key, (str, bytes)) or len(key) <= LONGEST_NAME else ""
            if not name or len(name) > LONGEST_NAME:
                raise WeightsFileError(f"{what} has a name of no or more than {LONGEST_NAME} characters in it.")
            if type(inner) is not dict:
                yield name, inner
            elif (
                depth < DEEPEST
                and id(inner) not in visited
                and not (depth == 0 and name.lower().startswith(NOT_WEIGHTS))
            ):
                yield from walk(inner, f"{name}.", depth + 1)

    if type(value) is dict:
        yield from walk(value, "", 0)


def _holds_tensors(value: Any, what: str) -> bool:
    """Whether it is a dict with a tensor in it, at any depth."""
    return any(type(item) is Tensor for _, item in _flat(value, what))
