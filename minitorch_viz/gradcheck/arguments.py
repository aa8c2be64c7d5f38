"""Bringing what the caller gave into one form, or saying in a sentence why it cannot be used."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitorch_viz.errors import NotDifferentiableError, SettingError, ShapeError, near
from minitorch_viz.gradcheck.judge import Settings
from minitorch_viz.gradcheck.problem import Values


def checked_settings(step: float | None, tolerance: float, max_entries: int, seed: int) -> Settings:
    """Return the settings, or raise a sentence about the one that cannot be used."""
    if step is not None and not (isinstance(step, (int, float)) and 0 < step < 1):
        raise SettingError(f"step must lie between 0 and 1 (1e-5 is usual in float64), but got {step!r}.")
    if not (isinstance(tolerance, (int, float)) and 0 < tolerance < 1):
        raise SettingError(f"tolerance must be a relative error between 0 and 1, such as 1e-6, but got {tolerance!r}.")
    if not (isinstance(max_entries, int) and max_entries >= 1):
        raise SettingError(f"max_entries must be a whole number of at least 1, but got {max_entries!r}.")
    if not (isinstance(seed, int) and seed >= 0):
        raise SettingError(f"seed must be a whole number of at least 0, but got {seed!r}.")
    return Settings(step, float(tolerance), max_entries, seed)


def named_arrays(inputs: Mapping[str, Any]) -> tuple[Values, list[str]]:
    """Return the inputs as arrays, floats in float64, and a note if that changed anything."""
    values: Values = {}
    narrow = []
    for name, value in inputs.items():
        if not isinstance(value, (np.ndarray, np.generic, float)):
            raise SettingError(
                f"{name} must be a NumPy array, but got a {type(value).__name__}; put settings that are not arrays "
                f"into the function, as in check(lambda x: forward(x, stride=2), ...)."
            )
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise ShapeError(f"{name} is {array.dtype}; complex functions are not supported: pass real and imaginary.")
        if array.dtype.kind not in "fiub":
            raise ShapeError(f"{name} holds {array.dtype} values; a gradient check needs numbers.")
        if array.size == 0:
            raise ShapeError(f"{name} has shape {array.shape} and no entries: there is nothing to check.")
        if array.dtype.kind == "f" and array.dtype != np.float64:
            narrow.append(f"{name} ({array.dtype})")
        values[name] = array.astype(np.float64) if array.dtype.kind == "f" else array
    if not any(value.dtype.kind == "f" for value in values.values()):
        raise NotDifferentiableError(
            "All inputs are integers, which have no derivative; give at least one float array."
        )
    return values, [f"checked in float64: {', '.join(narrow)}."] if narrow else []


def named_gradients(returned: Any, values: Values) -> dict[str, Any]:
    """Return what backward gave, by the names of the inputs; what is None is left out."""
    if isinstance(returned, Mapping):
        grads = {}
        for key, grad in returned.items():
            name = next((n for n in (key, str(key).removeprefix("grad_"), str(key)[1:]) if n in values), None)
            if name is None:
                raise SettingError(f"backward returned a gradient for {key!r}; {near(key, values, 'input')}.")
            grads[name] = grad
    else:
        parts = returned if isinstance(returned, (tuple, list)) else (returned,)
        if len(parts) > len(values):
            raise SettingError(
                f"backward returned {len(parts)} gradients, but there are {len(values)} inputs: {', '.join(values)}."
            )
        grads = dict(zip(values, parts, strict=False))
    grads = {name: grad for name, grad in grads.items() if grad is not None and values[name].dtype.kind == "f"}
    if not grads:
        raise SettingError("backward returned no gradient at all; is a return statement missing?")
    for name, grad in grads.items():
        if not isinstance(grad, (np.ndarray, np.generic, float, int)) or np.asarray(grad).dtype.kind not in "fiubc":
            raise SettingError(f"backward must return arrays, but its gradient of {name} is a {type(grad).__name__}.")
    return grads


def checked_without(without: Sequence[str], values: Values) -> frozenset[str]:
    """Return the names of inputs that need no gradient, or raise a sentence about one that is no input."""
    names = (without,) if isinstance(without, str) else tuple(without)
    for name in names:
        if name not in values:
            raise SettingError(f"without names {name!r}, which is no input; {near(name, values, 'input')}.")
    return frozenset(names)


def named_inputs(
    forward: Callable[..., Any], inputs: Any, names: Sequence[str | None] | None
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the inputs by name (their own, those given, or forward's arguments), and which need no gradient."""
    left_out: frozenset[str] = frozenset()
    if isinstance(inputs, Mapping):
        if names is not None:
            raise SettingError("inputs is a dict and has names already; leave names away.")
        named = {str(name): value for name, value in inputs.items()}
    else:
        if isinstance(inputs, (np.ndarray, np.generic, float)):
            inputs = (inputs,)
        if not isinstance(inputs, (tuple, list)):
            raise SettingError(
                f"inputs must be arrays in a tuple, a list or a dict, but got a {type(inputs).__name__}."
            )
        arguments = argument_names(forward, len(inputs))
        labels = arguments if names is None else list(names)
        chosen = [name or argument for name, argument in zip(labels, arguments, strict=False)] + labels[
            len(arguments) :
        ]
        left_out = frozenset(argument for name, argument in zip(labels, arguments, strict=False) if name is None)
        if len(chosen) != len(inputs) or len(set(chosen)) != len(chosen):
            raise SettingError(f"names must hold {len(inputs)} different names, one for each input, but got {chosen}.")
        named = {str(name): value for name, value in zip(chosen, inputs, strict=True)}
    if not named:
        raise SettingError("inputs is empty; give at least one float array.")
    return named, left_out


def argument_names(forward: Callable[..., Any], count: int) -> list[str]:
    """Return the names of forward's arguments, or x0, x1, ... where it has none to read."""
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return positional[:count] if len(positional) >= count else [f"x{place}" for place in range(count)]
