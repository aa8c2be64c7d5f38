"""Derivatives measured by moving the input: five points on a line, and how far the result may be trusted.

With L(t) = <dy, f(x + t v)> the slope at t = 0 comes from L at -h, -h/2, 0, h/2 and h (Richardson: the error of the
two central differences cancels to order h^4). The same five points give four slopes; on a smooth function these lie on
a line, so what sticks out is rounding or a kink, and it is the measure of doubt. Where the doubt is too large, `steps`
looks for a better step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.noise import EPS, SMALLEST, noise_of, norm, rms

TRUST = 5.0  # an error must be this many times the doubt before it counts
FIRST_STEP = {"float64": 1e-5, "float32": 2e-2, "float16": 2e-1}  # before scaling by the size of the entries


@dataclass(frozen=True)
class Line:
    """Describe a direction through one tensor: which part of it moves, and with which weights."""

    part: tuple[Any, ...]  # indexes the tensor: ints for one entry, slices for a block
    weights: Any  # array of the part's shape, or 1.0


@dataclass(frozen=True)
class Slope:
    """Hold the derivative along a line, and how far it may be off."""

    value: float
    moved: Array  # how far each entry of the part really moved per unit of t, after rounding
    rounding: float  # the doubt that floating-point numbers leave at this step
    doubt: float  # how far off `value` may be: rounding, curvature and kinks together
    step: float
    edge: bool = False  # f is finite on one side only
    climbed: bool = False  # agrees with those at many smaller steps

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.value))

    @property
    def kinked(self) -> bool:
        """Return True where the slopes disagree by much more than rounding explains."""
        return self.doubt > 20 * self.rounding


@dataclass(frozen=True)
class Probe:
    """Move one tensor of a problem: y = f(x), contracted with a fixed dy."""

    f: Callable[[Array], Array]
    x: Array
    y: Array
    dy: Array
    precision: str  # the precision in which f really computes
    tolerance: float
    step: float | None = None  # the first step, if the caller gives one

    @cached_property
    def size(self) -> float:
        """Return the size of a typical entry of x; 1 if all are zero."""
        return rms(self.x) or 1.0

    @cached_property
    def noise(self) -> Array:
        """Return how far rounding may move each output; measured once, where it matters."""
        return noise_of(self.f, self.x, self.y, self.precision)

    def first_step(self, size: float) -> float:
        """Return the step to begin with, for entries of this size: a power of two, so that x + h loses little."""
        step = FIRST_STEP[self.precision] if self.step is None else self.step
        return power_of_two(step * max(1.0, size))

    def pair(self, line: Line, step: float) -> tuple[Array, Array, Array]:
        """Return f at t = -step and at t = step, and how far the entries really moved per unit of t."""
        weights = np.asarray(line.weights, float)
        points = [moved(self.x, line.part, t * weights) for t in (-step, step)]
        distance = points[1][line.part] - points[0][line.part]  # before f, which may write into them
        low, high = (np.asarray(self.f(point), float) for point in points)
        return low, high, np.asarray(distance / (2 * step))

    def slope(self, line: Line, step: float, noise: Array | None = None) -> Slope:
        """Return the derivative along a line at one step size: four calls of f.

        noise: how far rounding may move each output; one unit in its last place if it has not been measured.
        """
        low, high, moved_half = self.pair(line, step / 2)
        far_low, far_high, moved_full = self.pair(line, step)
        with np.errstate(all="ignore"):
            half = self.dy * ((high - low) / step)
            full = self.dy * ((far_high - far_low) / (2 * step))
            value = float(np.sum(4 * half - full)) / 3
            # What a smooth function would not do: kinks, curvature and rounding, output by output.
            rough = (far_high - high) - 3 * (high - self.y) + 3 * (self.y - low) - (low - far_low)
            rough = self.dy * (rough / (2 * step))
            bent = half - full
            if noise is None:
                largest = np.maximum(np.maximum(np.abs(far_high), np.abs(far_low)), np.abs(self.y))
                noise = EPS[self.precision] * largest + SMALLEST
            loudness = np.abs(self.dy * noise)
            rounding = 2 * (norm(loudness) / step)
            if not np.isfinite(value + np.sum(rough)):
                return Slope(float("nan"), (4 * moved_half - moved_full) / 3, float("inf"), float("inf"), step)
            uneven = np.abs(bent) + np.abs(rough)
            loud = np.sum(
                uneven, where=uneven > 100 * (loudness / step)
            )  # may cancel in the sum, not in the derivative
        doubt = rounding + max(float(loud), abs(float(np.sum(bent))) + abs(float(np.sum(rough))))
        return Slope(value, (4 * moved_half - moved_full) / 3, rounding, doubt, step)

    def contributions(self, line: Line, step: float) -> Array:
        """Return what each output adds to the slope: dy * dy/dt, an array of y's shape."""
        low, high, _ = self.pair(line, step)
        return np.asarray(self.dy * (high - low) / (2 * step))


def power_of_two(step: float) -> float:
    """Return the power of two nearest to a step."""
    return float(2.0 ** np.round(np.log2(step)))


def moved(x: Array, part: tuple[Any, ...], move: Array) -> Array:
    """Return a copy of x of which one part is moved."""
    x = np.array(x, dtype=float)
    x[part] += move
    return x
