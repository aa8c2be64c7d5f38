"""The sigmoid and the tanh of whole vectors, by one exponential each.

    exp(x) = 2^k * exp(r)        k the whole number nearest to x / log(2), so |r| <= log(2) / 2

as in `exponential`; exp(r) is its series. Near 0 a tanh is nearly its argument, so that in 1 - 2 / (exp(2x) + 1) all
digits would cancel. exp(x) - 1 keeps them, as the 1 of the series is not added at all where k is 0:

    e = exp(2x) - 1 = 2^k * (exp(r) - 1) + (2^k - 1)          tanh(x) = e / (e + 2)

Both are right to about two units in the last place, in either precision, and a NaN stays one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import overload

from .compiling import inner
from .llvm import SETTINGS
from .vectors import Vector, clipped, power_of_two, rounder

PER_LOG2 = 1 / math.log(2)
LOG2_HIGH = 0.693359375  # log(2) in two parts: a multiple of this one is exact, in single precision too
LOG2_LOW = -2.1219444005469058e-4  # not log(2) - LOG2_HIGH, as log(2) has been rounded already
FLAT = 40.0  # beyond it exp(x) - 1 and exp(x) + 1 are the same number
LARGEST_SINGLE, LARGEST_DOUBLE = 87.0, 708.0  # beyond it 2^k is no normal number
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1 / math.factorial(n) for n in range(2, 14))


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)) of a vector."""
    largest = LARGEST_SINGLE if x.dtype == np.float32 else LARGEST_DOUBLE
    return 1 / (1 + np.exp(np.clip(-x, -largest, largest)))


def tanh(x: Any) -> Any:
    """Return the tanh of a vector."""
    return np.tanh(x)


if not SETTINGS.DISABLE_JIT:

    @inner
    def _parts(x: Any) -> Any:
        """Return r, and 2^k, of a vector that has been clipped."""
        rounded = x * PER_LOG2 + rounder(x)
        k = rounded - rounder(x)
        return (x - k * LOG2_HIGH) - k * LOG2_LOW, power_of_two(rounded)

    def _series(r: Any) -> Any:
        """Return exp(r) - 1."""
        return np.expm1(r)

    @overload(_series)
    def _series_of(r: Any) -> Any:
        def single(r: Any) -> Any:
            tail = C4 + r * (C5 + r * (C6 + r * C7))
            return r + r * r * (C2 + r * (C3 + r * tail))

        def double(r: Any) -> Any:
            tail = C8 + r * (C9 + r * (C10 + r * (C11 + r * (C12 + r * C13))))
            return r + r * r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * (C7 + r * tail))))))

        return (single if r.number == types.float32 else double) if isinstance(r, Vector) else None

    @overload(sigmoid)
    def _sigmoid(x: Any) -> Any:
        if not isinstance(x, Vector):
            return None
        largest = LARGEST_SINGLE if x.number == types.float32 else LARGEST_DOUBLE

        def of_vector(x: Any) -> Any:
            r, power = _parts(clipped(0.0 - x, -largest, largest))
            return 1.0 / (1.0 + (power + power * _series(r)))

        return of_vector

    @overload(tanh)
    def _tanh(x: Any) -> Any:
        def of_vector(x: Any) -> Any:
            r, power = _parts(clipped(x + x, -FLAT, FLAT))
            e = power * _series(r) + (power - 1.0)
            return e / (e + 2.0)

        return of_vector if isinstance(x, Vector) else None
