"""Derivatives measured by moving the input: five points on a line, and how far the result may be trusted.

With L(t) = <dy, f(x + t v)> the slope at t = 0 comes from L at -h, -h/2, 0, h/2 and h (Richardson: the error of the
two central differences cancels to order h^4). The same five points give four slopes; on a smooth function these lie on
a line, so what sticks out is rounding or a kink, and it is the measure of doubt. When the doubt is too large for the
tolerance, smaller steps are tried (a kink nearby leaves the interval) or larger ones (rounding fades).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator

TRUST = 5.0  # an error must be this many times the doubt before it counts
EPS = {name: float(np.finfo(name).eps) for name in ("float16", "float32", "float64")}
FIRST_STEP = {"float64": 1e-5, "float32": 2e-2, "float16": 2e-1}  # before scaling by the size of the entries


@dataclass(frozen=True)
class Line:
    """A direction through one tensor: which part of it moves, and with which weights."""

    part: tuple[Any, ...]  # indexes the tensor: ints for one entry, slices for a block
    weights: Any  # array of the part's shape, or 1.0


@dataclass(frozen=True)
class Slope:
    """The derivative along a line."""

    value: float
    moved: Array  # how far each entry of the part really moved per unit of t, after rounding
    rounding: float  # the doubt that floating-point numbers leave at this step
    doubt: float  # how far off `value` may be: rounding, curvature and kinks together
    step: float

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.value))

    @property
    def kinked(self) -> bool:
        """True where the four slopes disagree by much more than rounding explains."""
        return self.doubt > 20 * self.rounding


@dataclass(frozen=True)
class Probe:
    """One tensor of a problem, ready to be moved: y = f(x), contracted with a fixed dy."""

    f: Callable[[Array], Array]
    x: Array
    y: Array
    dy: Array
    precision: str  # the precision in which f really computes
    tolerance: float
    step: float | None = None  # the first step that the caller wants

    @cached_property
    def size(self) -> float:
        """Of a typical entry of x; 1 if all are zero."""
        return _size(self.x)

    def first_step(self, size: float) -> float:
        """The step to begin with, for entries of this size: a power of two, so that x + h loses little."""
        step = FIRST_STEP[self.precision] if self.step is None else self.step
        return float(2.0 ** np.round(np.log2(step * max(1.0, size))))

    def slope(self, line: Line, step: float) -> Slope:
        """The derivative along a line at one step size: four calls of f."""
        moves = [t * np.asarray(line.weights, float) for t in (-step, -step / 2, step / 2, step)]
        points = [_moved(self.x, line.part, move) for move in moves]
        at = [point[line.part].copy() for point in points]  # before f, which may write into them
        moved = (4 * (at[2] - at[1]) / step - (at[3] - at[0]) / (2 * step)) / 3
        far_low, low, high, far_high = (np.asarray(self.f(point), float) for point in points)
        with np.errstate(all="ignore"):
            half = self.dy * (high - low) / step
            full = self.dy * (far_high - far_low) / (2 * step)
            value = float(np.sum(4 * half - full)) / 3
            # What a smooth function would not do: kinks, curvature and rounding, output by output.
            rough = (far_high - high) - 3 * (high - self.y) + 3 * (self.y - low) - (low - far_low)
            rough = self.dy * rough / (2 * step)
            bent = half - full
            changed = (far_high != far_low) * np.maximum(np.abs(far_high), np.abs(self.y))
            noise = EPS[self.precision] * np.abs(self.dy * changed)
            rounding = 2 * float(np.linalg.norm(noise)) / step
        if not np.isfinite(value + np.sum(rough)):
            return Slope(float("nan"), moved, float("inf"), float("inf"), step)
        each = np.abs(bent) + np.abs(rough)
        loud = np.sum(each, where=each > 100 * noise / step)  # these may cancel in the sum, but not in the derivative
        doubt = rounding + max(float(loud), abs(float(np.sum(bent))) + abs(float(np.sum(rough))))
        return Slope(value, moved, rounding, doubt, step)

    def measure(self, line: Line, size: float, typical: float) -> Slope:
        """The derivative along a line at the step that leaves the least doubt.

        size: of the entries that move; typical: of the slopes, below which relative accuracy is not asked for.
        """

        def good(slope: Slope) -> bool:
            return TRUST * slope.doubt <= self.tolerance * max(abs(slope.value), typical)

        first = best = self.slope(line, self.first_step(size))
        if good(best):
            return best
        by_rounding = best.finite and not best.kinked
        if by_rounding:
            steps = [first.step * factor for factor in (8, 64, 512, 4096, 32768)]
        else:
            steps = [first.step * factor for factor in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)]
            fitting = first.step / max(1.0, size) * max(size, self.size)
            steps = ([fitting] if fitting < 0.5 * first.step else []) + steps  # all entries are tiny
        for tries, step in enumerate(steps):
            slope = self.slope(line, float(2.0 ** np.round(np.log2(step))))
            if slope.doubt < best.doubt:
                best = slope
            elif by_rounding:
                break  # a larger step only adds curvature
            if tries == 1 and best.doubt > 0.5 * first.doubt:
                break  # a kink at x itself does not go away
            if good(best):
                break
        return best

    def confirm(self, line: Line, slope: Slope) -> Slope:
        """The same slope with more doubt if an eight times smaller step tells another story (kinks in even rows)."""
        again = self.slope(line, slope.step / 8)
        if not again.finite:
            return slope
        return dataclasses.replace(slope, doubt=max(slope.doubt, abs(slope.value - again.value)))

    def contributions(self, line: Line, step: float) -> Array:
        """What each output adds to the slope: dy * dy/dt, an array of y's shape."""
        low, high = (self.f(_moved(self.x, line.part, t * np.asarray(line.weights))) for t in (-step, step))
        return np.asarray(self.dy * (np.asarray(high, float) - np.asarray(low, float)) / (2 * step))


def precision_of(f: Callable[[Array], Array], x: Array, y: Array, rng: Generator) -> str:
    """The precision in which f really computes, whatever the dtype of its result: "float64", "float32" or "float16".

    A function that rounds to float32 inside does not see a move of 1e-9, or sees a jump of 1e-7 instead.
    """
    if y.dtype.name in ("float16", "float32"):
        return y.dtype.name
    direction = random_weights(rng, x.shape) * _size(x)
    y = np.asarray(y, float)

    def difference(step: float) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((np.asarray(f(x + step * direction), float) - f(x - step * direction)) / (2 * step))

    coarse = difference(1e-6)
    if not np.all(np.isfinite(coarse)):
        return "float64"
    length = float(np.linalg.norm(coarse))
    noise_of_64 = EPS["float64"] * float(np.linalg.norm(y)) / 1e-9
    if length < 100 * noise_of_64:
        return "float64"  # the output hardly moves: nothing to be seen this way
    return "float32" if float(np.linalg.norm(difference(1e-9) - coarse)) > 0.5 * length else "float64"


def random_weights(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Random signs with sizes between 0.5 and 1.5: no entry is lost among the others."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def _size(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) or 1.0


def _moved(x: Array, part: tuple[Any, ...], move: Array) -> Array:
    moved = np.array(x, dtype=float)
    moved[part] += move
    return moved
