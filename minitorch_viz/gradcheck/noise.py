"""How much of a function's value is rounding: the digits below which a derivative cannot be seen.

A result of 1e10 has no digits below 1e-6, and (1e10 + x) - 1e10 has none either, although it is small. So the noise is
measured: seven results on a short line differ by something smooth and by noise, and the smooth part vanishes in
differences of high order.

J. J. More and S. M. Wild, "Estimating computational noise", SIAM Journal on Scientific Computing, 2011.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minitorch_viz._types import Array, Generator

EPS = {name: float(np.finfo(name).eps) for name in ("float16", "float32", "float64")}
SMALLEST = 1e-305  # below this, numbers lose their digits one by one
SPACINGS = (1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3)  # of the seven points, relative to the entries
ORDERS = (3, 4, 5)  # of the differences; noise is alike in all of them


def noise_of(f: Callable[[Array], Array], x: Array, y: Array, precision: str) -> Array:
    """Return how far rounding may move each output: an array of y's shape, at least one unit in the last place."""
    noise = EPS[precision] * np.abs(y) + SMALLEST
    sizes = np.abs(x) if np.any(x) else np.ones_like(x)
    direction = random_weights(np.random.default_rng(1), x.shape) * sizes
    grid = 4 * np.spacing(sizes)  # moves that are whole multiples of it are not rounded
    unmoved = np.ones(y.shape, bool)  # outputs that have not moved so far
    for spacing in SPACINGS:
        with np.errstate(all="ignore"):
            move = np.sign(direction) * grid * np.maximum(1, np.round(np.abs(direction) * spacing / grid))
            points = np.array([y if k == 0 else f(x + k * move) for k in range(-3, 4)], float)
            moves = np.diff(points, axis=0)
            usable = np.all(np.isfinite(moves), axis=0)
            measured = unmoved & usable & (np.count_nonzero(moves, axis=0) >= 3)
            levels = [_level(points, order) for order in ORDERS]
            noise = np.where(measured, np.maximum(noise, 3 * np.min(levels, axis=0)), noise)
        unmoved &= ~measured & usable
        if not np.any(unmoved & (y != 0)):
            break
    return np.asarray(noise)


def _level(points: Array, order: int) -> Array:
    """Return the standard deviation of the noise, from differences of this order."""
    gain = math.factorial(order) ** 2 / math.factorial(2 * order)
    return np.asarray(np.sqrt(gain * np.mean(np.square(np.diff(points, order, axis=0)), axis=0)))


def precision_of(f: Callable[[Array], Array], x: Array, y: Array, rng: Generator) -> str:
    """Return the precision in which f really computes, whatever its dtype: "float64", "float32" or "float16".

    A function that rounds to float32 inside does not change for a move of 1e-9, or jumps by 1e-7.
    """
    if y.dtype.name in ("float16", "float32"):
        return y.dtype.name
    direction = random_weights(rng, x.shape) * (rms(x) or 1.0)
    y = np.asarray(y, float)

    def difference(step: float) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((np.asarray(f(x + step * direction), float) - f(x - step * direction)) / (2 * step))

    coarse = difference(1e-6)
    if not np.all(np.isfinite(coarse)):
        return "float64"
    length = norm(coarse)
    noise_of_64 = EPS["float64"] * norm(y) / 1e-9
    if length < 100 * noise_of_64:
        return "float64"  # the output hardly moves: nothing to be seen this way
    if norm(difference(1e-9) - coarse) <= 0.5 * length:
        return "float64"
    return "float32" if norm(noise_of(f, x, y, "float64")) > 1e-10 * norm(y) else "float64"  # or it is only steep


def random_weights(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Return random signs with sizes between 0.5 and 1.5: no entry is lost among the others."""
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape))


def norm(values: Array) -> float:
    """Return the Euclidean length of all entries; numbers whose squares overflow or vanish are no exception."""
    values = np.abs(np.asarray(values, float))
    largest = float(np.max(values, initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm((values / largest).ravel()))


def rms(values: Array) -> float:
    """Return the root of the mean square of all entries."""
    return norm(values) / math.sqrt(max(1, np.size(values)))
