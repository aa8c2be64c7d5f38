"""Squares of numbers from anywhere in an image, turned around: a few columns of a convolution, side by side.

A cached kernel keeps running the old code after this file changed: empty `__pycache__` then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .contract import Array
from .numba_vector import SETTINGS, lanes_of, llvm_vector, load_vector, pointer_to, store_vector, transposed

if SETTINGS.DISABLE_JIT:

    def store_columns(x: Array, at: int, starts: Array, k: int, y: Array, to: int, column: int) -> None:
        places = np.arange(lanes_of(x.dtype))
        y[to + places[:, None] * column + places] = x[at + starts[k + places] + places[:, None]]

else:

    @intrinsic
    def store_columns(_context: Any, x: Any, at: Any, starts: Any, k: Any, y: Any, to: Any, column: Any) -> Any:
        """For a square of lanes x lanes numbers: y[to + j * column + i] = x[at + starts[k + i] + j]."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, at, starts, k, y, to, column = args
            kinds, whole = signature.args, ir.IntType(64)
            first = pointer_to(context, builder, kinds[2], starts, k)
            target = pointer_to(context, builder, kinds[4], y, to)
            places = [whole(i) for i in range(llvm_vector(target.type.pointee).count)]
            rows = []
            for i in places:
                start = builder.add(at, builder.load(builder.gep(first, [i])))
                rows.append(load_vector(builder, pointer_to(context, builder, kinds[0], x, start)))
            for j, value in zip(places, transposed(builder, rows), strict=True):
                store_vector(builder, value, builder.gep(target, [builder.mul(column, j)]))
            return context.get_dummy_value()

        number = types.intp
        return types.void(x, number, starts, number, y, number, number), write
