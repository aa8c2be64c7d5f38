"""Vectors: several neighbouring numbers that the processor loads, adds and stores as one.

Numba finds vector instructions in simple loops. It does not find them where many arrays are read and written at once,
because any two might overlap. Here they are written down: `load` gives a Vector, `+ - *` work on all its numbers, and
`store` writes it back, so that a formula for one number is also the formula for a whole vector.

    a, b = load(x, 0), load(x, 64)
    store(y, 0, 4 * a - b)

Arrays are flat and positions are counted in numbers. Nothing is checked: as with every kernel, the caller vouches for
the sizes. Where Numba's compiler is switched off, a Vector is a short NumPy array and all stays the same.

A cached kernel keeps running the old code after this file changed: empty `__pycache__` then.
"""

from __future__ import annotations

import operator
from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, models, overload, register_model

from .contract import Array

SETTINGS: Any = numba.config  # Numba makes its attributes from the environment
ZERO: Any = np.int64(0)  # as an argument: for a 0 that is written out, Numba compiles a function anew


def _vector_bytes() -> int:
    """How wide the vectors of this processor are: AVX-512, AVX, or the 16 bytes that every one has."""
    features = SETTINGS.CPU_FEATURES or binding.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        return 64
    return 32 if "+avx" in features else 16


VECTOR_BYTES = _vector_bytes()


def lanes_of(dtype: Any) -> int:
    """How many numbers of a dtype one vector holds: 16 of float32 with AVX-512."""
    size: int = np.dtype(dtype).itemsize
    return VECTOR_BYTES // size


class Vector(types.Type):
    """Numba's type of a vector of numbers of one type."""

    def __init__(self, number: Any) -> None:
        self.number = number
        super().__init__(name=f"Vector({VECTOR_BYTES} bytes of {number})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        number = manager.lookup(kind.number).get_value_type()
        super().__init__(manager, kind, llvm_vector(number))  # type: ignore[no-untyped-call]  # Numba's own class


def llvm_vector(number: Any) -> Any:
    """LLVM's type of a vector of float or double."""
    return ir.VectorType(number, VECTOR_BYTES // (4 if isinstance(number, ir.FloatType) else 8))


def pointer_to(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """The address of a number of a flat array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at], inbounds=True)


def load_vector(builder: Any, pointer: Any) -> Any:
    """The vector that begins at an address, which need not be a multiple of a vector's size."""
    value = builder.load(builder.bitcast(pointer, llvm_vector(pointer.type.pointee).as_pointer()))
    value.align = 4
    return value


def store_vector(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def spread_number(builder: Any, number: Any) -> Any:
    """The vector that holds one number everywhere."""
    kind, index = llvm_vector(number.type), ir.IntType(32)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, index(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, kind.count), None))


def transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Rows to columns: exchange blocks of 1, 2, 4, ... numbers between rows that far apart."""
    count, index = len(rows), ir.IntType(32)
    step = 1
    while step < count:
        for i in (i for i in range(count) if not i & step):
            a, b = rows[i], rows[i + step]
            upper = [j if not j & step else count + j - step for j in range(count)]
            lower = [j + step if not j & step else count + j for j in range(count)]
            rows[i], rows[i + step] = (
                builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(index, count), places))
                for places in (upper, lower)
            )
        step *= 2
    return rows


def apart(builder: Any, vectors: list[Any]) -> list[Any]:
    """Neighbouring numbers in 2, 4, ... vectors -> every 2nd, 4th, ... of them, from the first, second, ... on."""
    count, index = vectors[0].type.count, ir.IntType(32)
    if len(vectors) == 1:
        return vectors
    halves = []
    for begin in (0, 1):
        places = ir.Constant(ir.VectorType(index, count), list(range(begin, 2 * count, 2)))
        half = [builder.shuffle_vector(*vectors[i : i + 2], places) for i in range(0, len(vectors), 2)]
        halves.append(apart(builder, half))
    return [vector for pair in zip(*halves, strict=True) for vector in pair]


if SETTINGS.DISABLE_JIT:

    def load(x: Array, at: int) -> Any:
        return x[at : at + lanes_of(x.dtype)].copy()

    def spread(number: Any) -> Any:
        return np.full(lanes_of(number.dtype), number)

    def store(x: Array, at: int, value: Any) -> None:
        x[at : at + len(value)] = value

    def positive(value: Any) -> Any:
        return np.maximum(value, 0)

    def frozen(x: Array) -> Array:
        return x

    def store_strongest(
        x: Array,
        at: int,
        steps: Array,
        codes: Array,
        first: int,
        y: Array,
        won: Array,
        to: int,
        begin: int,
        stride: int,
    ) -> None:
        lanes = lanes_of(x.dtype)
        best, found = np.full(lanes, -np.inf, x.dtype), np.full(lanes, first)
        for step, code in zip(steps, codes, strict=True):
            value = x[at + step : at + step + lanes]
            wins = ~(value <= best) & (best == best)
            best[wins], found[wins] = value[wins], code
        y[to : to + lanes], won[to : to + lanes] = best, found + begin + stride * np.arange(lanes)

    def store_transposed(x: Array, at: int, row: int, y: Array, to: int, column: int) -> None:
        places = np.arange(lanes_of(x.dtype))
        y[to + places * column + places[:, None]] = x[at + places + places[:, None] * row]

    def _store_apart(step: int) -> Any:
        def spread_out(x: Array, at: int, y: Array, to: int, far: int) -> None:
            phases, places = np.arange(step)[:, None], np.arange(lanes_of(x.dtype))
            y[to + far * phases + places] = x[at + step * places + phases]

        return spread_out

else:
    _I = ir.IntType(32)

    @intrinsic
    def load(_context: Any, x: Any, at: Any) -> Any:
        """The vector x[at : at + lanes]."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return load_vector(builder, pointer_to(context, builder, signature.args[0], *args))

        return Vector(x.dtype)(x, types.intp), write

    @intrinsic
    def spread(_context: Any, number: Any) -> Any:
        """The vector that holds a number everywhere."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return spread_number(builder, args[0])

        return Vector(number)(number), write

    @intrinsic
    def store(_context: Any, x: Any, at: Any, value: Any) -> Any:
        """x[at : at + lanes] = value."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            store_vector(builder, args[2], pointer_to(context, builder, signature.args[0], *args[:2]))
            return context.get_dummy_value()

        return types.void(x, types.intp, value), write

    @intrinsic
    def store_strongest(
        _context: Any, x: Any, at: Any, steps: Any, codes: Any, first: Any, y: Any, won: Any, to: Any, begin: Any,
        stride: Any,
    ) -> Any:  # fmt: skip
        """y[to + j] = the largest of x[at + j + steps[k]] over k, or the first NaN; which k it was stands in won.

        won[to + j] = codes[k] + begin + j * stride. Among equals the first wins; where nothing is above -inf, `first`
        stands for codes[k].
        """

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds, (x, at, steps, codes, first, y, won, to, begin, stride) = signature.args, args
            source, target = (
                pointer_to(context, builder, kinds[0], x, at),
                pointer_to(context, builder, kinds[5], y, to),
            )
            number, whole = source.type.pointee, ir.VectorType(_I, llvm_vector(source.type.pointee).count)

            def everywhere(code: Any) -> Any:
                one = builder.insert_element(ir.Constant(whole, ir.Undefined), code, _I(0))
                return builder.shuffle_vector(one, ir.Constant(whole, ir.Undefined), ir.Constant(whole, None))

            best_at, code_at = (cgutils.alloca_once(builder, kind) for kind in (llvm_vector(number), whole))
            builder.store(spread_number(builder, ir.Constant(number, float("-inf"))), best_at)
            builder.store(everywhere(builder.trunc(first, _I)), code_at)
            count = builder.extract_value(context.make_array(kinds[2])(context, builder, steps).shape, 0)
            with cgutils.for_range(builder, count) as loop:
                step = builder.load(pointer_to(context, builder, kinds[2], steps, loop.index))
                code = builder.load(pointer_to(context, builder, kinds[3], codes, loop.index))
                value, before = load_vector(builder, builder.gep(source, [step])), builder.load(best_at)
                # A NaN is not below, above or equal to anything. Once it is best, nothing wins.
                wins = builder.and_(
                    builder.fcmp_unordered("ugt", value, before), builder.fcmp_ordered("ord", before, before)
                )  # fmt: skip
                builder.store(builder.select(wins, value, before), best_at)
                builder.store(builder.select(wins, everywhere(code), builder.load(code_at)), code_at)
            store_vector(builder, builder.load(best_at), target)
            places = builder.mul(
                everywhere(builder.trunc(stride, _I)), ir.Constant(whole, list(range(whole.count)))
            )  # fmt: skip
            places = builder.add(places, everywhere(builder.trunc(begin, _I)))
            store_vector(
                builder,
                builder.add(places, builder.load(code_at)),
                pointer_to(context, builder, kinds[6], won, to),
            )
            return context.get_dummy_value()

        number = types.intp
        return types.void(x, number, steps, codes, number, y, won, number, number, number), write

    @intrinsic
    def frozen(_context: Any, x: Any) -> Any:
        """The array as one that is only read: what reads it is then compiled once, whoever may write it."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return impl_ret_borrowed(context, builder, signature.return_type, args[0])

        return x.copy(readonly=True)(x), write

    @intrinsic
    def positive(_context: Any, value: Any) -> Any:
        """The vector with 0 in place of what is negative; a NaN stays."""

        def write(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            zero = ir.Constant(args[0].type, None)
            return builder.select(builder.fcmp_unordered("ugt", args[0], zero), args[0], zero)

        return value(value), write

    @intrinsic
    def store_transposed(_context: Any, x: Any, at: Any, row: Any, y: Any, to: Any, column: Any) -> Any:
        """For a square of lanes x lanes numbers: y[to + j * column + i] = x[at + i * row + j]."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, at, row, y, to, column = args
            source = pointer_to(context, builder, signature.args[0], x, at)
            target = pointer_to(context, builder, signature.args[3], y, to)
            places = [ir.IntType(64)(i) for i in range(llvm_vector(source.type.pointee).count)]
            rows = [load_vector(builder, builder.gep(source, [builder.mul(row, i)])) for i in places]
            for j, value in zip(places, transposed(builder, rows), strict=True):
                store_vector(builder, value, builder.gep(target, [builder.mul(column, j)]))
            return context.get_dummy_value()

        whole = types.intp
        return types.void(x, whole, whole, y, whole, whole), write

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
                for i, value in zip(places, apart(builder, vectors), strict=True):
                    store_vector(builder, value, builder.gep(target, [builder.mul(far, i)]))
                return context.get_dummy_value()

            whole = types.intp
            return types.void(x, whole, y, whole, whole), write

        return spread_out

    def _operation(name: str) -> Any:
        @intrinsic
        def apply(_context: Any, a: Any, b: Any) -> Any:
            kind = a if isinstance(a, Vector) else b

            def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                a, b = (
                    value if isinstance(given, Vector)
                    else spread_number(builder, context.cast(builder, value, given, kind.number))
                    for value, given in zip(args, signature.args, strict=True)
                )  # fmt: skip
                return getattr(builder, name)(a, b, flags=("contract",))  # a * b + c may round once

            return kind(a, b), write

        return apply

    def _teach(symbol: Any, name: str) -> None:
        """Make an operator work on two vectors, or on a number and a vector."""
        apply = _operation(name)

        @overload(symbol)
        def operate(a: Any, b: Any) -> Any:
            def compute(a: Any, b: Any) -> Any:
                return apply(a, b)

            return compute if isinstance(a, Vector) or isinstance(b, Vector) else None

    _teach(operator.add, "fadd")
    _teach(operator.sub, "fsub")
    _teach(operator.mul, "fmul")

# y[to + b * far + j] = x[at + b + step * j] for every b below the step and j of a vector.
store_apart_2, store_apart_4 = _store_apart(2), _store_apart(4)
