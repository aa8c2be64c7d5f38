"""Finding the tensors in what a checkpoint holds: a state dict may lie under a name, beside an optimizer's state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.foreign import Foreign
from minitorch_viz.io.torch_symbols import Tensor

USUAL_NAMES = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params")
# Beginnings of names under which training keeps its own numbers.
NOT_WEIGHTS = ("optim", "opt_", "sched", "lr_sched", "scaler", "rng", "grad_scaler")
DEEPEST = 8
LONGEST_NAME = 300
LISTED = 8  # how many names a note lists

Keys = tuple[Any, ...]  # the keys of dicts in dicts that lead to a value


def find_tensors(value: Any, label: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors of a state dict by name, and notes on what was renamed or left out.

    Where several entries hold a net ({"model": ..., "teacher": ...}), all are given, under "model." and "teacher.".
    Raises WeightsFileError if there are no tensors.
    """
    if type(value) is Tensor:
        return {"tensor": value}, ("The file holds a single tensor without a name; it is called 'tensor'.",)
    if type(value) in (list, tuple) and value and all(type(item) is Tensor for item in value):
        return {str(n): item for n, item in enumerate(value)}, ("The file holds a list of tensors; numbers name them.",)
    notes: list[str] = []
    left_out: list[str] = []  # names of what is no tensor of the net
    for _ in range(DEEPEST):
        entry = _entry_of_the_net(value)
        if entry is None:
            break
        left_out += [_text(key) for key in value if key != entry]
        value = value[entry]
        notes.append(f"The weights were found under {entry!r}.")
    tensors: dict[str, Tensor] = {}
    foreign = [value.label] if type(value) is Foreign else []
    visited = {id(value)}
    for key, inner in value.items() if type(value) is dict else ():
        parts = [] if _is_of_training(key, inner) else list(_flat(inner, (key,), visited))
        foreign += [item.label for _, item in parts if type(item) is Foreign]
        if not any(type(item) is Tensor for _, item in parts):
            left_out.append(_text(key))
            continue
        for keys, item in parts:
            name = ".".join(map(_text, keys))
            if type(item) is not Tensor:
                left_out.append(name)
            elif name in tensors:
                raise WeightsFileError(f"{label} holds two tensors called {name!a:.80}; rename one.")
            else:
                tensors[_checked(name, keys, label)] = item
    if not tensors:
        raise _no_tensors(value, left_out, foreign, label)
    if all(name.startswith("module.") and name != "module." for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
        notes.append("'module.' (DataParallel's) was taken off the front of all names.")
    if left_out:
        notes.append(f"Left out, since they are no tensors of the net: {_listed(left_out)}.")
    return tensors, tuple(notes)


def _entry_of_the_net(value: Any) -> str | None:
    """Return the usual name under which a dict holds a net, if nothing else in it is one."""
    if type(value) is not dict:
        return None
    key = next((key for key in USUAL_NAMES if any(type(item) is Tensor for _, item in _inside(value.get(key)))), None)
    other_values = (inner for other, inner in value.items() if other != key and not _is_of_training(other, inner))
    # A weight has two axes at least; a lone number or a loss's class weights are no second net.
    second = any(type(item) is Tensor and len(item.shape) > 1 for inner in other_values for _, item in _inside(inner))
    return None if second else key


def _is_of_training(key: Any, inner: Any) -> bool:
    """Return whether a dict holds the numbers of an optimizer, a schedule or a generator."""
    return type(inner) is dict and _text(key).lower().startswith(NOT_WEIGHTS)


def _inside(inner: Any) -> Iterator[tuple[Keys, Any]]:
    return _flat(inner, (), set()) if type(inner) is dict else iter(())


def _flat(value: Any, keys: Keys, visited: set[int]) -> Iterator[tuple[Keys, Any]]:
    """Yield (keys, value) of all that dicts in dicts hold; each dict once, since they may be shared."""
    if type(value) is not dict:
        yield keys, value
    elif len(keys) <= DEEPEST and id(value) not in visited:
        visited.add(id(value))
        for key, inner in value.items():
            yield from _flat(inner, (*keys, key), visited)


def _text(key: Any) -> str:
    """Return a key as text, cut off where no name would be so long."""
    return str(key[: LONGEST_NAME + 1] if isinstance(key, (str, bytes)) else key)


def _checked(name: str, keys: Keys, label: str) -> str:
    """Return the name of a tensor, if all its parts can be part of one."""
    if any(type(key) is Foreign for key in keys):
        raise WeightsFileError(f"{label} has a dict of tensors whose keys are not plain: {name!a:.120}.")
    if not all(map(_text, keys)) or len(name) > LONGEST_NAME:
        raise WeightsFileError(f"{label} has a name of no or more than {LONGEST_NAME} characters in it.")
    return name


def _no_tensors(value: Any, left_out: Iterable[str], foreign: list[str], label: str) -> WeightsFileError:
    if foreign and "." in foreign[0]:
        return WeightsFileError(
            f"{label} holds no tensors, and needs {foreign[0]!a:.120}, a program's own object (of a whole pickled "
            "model?). Running what a file asks for is unsafe, so it is refused. Where it was made, bring it in from "
            "Python, Model.from_torch(torch.load(path, weights_only=False), example), or save only the arrays: "
            "torch.save(model.state_dict(), path)."
        )
    names = _listed(left_out) if type(value) is dict else foreign[0] if foreign else f"a {type(value).__name__}"
    return WeightsFileError(f"{label} holds no tensors, but {names or 'an empty dict'}; is it the right file?")


def _listed(names: Iterable[str]) -> str:
    different = [ascii(name)[1:-1][:80] for name in dict.fromkeys(names)]
    remark = f" and {len(different) - LISTED} more" if len(different) > LISTED else ""
    return ", ".join(different[:LISTED]) + remark
