"""How the loops of the Numba modules are compiled, and in which form they get their arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np

from .contract import Array

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, release the GIL, and keep the machine code on disk where a folder is writable.

    A compiled function that calls another keeps running the old one from disk after that one's file changed:
    kernels call nothing outside their own file.
    """
    try:
        compiled = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # "cannot cache function: no locator available": a read-only installation
        compiled = numba.njit(nogil=True)(function)
    return cast("Callable[P, R]", compiled)


def packed(x: Array) -> Array:
    """The array as a contiguous, read-only view.

    Numba compiles anew for each memory layout and for read-only arrays, at a second each: this leaves one kind.
    """
    x = np.ascontiguousarray(x).view()
    x.flags.writeable = False
    return x
