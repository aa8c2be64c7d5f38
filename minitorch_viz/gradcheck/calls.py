"""How other people's functions are called: by position or by name, with one output or several, with a cache.

CS231n's `lstm_step_forward` returns (next_h, next_c, cache) and its backward takes (dnext_h, dnext_c, cache); others
take ((dh, dc), cache). Several outputs are checked as one long vector, so that all of them are weighed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.gradcheck.problem import NO_CACHE, Values

GRADIENT_NAME = re.compile(r"(?!dx?$)(d|grad|dl)_?(out|next|prev|y|loss)?_?[a-z]?\d*(_(next|prev|out))?", re.IGNORECASE)


@dataclass(frozen=True)
class SeveralOutputs:
    """Hold the cache of a function with several outputs, and their shapes."""

    cache: Any
    shapes: tuple[tuple[int, ...], ...]

    def parts(self, dy: Array) -> tuple[Array, ...]:
        """Cut a long dy into one for each output."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        return tuple(part.reshape(shape) for part, shape in zip(np.split(dy, ends), self.shapes, strict=True))


def forward_call(forward: Callable[..., Any], names: list[str], by_name: bool) -> Callable[[Values], Any]:
    """Return the call of forward with its inputs: by name where they have names and it takes names."""
    order = names
    if by_name:
        try:
            signature = inspect.signature(forward, follow_wrapped=False)
            inner = list(inspect.signature(forward).parameters)
        except (TypeError, ValueError):  # a builtin without a signature
            return lambda values: forward(**values)
        try:
            signature.bind(**dict.fromkeys(names))
        except TypeError:
            kinds = {parameter.kind for parameter in signature.parameters.values()}
            if not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY}:
                raise SettingError(
                    f"inputs has {', '.join(names)}, but forward takes {signature}; name the inputs as its arguments."
                ) from None
            order = [name for name in inner if name in names] if set(names) <= set(inner) else names
        else:
            return lambda values: forward(**values)
    return lambda values: forward(*(values[name] for name in order))


def outputs_and_cache(returned: Any, backward: Callable[..., Any] | None) -> tuple[list[Any], Any]:
    """Tell the outputs from the cache: the last of several is the cache, unless backward takes a gradient for it."""
    if not isinstance(returned, tuple):
        return [returned], NO_CACHE
    if backward is None:  # a loss with its gradients
        return [returned[0]], returned[1] if len(returned) == 2 else returned[1:] or NO_CACHE
    if len(returned) == 2 and isinstance(returned[0], (tuple, list)):
        return list(returned[0]), returned[1]
    if len(returned) > 1 and _is_float(returned[-1]) and len(_gradient_names(backward)) == len(returned):
        return list(returned), NO_CACHE
    return list(returned[:-1]) or [returned[0]], returned[-1] if len(returned) > 1 else NO_CACHE


def join_outputs(outputs: list[Any], cache: Any) -> tuple[Any, Any]:
    """Return one output as it is; several as one vector, with a cache that holds their shapes."""
    if len(outputs) == 1:
        return outputs[0], cache
    for place, output in enumerate(outputs):
        if not _is_float(output):
            raise ShapeError(
                f"forward returned {len(outputs)} outputs, but output {place} is {_kind(output)}; return float arrays "
                f"and, last, one cache with everything else."
            )
    arrays = [np.asarray(output) for output in outputs]
    return np.concatenate([array.ravel() for array in arrays]), SeveralOutputs(
        cache, tuple(array.shape for array in arrays)
    )


def backward_call(backward: Callable[..., Any], dy: Array, cache: Any) -> Any:
    """Call backward(dy, cache), (dy1, dy2, cache), ((dy1, dy2), cache), or without a cache, by its signature."""
    dys: tuple[Array, ...] = (dy,)
    if isinstance(cache, SeveralOutputs):
        dys, cache = cache.parts(dy), cache.cache
    caches = () if cache is NO_CACHE else (cache,)
    attempts = [(*dys, *caches), (dys, *caches), dys, (dys,)]
    if len(dys) == 1:
        attempts = [(dy, *caches), (dy,)]
    elif len(_gradient_names(backward)) == len(dys):
        attempts = [(*dys, *caches), dys]
    try:
        signature = inspect.signature(backward)
    except (TypeError, ValueError):  # a builtin without a signature
        return backward(*attempts[0])
    for attempt in attempts:
        try:
            signature.bind(*attempt)
        except TypeError:
            continue
        return backward(*attempt)
    names = "dy" if len(dys) == 1 else ", ".join(f"dy{place}" for place in range(1, len(dys) + 1))
    raise SettingError(
        f"backward must take {f'({names}, cache)' if caches else f'({names})'}, but its signature is {signature}."
    )


def output_names(backward: Callable[..., Any], count: int) -> list[str]:
    """Return what to call the outputs: as backward calls their gradients, or by number."""
    names = _gradient_names(backward)
    return names if len(names) == count else [f"output {place}" for place in range(count)]


def _gradient_names(backward: Callable[..., Any]) -> list[str]:
    """Return the first arguments of backward that are named like gradients: dnext_h, dnext_c, dy2, grad_out."""
    try:
        parameters = list(inspect.signature(backward).parameters.values())
    except (TypeError, ValueError):
        return []
    names = [parameter.name for parameter in parameters if parameter.kind == parameter.POSITIONAL_OR_KEYWORD]
    first_other = next((i for i, name in enumerate(names) if not GRADIENT_NAME.fullmatch(name)), len(names))
    return names[:first_other]


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic, float)) and np.asarray(value).dtype.kind == "f"


def _kind(value: Any) -> str:
    return f"{value.dtype}" if isinstance(value, (np.ndarray, np.generic)) else f"a {type(value).__name__}"
