"""What is checked, reduced to one form, and how its two functions behave when they are called.

Before any number is compared: does forward give the same answer twice, does either function write into its inputs, does
backward depend on earlier calls, and is it linear in dy, as every derivative is?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import MinitorchVizError, ShapeError
from minitorch_viz.gradcheck.noise import random_weights

Values = dict[str, Array]

ADDS_UP = "backward adds up across calls: the second call gives the sum of both. Start from zeros in every call."
REMEMBERS = "backward gives another answer when it is called again: it keeps state between calls."
STALE = (
    "backward uses what a later forward pass left behind instead of its own cache (state shared between passes): "
    "keep all that backward needs in the cache."
)
IGNORES_DY = "backward ignores dy: its result does not change with the incoming gradient (the chain rule is missing)."
ADDS_TERM = (
    "backward adds a term that does not depend on dy (backward(0) is not 0), such as a regularizer's: it belongs to "
    "the loss, not to this layer."
)
NOT_LINEAR = (
    "backward is not linear in dy: backward(-64 dy) is not -64 backward(dy). A derivative always is, so this is not a "
    "derivative; guided and deconvnet passes, clipping and normalizing behave so."
)


class _NoCache:
    """Stand for the cache of a forward that returns none."""


NO_CACHE = _NoCache()


@dataclass(frozen=True)
class Problem:
    """Hold a function of named arrays and its backward pass."""

    title: str
    values: Values  # all arrays, the integer ones too; floats are float64
    run: Callable[[Values], tuple[Any, Any]]  # values -> y, cache
    back: Callable[[Array, Any], dict[str, Any]]  # dy, cache -> {name: gradient}; names that are missing: not given
    notes: tuple[str, ...] = ()
    rules: str = ""  # the modified backward rules in use, by name
    without: frozenset[str] = frozenset()  # inputs for which no gradient is given, on purpose
    outputs: list[tuple[str, int]] = field(
        default_factory=list
    )  # names and sizes, if several; known after a forward pass

    def forward(self, values: Values) -> tuple[Array, Any]:
        """Return y as a float array, and the cache."""
        with np.errstate(all="ignore"):  # what is not finite is reported, in words
            y, cache = self.run(values)
        y = np.asarray(y)
        if y.dtype.kind != "f":
            kind = "complex" if y.dtype.kind == "c" else str(y.dtype)
            raise ShapeError(f"forward must return a float array or a float, but its result is {kind}.")
        if y.size == 0:
            raise ShapeError(f"forward returned an array without entries, shape {y.shape}: there is nothing to check.")
        return y, cache

    def backward(self, dy: Array, cache: Any) -> dict[str, Any]:
        """Return {name: gradient} from dy and the cache."""
        with np.errstate(all="ignore"):
            return self.back(dy, cache)

    def fresh(self) -> Values:
        """Return copies of all arrays, for a call that may write into them."""
        return {name: value.copy() for name, value in self.values.items()}


@dataclass(frozen=True)
class Conduct:
    """Record how a problem's functions behaved."""

    y: Array
    dy: Array  # the fixed random dL/dy that everything is contracted with; 1 for a scalar
    grads: dict[str, Any]  # backward's answer
    modified: dict[str, str]  # name of an input that was written into -> the function that did it
    random: bool  # forward gives different answers for the same inputs
    complaints: dict[str, list[str]]  # name -> what is wrong with backward whatever the numbers
    not_linear: frozenset[str]
    notes: tuple[str, ...]


def observe(problem: Problem, rng: Generator) -> Conduct:
    """Call both functions a few times and watch them."""
    values = problem.fresh()
    y, cache = problem.forward(values)
    modified = dict.fromkeys(_changed(problem.values, values), "forward")
    y = y.copy()
    y_again = problem.forward(problem.fresh())[0]
    if y_again.shape != y.shape:
        raise ShapeError(f"forward returned shape {y.shape} first and {y_again.shape} for the same inputs.")
    random = not _same(y, y_again, 1e-10 if y.dtype == np.float64 else 1e-5)

    scalar = y.ndim == 0
    dy = np.ones((), y.dtype) if scalar else random_weights(rng, y.shape).astype(y.dtype)
    # Two passes through fresh caches: what is returned must not depend on how often.
    values = problem.fresh()
    _, cache = problem.forward(values)
    given_dy = dy.copy()
    values_before = {name: value.copy() for name, value in values.items()}
    grads = _copied(problem.backward(given_dy, cache))
    modified |= dict.fromkeys(_changed(values_before, values), "backward")
    notes = list(problem.notes)
    if not np.array_equal(given_dy, dy):
        notes.append("backward writes into the dy that it is given; the caller may still need it.")

    complaints: dict[str, list[str]] = {name: [] for name in grads}
    not_linear: set[str] = set()
    if not random:
        second_grads = _copied(problem.backward(dy.copy(), problem.forward(problem.fresh())[1]))
        for name, grad in grads.items():
            if not _same(grad, second_grads.get(name)):
                doubled = _same(2 * np.asarray(grad, float), second_grads.get(name), 1e-6)
                complaints[name].append(ADDS_UP if doubled else REMEMBERS)
        if getattr(cache, "cache", cache) is not NO_CACHE and not any(complaints.values()):
            for name in _stale(problem, dy, grads):
                complaints[name].append(STALE)
        if not any(complaints.values()):
            scaled = _copied(problem.backward(-64 * dy, problem.forward(problem.fresh())[1]))
            constant = _constant_terms(problem, dy) if not scalar else []
            for name, grad in grads.items():
                if _same(grad, scaled.get(name)) and np.any(np.asarray(grad, float)):
                    if scalar:
                        notes.append(f"backward ignores dy for {name}: right only where L is the end of the chain.")
                    else:
                        complaints[name].append(IGNORES_DY)
                elif name in constant:
                    complaints[name].append(ADDS_TERM)
                elif not _same(-64 * np.asarray(grad, float), scaled.get(name), 1e-9 if y.dtype == "f8" else 1e-3):
                    complaints[name].append(NOT_LINEAR)
                    not_linear.add(name)
    return Conduct(y, dy, grads, modified, random, complaints, frozenset(not_linear), tuple(notes))


def _constant_terms(problem: Problem, dy: Array) -> list[str]:
    """Return the gradients that are not zero for dy = 0."""
    at_zero = _copied(problem.backward(np.zeros_like(dy), problem.forward(problem.fresh())[1]))
    return [name for name, grad in at_zero.items() if np.any(grad)]


def _stale(problem: Problem, dy: Array, grads: dict[str, Any]) -> list[str]:
    """Return the gradients that change when another forward pass runs between forward and backward."""
    cache = problem.forward(problem.fresh())[1]
    other_values = {
        name: value * 0.875 if value.dtype.kind == "f" else value for name, value in problem.fresh().items()
    }
    try:
        problem.forward(other_values)
    except (MinitorchVizError, ArithmeticError, ValueError, IndexError):
        return []  # forward does not take these values: nothing can be learnt this way
    grads_after = _copied(problem.backward(dy.copy(), cache))
    return [name for name, grad in grads.items() if not _same(grad, grads_after.get(name))]


def _copied(grads: dict[str, Any]) -> dict[str, Any]:
    """Return copies, so that a backward pass that hands out its own buffers cannot change them later."""
    return {name: np.array(grad) for name, grad in grads.items()}


def _changed(values_before: Values, values_after: Values) -> list[str]:
    return [name for name, value in values_before.items() if values_after[name].tobytes() != value.tobytes()]


def _same(a: Any, b: Any, tolerance: float = 1e-10) -> bool:
    """Return whether two are equal up to a rounding that differs between runs, nan counting as equal to nan."""
    if b is None or np.shape(a) != np.shape(b):
        return False
    a, b = np.asarray(a), np.asarray(b)
    size = np.max(np.abs(a), initial=0.0, where=np.isfinite(a))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * float(size), equal_nan=True))
