"""What L-BFGS does along one line: evaluate the function, halve a step that is not finite, search."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError

Function: TypeAlias = Callable[[Array], tuple[Any, Any]]  # of x: (value, gradient)

HALVINGS = 30  # of a step where the function is not finite: 1e-9 of it is left then
DOUBLINGS = 10  # of a step that is too short
NOT_FINITE = float("inf")  # instead of nan, which compares with nothing


class Point(NamedTuple):
    """Hold what the function gives at x; all (D,), float64. The value is inf where anything is not finite."""

    x: Array
    value: float
    gradient: Array


def frozen(array: Array) -> Array:
    """Return a float64 copy, in one piece, that cannot be written to."""
    copy = np.array(array, np.float64)
    copy.flags.writeable = False
    return copy


def evaluated(function: Function, x: Array, shape: tuple[int, ...]) -> tuple[float, Array]:
    """Return value and gradient (D,) at x (D,). Raises ShapeError if the function gives something else."""
    answer = function(x.reshape(shape))  # read-only, as x is
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise ShapeError(f"The function must return (value, gradient), but gave a {type(answer).__name__}.")
    try:
        value, gradient = float(answer[0]), frozen(kernels.to_cpu(answer[1]))
    except (TypeError, ValueError) as error:
        raise ShapeError(f"The function must return a number and an array of numbers ({error}).") from error
    if gradient.shape != shape:
        raise ShapeError(f"The function's gradient must have the shape of x, {shape}, but has {gradient.shape}.")
    return value, gradient.reshape(-1)


def inner(first: Array, second: Array) -> float:
    """Return the inner product of two arrays (D,), added up by this thread alone.

    A threaded matrix library would share it out, and its threads wait awake afterwards, on cores that the next
    evaluation needs; and its last bits hang on how many they are.
    """
    return float(np.einsum("i,i->", first, second))


def length_of(vector: Array) -> float:
    """Return the Euclidean length of an array (D,)."""
    return math.sqrt(inner(vector, vector))


class Line:
    """Evaluate the function at points along a line, and keep the last and the lowest."""

    def __init__(self, function: Function, shape: tuple[int, ...], scale: float) -> None:
        self.function, self.shape, self.scale = function, shape, scale
        self.evaluations = self.not_finite = 0
        self.last: Point | None = None
        self.lowest: Point | None = None

    def at(self, x: Array) -> Point:
        """Return the point at x (D,); asked twice in a row it is evaluated once."""
        if self.last is not None and np.array_equal(self.last.x, x):
            return self.last
        x = frozen(x)
        value, gradient = evaluated(self.function, x, self.shape)
        self.evaluations += 1
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            self.not_finite += 1
            value = NOT_FINITE
        self.last = Point(x, value, gradient)
        if value < NOT_FINITE and (self.lowest is None or value < self.lowest.value):
            self.lowest = self.last
        return self.last


def searched(line: Line, origin: Point, downhill: Array) -> tuple[Point | None, str]:
    """Return a lower point along a direction, or None if the search failed, and what is worth saying about it."""
    from scipy.optimize import line_search

    slope = inner(origin.gradient / line.scale, downhill)
    if not slope < 0:
        return None, "The direction does not go downhill."
    halvings = 0
    while line.at(origin.x + downhill).value == NOT_FINITE and halvings < HALVINGS:
        downhill = downhill / 2
        halvings += 1

    def value(place: Array) -> float:
        return line.at(origin.x + place[0] * downhill).value / line.scale

    def slope_at(place: Array) -> Array:
        return np.array([inner(line.at(origin.x + place[0] * downhill).gradient / line.scale, downhill)])

    length = end_slope = None
    if line.at(origin.x + downhill).value < NOT_FINITE:
        with warnings.catch_warnings():  # what SciPy warns of is said below
            warnings.filterwarnings("ignore", "The line search algorithm|Rounding errors prevent", RuntimeWarning)
            # The search walks along a line of numbers, 0 here and 1 at the end of the direction.
            length, *_, end_slope = line_search(
                value, slope_at, np.zeros(1), np.ones(1), np.array([slope]), origin.value / line.scale,
                maxiter=DOUBLINGS,
            )  # fmt: skip
    words = ""
    if line.not_finite:
        words = f"Value or gradient was not finite at {line.not_finite} of {line.evaluations} points"
        words += (
            f": the step was halved {halvings} time{'s' if halvings > 1 else ''}."
            if halvings
            else ", which were passed over."
        )
    if length is not None and is_lower(point := line.at(origin.x + length * downhill), origin):
        if end_slope is None:
            words = f"{words} The value still falls after a step that was doubled {DOUBLINGS} times.".strip()
        return point, words
    if line.lowest is not None and line.lowest.value < origin.value:
        return line.lowest, f"{words} The line search did not end; the lowest of its points was taken.".strip()
    return None, f"{words} The line search failed.".strip()


def is_lower(point: Point, origin: Point) -> bool:
    """Return whether a point is lower than the origin or, where rounding hides that, flatter."""
    flatter = bool(np.abs(point.gradient).max() < np.abs(origin.gradient).max())
    return point.value < origin.value or (point.value == origin.value and flatter)
