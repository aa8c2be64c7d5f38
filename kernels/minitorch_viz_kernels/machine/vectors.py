"""Vectors: several neighbouring numbers that the processor loads, adds and stores as one.

Numba finds vector instructions in simple loops. It does not find them where many arrays are read and written at once,
because any two might overlap. Here they are written down: `load` gives a Vector, `+ - * /` work on all its numbers, and
`store` writes it back, so that a formula for one number is also the formula for a whole vector.

    a, b = load(x, 0), load(x, 64)
    store(y, 0, 4 * a - b)

Arrays are flat and positions are counted in numbers. Nothing is checked: as with every kernel, the caller vouches for
the sizes. Where Numba's compiler is switched off, a Vector is a short NumPy array and all stays the same.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, models, overload, register_model

from minitorch_viz_kernels.contract import Array

from .llvm import (
    SETTINGS,
    VECTOR_BYTES,
    lanes_of,
    llvm_vector,
    load_vector,
    pointer_to,
    spread_number,
    store_vector,
    transposed,
)

ZERO: Any = np.int64(0)  # as an argument: for a 0 that is written out, Numba compiles a function anew


class Vector(types.Type):
    """Be Numba's type of a vector of numbers of one type."""

    def __init__(self, number: Any) -> None:
        self.number = number
        super().__init__(name=f"Vector({VECTOR_BYTES} bytes of {number})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        number = manager.lookup(kind.number).get_value_type()
        super().__init__(manager, kind, llvm_vector(number))  # type: ignore[no-untyped-call]  # Numba's own class


if SETTINGS.DISABLE_JIT:

    def load(x: Array, at: int) -> Any:
        return x[at : at + lanes_of(x.dtype)].copy()

    def spread(number: Any) -> Any:
        return np.full(lanes_of(number.dtype), number)

    def store(x: Array, at: int, value: Any) -> None:
        x[at : at + len(value)] = value

    def positive(value: Any) -> Any:
        return np.maximum(value, 0)

    def clipped(value: Any, low: Any, high: Any) -> Any:
        return np.clip(value, low, high)

    def power_of_two(rounded: Any) -> Any:
        return np.exp2(rounded - rounder(rounded))

    def rounder(value: Any) -> Any:
        return value.dtype.type(1.5 * 2.0 ** np.finfo(value.dtype).nmant)

    def frozen(x: Array) -> Array:
        return x

    def store_transposed(x: Array, at: int, row: int, y: Array, to: int, column: int) -> None:
        places = np.arange(lanes_of(x.dtype))
        y[to + places * column + places[:, None]] = x[at + places + places[:, None] * row]

else:

    @intrinsic
    def load(_context: Any, x: Any, at: Any) -> Any:
        """Load the vector x[at : at + lanes]."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return load_vector(builder, pointer_to(context, builder, signature.args[0], *args))

        return Vector(x.dtype)(x, types.intp), write

    @intrinsic
    def spread(_context: Any, number: Any) -> Any:
        """Return the vector that holds a number everywhere."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return spread_number(builder, args[0])

        return Vector(number)(number), write

    @intrinsic
    def store(_context: Any, x: Any, at: Any, value: Any) -> Any:
        """Store x[at : at + lanes] = value."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            store_vector(builder, args[2], pointer_to(context, builder, signature.args[0], *args[:2]))
            return context.get_dummy_value()

        return types.void(x, types.intp, value), write

    @intrinsic
    def frozen(_context: Any, x: Any) -> Any:
        """Return the array as one that is only read: what reads it is then compiled once for both kinds."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return impl_ret_borrowed(context, builder, signature.return_type, args[0])

        return x.copy(readonly=True)(x), write

    @intrinsic
    def positive(_context: Any, value: Any) -> Any:
        """Return the vector with 0 in place of what is negative; a NaN stays."""

        def write(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            zero = ir.Constant(args[0].type, None)
            return builder.select(builder.fcmp_unordered("ugt", args[0], zero), args[0], zero)

        return value(value), write

    @intrinsic
    def clipped(_context: Any, value: Any, low: Any, high: Any) -> Any:
        """Return the vector with `low` in place of what is below it, and `high` of what is above; a NaN stays."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            low, high = (
                spread_number(builder, context.cast(builder, bound, kind, value.number))
                for bound, kind in zip(args[1:], signature.args[1:], strict=True)
            )
            above = builder.select(builder.fcmp_ordered("<", args[0], low), low, args[0])
            return builder.select(builder.fcmp_ordered(">", above, high), high, above)

        return value(value, low, high), write

    @intrinsic
    def rounder(_context: Any, value: Any) -> Any:
        """Return the number, of a vector's type, that leaves only whole numbers when it is added: 1.5 * 2^23 or ^52."""

        def write(context: Any, builder: Any, signature: Any, _args: Any) -> Any:
            return context.get_constant(signature.return_type, 1.5 * 2.0 ** _fraction_bits(value.number))

        return value.number(value), write

    @intrinsic
    def power_of_two(_context: Any, rounded: Any) -> Any:
        """Return 2^k for the whole numbers k in the last bits of `rounded`, a vector to which `rounder` was added.

        A number's bits hold its exponent: k is shifted into its place, so nothing is computed.
        """

        def write(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            fraction = _fraction_bits(rounded.number)
            whole = ir.VectorType(ir.IntType(rounded.number.bitwidth), args[0].type.count)
            shift, one = ([number] * whole.count for number in (fraction, _bias(rounded.number) << fraction))
            bits = builder.shl(builder.bitcast(args[0], whole), ir.Constant(whole, shift))
            return builder.bitcast(builder.add(bits, ir.Constant(whole, one)), args[0].type)

        return rounded(rounded), write

    def _fraction_bits(number: Any) -> int:
        return 23 if number == types.float32 else 52

    def _bias(number: Any) -> int:
        """Return what is added to the exponent of a number before it is written down."""
        return 127 if number == types.float32 else 1023

    @intrinsic
    def store_transposed(_context: Any, x: Any, at: Any, row: Any, y: Any, to: Any, column: Any) -> Any:
        """Set y[to + j * column + i] = x[at + i * row + j] for a square of lanes x lanes numbers."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, at, row, y, to, column = args
            source = pointer_to(context, builder, signature.args[0], x, at)
            target = pointer_to(context, builder, signature.args[3], y, to)
            places = [ir.IntType(64)(i) for i in range(llvm_vector(source.type.pointee).count)]
            rows = [load_vector(builder, builder.gep(source, [builder.mul(row, i)])) for i in places]
            for j, value in zip(places, transposed(builder, rows), strict=True):
                store_vector(builder, value, builder.gep(target, [builder.mul(column, j)]))
            return context.get_dummy_value()

        integer = types.intp
        return types.void(x, integer, integer, y, integer, integer), write

    def _operation(name: str) -> Any:
        @intrinsic
        def apply(_context: Any, a: Any, b: Any) -> Any:
            kind = a if isinstance(a, Vector) else b

            def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                a, b = (
                    value if isinstance(operand, Vector)
                    else spread_number(builder, context.cast(builder, value, operand, kind.number))
                    for value, operand in zip(args, signature.args, strict=True)
                )  # fmt: skip
                return getattr(builder, name)(a, b, flags=("contract",))  # a * b + c may round once

            return kind(a, b), write

        return apply

    def _define_operator(symbol: Any, name: str) -> None:
        """Make an operator work on two vectors, or on a number and a vector."""
        apply = _operation(name)

        @overload(symbol)
        def operate(a: Any, b: Any) -> Any:
            def compute(a: Any, b: Any) -> Any:
                return apply(a, b)

            return compute if isinstance(a, Vector) or isinstance(b, Vector) else None

    _define_operator(operator.add, "fadd")
    _define_operator(operator.sub, "fsub")
    _define_operator(operator.mul, "fmul")
    _define_operator(operator.truediv, "fdiv")
