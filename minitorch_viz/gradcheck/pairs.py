"""`check`: any forward and backward functions, called as their signatures ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.gradcheck.arguments import (
    checked_settings,
    checked_without,
    named_arrays,
    named_gradients,
    named_inputs,
)
from minitorch_viz.gradcheck.calls import backward_call, forward_call, join_outputs, output_names, outputs_and_cache
from minitorch_viz.gradcheck.judge import report_on
from minitorch_viz.gradcheck.problem import NO_CACHE, Problem, Values
from minitorch_viz.gradcheck.report import Report


def check(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    inputs: Any,
    *,
    step: float | None = None,
    tolerance: float = 1e-6,
    max_entries: int = 200,
    seed: int = 0,
    names: Sequence[str | None] | None = None,
    without: Sequence[str] = (),
) -> Report:
    """Check a backward function against finite differences of its forward function.

    forward: called as forward(*inputs); returns y or (y, cache), or (y1, y2, ..., cache): all outputs are weighed. An
        output is an array, or a scalar such as a loss.
    backward: called as backward(dy, cache), or backward(dy) if there is no cache; with several outputs as
        backward(dy1, dy2, ..., cache) or backward((dy1, dy2, ...), cache). It returns the gradients as an array, a
        tuple in the order of the inputs, or a dict by name ("x" or "dx"). A gradient that is missing is an error.
        None if forward returns (loss, gradients) itself.
    inputs: a tuple or list of arrays, a dict (then passed by name), or one array. Integer arrays are passed along but
        not checked; floats are checked in float64.
    step: the first finite-difference step, for entries of size 1 (default 1e-5 in float64).
    tolerance: the relative error above which an entry is wrong, unless rounding or a kink explains it.
    max_entries: of larger tensors this many entries are measured one by one, and all along a random direction.
    seed: of the random dy and directions; names: what to call the inputs in the report.
    without: the inputs for which backward gives no gradient on purpose, by name (or None in their place in names).

    Returns a Report: print it, or call its `raise_if_wrong()`.
    Raises ShapeError or SettingError if the functions or inputs cannot be used at all.

    >>> import numpy as np
    >>> def square(x):
    ...     return x**2, x
    >>> def square_backward(dy, x):
    ...     return dy * x
    >>> report = check(square, square_backward, (np.array([1.0, 2.0, 3.0]),))
    >>> report.ok
    False
    >>> report["x"].diagnosis[0]  # doctest: +ELLIPSIS
    'a constant factor: yours is 0.5 times the measured gradient, a missing factor 2 ...'
    >>> check(square, lambda dy, x: 2 * dy * x, (np.array([1.0, 2.0, 3.0]),)).ok
    True
    """
    if not callable(forward):
        raise SettingError(f"forward must be a function, but got {forward!r}.")
    if backward is not None and not callable(backward):
        raise SettingError(f"backward must be a function, or None if forward returns gradients, but got {backward!r}.")
    named, left_out = named_inputs(forward, inputs, names)
    values, notes = named_arrays(named)
    left_out |= checked_without(without, values)
    call = forward_call(forward, list(values), isinstance(inputs, Mapping))
    outputs: list[tuple[str, int]] = []

    def run(values: Values) -> tuple[Any, Any]:
        returned = call(values)
        parts, cache = outputs_and_cache(returned, backward)
        if len(parts) > 1 and backward is not None:
            outputs[:] = [
                (name, np.size(part)) for name, part in zip(output_names(backward, len(parts)), parts, strict=True)
            ]
        return join_outputs(parts, cache)

    def back(dy: Array, cache: Any) -> dict[str, Any]:
        if backward is None and cache is NO_CACHE:
            raise SettingError("Without a backward function, forward must return (value, gradients).")
        returned = _dy_times(dy, cache) if backward is None else backward_call(backward, dy, cache)
        return named_gradients(returned, values)

    functions = [function for function in (forward, backward) if function is not None]
    title = " / ".join(getattr(function, "__name__", type(function).__name__) for function in functions)
    problem = Problem(title, values, run, back, notes=tuple(notes), without=left_out, outputs=outputs)
    return report_on(problem, checked_settings(step, tolerance, max_entries, seed))


def _dy_times(dy: Array, grads: Any) -> Any:
    """Multiply by dy the gradients that forward returned itself."""
    if isinstance(grads, Mapping):
        return {name: grad if grad is None else dy * grad for name, grad in grads.items()}
    if isinstance(grads, (tuple, list)):
        return tuple(grad if grad is None else dy * grad for grad in grads)
    return dy * grads
