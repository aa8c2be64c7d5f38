"""Moves of whole vectors that only convolutions need: columns side by side, and phases of a stride apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.llvm import (
    SETTINGS,
    lanes_of,
    llvm_vector,
    load_vector,
    pointer_to,
    store_vector,
    transposed,
)


def _take_apart(builder: Any, vectors: list[Any]) -> list[Any]:
    """Sort neighbouring numbers in 2, 4, ... vectors into every 2nd, 4th, ..., from the first, second, ... on."""
    count, index = vectors[0].type.count, ir.IntType(32)
    if len(vectors) == 1:
        return vectors
    halves = []
    for begin in (0, 1):
        places = ir.Constant(ir.VectorType(index, count), list(range(begin, 2 * count, 2)))
        half = [builder.shuffle_vector(*vectors[i : i + 2], places) for i in range(0, len(vectors), 2)]
        halves.append(_take_apart(builder, half))
    return [vector for pair in zip(*halves, strict=True) for vector in pair]


if SETTINGS.DISABLE_JIT:

    def store_columns(x: Array, at: int, starts: Array, k: int, y: Array, to: int, column: int) -> None:
        places = np.arange(lanes_of(x.dtype))
        y[to + places[:, None] * column + places] = x[at + starts[k + places] + places[:, None]]

    def _store_apart(step: int) -> Any:
        def spread_out(x: Array, at: int, y: Array, to: int, far: int) -> None:
            phases, places = np.arange(step)[:, None], np.arange(lanes_of(x.dtype))
            y[to + far * phases + places] = x[at + step * places + phases]

        return spread_out

else:

    @intrinsic
    def store_columns(_context: Any, x: Any, at: Any, starts: Any, k: Any, y: Any, to: Any, column: Any) -> Any:
        """Set y[to + j * column + i] = x[at + starts[k + i] + j] for a square of lanes x lanes numbers."""

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

    def _store_apart(step: int) -> Any:
        @intrinsic
        def spread_out(_context: Any, x: Any, at: Any, y: Any, to: Any, far: Any) -> Any:
            def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                x, at, y, to, far = args
                source = pointer_to(context, builder, signature.args[0], x, at)
                target = pointer_to(context, builder, signature.args[2], y, to)
                lanes = llvm_vector(source.type.pointee).count
                places = [ir.IntType(64)(i) for i in range(step)]
                vectors = [load_vector(builder, builder.gep(source, [ir.IntType(64)(i * lanes)])) for i in range(step)]
                for i, value in zip(places, _take_apart(builder, vectors), strict=True):
                    store_vector(builder, value, builder.gep(target, [builder.mul(far, i)]))
                return context.get_dummy_value()

            whole = types.intp
            return types.void(x, whole, y, whole, whole), write

        return spread_out


# y[to + b * far + j] = x[at + b + step * j] for every b below the step and j of a vector.
store_apart_2, store_apart_4 = _store_apart(2), _store_apart(4)
