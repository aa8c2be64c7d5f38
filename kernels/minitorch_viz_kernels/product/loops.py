"""Rung one: the matrix product in plain loops.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array


def matmul(a: Array, b: Array) -> Array:
    c = np.zeros((len(a), b.shape[1]), a.dtype)
    for m, p in np.ndindex(c.shape):
        for k in range(len(b)):
            c[m, p] += a[m, k] * b[k, p]
    return c
