"""An exponential that the compiler turns into vector instructions: for single precision, where `math.exp` is a call.

    exp(x) = 2^k * exp(r)        k the whole number nearest to x / log(2), so |r| <= log(2) / 2

exp(r) is its series up to r^7. For 2^k no power is computed: a number's bits hold its exponent, so k is put there. It
is rounded by adding a number so large that only whole numbers are left in its last bits, from which it is shifted into
place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import overload

from .atomics import intrinsic
from .llvm import SETTINGS

LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)  # beyond, 2^k is no normal number
PER_LOG2 = np.float32(1 / math.log(2))
ROUNDER = np.float32(1.5 * 2**23)  # the last bit of a number of this size is worth 1
LOG2_HIGH = np.float32(0.693359375)  # log(2) in two parts: a multiple of this one is exact
LOG2_LOW = np.float32(math.log(2) - 0.693359375)
ONE = np.float32(1)
C2, C3, C4, C5, C6, C7 = (np.float32(1 / math.factorial(n)) for n in range(2, 8))


def exponential(x: Any) -> Any:
    """Return exp(x), for numbers of either precision; in single precision from exp(-87) to exp(88)."""
    return np.exp(np.clip(x, LOWEST, HIGHEST)) if getattr(x, "dtype", None) == np.float32 else np.exp(x)


if not SETTINGS.DISABLE_JIT:

    @intrinsic
    def _power_of_two(typing_context: Any, rounded: Any) -> Any:
        """Return 2^k for the k in the last bits of `rounded`, a float32 with ROUNDER added."""

        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            whole = ir.IntType(32)
            bits = builder.shl(builder.bitcast(args[0], whole), whole(23))
            return builder.bitcast(builder.add(bits, whole(127 << 23)), ir.FloatType())

        return types.float32(types.float32), generate

    @overload(exponential, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
    def _exponential(x: Any) -> Any:
        def single(x: Any) -> Any:
            above = LOWEST if x < LOWEST else x  # a NaN is neither below nor above: it stays
            inside = HIGHEST if above > HIGHEST else above
            rounded = inside * PER_LOG2 + ROUNDER
            k = rounded - ROUNDER
            r = (inside - k * LOG2_HIGH) - k * LOG2_LOW
            series = ((((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2) * r + ONE) * r + ONE
            return series * _power_of_two(rounded)

        def double(x: Any) -> Any:
            return math.exp(x)

        return single if x == types.float32 else double
