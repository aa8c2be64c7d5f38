"""The innermost loop of every convolution: a small matrix product that lives in the processor's registers.

A convolution is a matrix product, and a matrix product is limited by how often its numbers are fetched. Here 8 x 2
vectors of answers are held in registers while the sum runs. Each step fetches 8 numbers of a and two vectors of b, and
multiplies all with all:

                b[k]   [ 16 numbers ][ 16 numbers ]
    a[0, k]  *      -> [ answers    ][ answers    ]       each is a register, written to memory once,
    a[1, k]  *      -> [ answers    ][ answers    ]       after the last k
      ...
    a[7, k]  *      -> [ answers    ][ answers    ]

A compiler does not find this form by itself, so this loop is the one that is written in the compiler's own language
(LLVM). It reaches the processor's peak, where a matrix library that does not use the processor's widest vectors
reaches half. `_in_numpy` says the same in NumPy, and runs where Numba's compiler is switched off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.llvm import (
    SETTINGS,
    VECTOR_BYTES,
    lanes_of,
    llvm_vector,
    load_vector,
    pointer_to,
    spread_number,
    store_vector,
)

# 16 accumulators of 32 registers. Processors that have AVX only have 16 registers: 12 accumulators there.
ROWS = 6 if VECTOR_BYTES == 32 else 8


def _in_numpy(rows: int, vectors: int) -> Any:
    def multiply(
        a: Array, a_at: int, a_row: int, a_step: int, b: Array, b_at: int, b_steps: Array, count: int,
        c: Array, c_at: int, c_row: int,
    ) -> None:  # fmt: skip
        wide = np.arange(vectors * lanes_of(c.dtype))
        left = a[a_at + np.arange(rows)[:, None] * a_row + np.arange(count) * a_step]
        right = b[b_at + b_steps[:count, None] + wide]
        c[c_at + np.arange(rows)[:, None] * c_row + wide] += left @ right

    return multiply


def _in_llvm(rows: int, vectors: int) -> Any:
    @intrinsic
    def multiply(
        _context: Any, a: Any, a_at: Any, a_row: Any, a_step: Any, b: Any, b_at: Any, b_steps: Any, count: Any,
        c: Any, c_at: Any, c_row: Any,
    ) -> Any:  # fmt: skip
        integer = types.intp
        signature = types.void(a, integer, integer, integer, b, integer, b_steps, integer, c, integer, integer)
        return signature, lambda context, builder, signature, args: write_product(
            rows, vectors, context, builder, signature.args, args
        )

    return multiply


def write_product(
    rows: int, vectors: int, context: Any, builder: Any, kinds: Any, args: Any, begin: Any = None, least: Any = None,
) -> Any:  # fmt: skip
    """Load the answers (or begin with a number for each row), add for every k, store what is not below `least`."""
    integer = ir.IntType(64)
    a, a_at, a_row, a_step, b, b_at, b_steps, count, c, c_at, c_row = args
    a_first = pointer_to(context, builder, kinds[0], a, a_at)
    b_first = pointer_to(context, builder, kinds[4], b, b_at)
    b_step = pointer_to(context, builder, kinds[6], b_steps, integer(0))
    c_first = pointer_to(context, builder, kinds[8], c, c_at)
    vector = llvm_vector(c_first.type.pointee)
    name = f"llvm.fma.v{vector.count}f{8 * VECTOR_BYTES // vector.count}"  # a * b + c, rounded once
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)

    a_rows = [builder.gep(a_first, [builder.mul(a_row, integer(r))]) for r in range(rows)]
    places = {
        (r, v): builder.gep(c_first, [builder.add(builder.mul(c_row, integer(r)), integer(v * vector.count))])
        for r in range(rows)
        for v in range(vectors)
    }
    if begin is None:
        sums_before = {place: load_vector(builder, pointer) for place, pointer in places.items()}
    else:
        sums_before = {place: begin[place[0]] for place in places}

    entry, loop, done = builder.block, *(builder.append_basic_block(part) for part in ("multiply", "multiplied"))
    builder.branch(loop)
    builder.position_at_end(loop)
    k, a_place = builder.phi(integer), builder.phi(integer)
    total = {place: builder.phi(vector) for place in places}
    b_row = builder.gep(b_first, [builder.load(builder.gep(b_step, [k]))])
    right = [load_vector(builder, builder.gep(b_row, [integer(v * vector.count)])) for v in range(vectors)]
    sums_after = {}
    for r in range(rows):
        left = spread_number(builder, builder.load(builder.gep(a_rows[r], [a_place])))
        for v in range(vectors):
            sums_after[r, v] = builder.call(fma, [left, right[v], total[r, v]])
    following = builder.add(k, integer(1))
    k.add_incoming(integer(0), entry)
    k.add_incoming(following, loop)
    a_place.add_incoming(integer(0), entry)
    a_place.add_incoming(builder.add(a_place, a_step), loop)
    for place in places:
        total[place].add_incoming(sums_before[place], entry)
        total[place].add_incoming(sums_after[place], loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)

    builder.position_at_end(done)
    floor = None if least is None else spread_number(builder, least)
    for place, pointer in places.items():
        value = sums_after[place]
        if floor is not None:  # a NaN is not below it
            value = builder.select(builder.fcmp_unordered("ugt", value, floor), value, floor)
        store_vector(builder, value, pointer)
    return context.get_dummy_value()


make = _in_numpy if SETTINGS.DISABLE_JIT else _in_llvm
full_2, _full_1 = make(ROWS, 2), make(ROWS, 1)
_four_2, _four_1 = make(4, 2), make(4, 1)
_two_2, _two_1 = make(2, 2), make(2, 1)
_one_2, _one_1 = make(1, 2), make(1, 1)


@inner
def multiply(
    rows: int, vectors: int, a: Array, a_at: int, a_row: int, a_step: int, b: Array, b_at: int, b_steps: Array,
    count: int, c: Array, c_at: int, c_row: int,
) -> None:  # fmt: skip
    """Add some rows, and 1 or 2 vectors of columns, of a product to c.

        c[c_at + r * c_row + j] += sum over k < count of a[a_at + r * a_row + k * a_step] * b[b_at + b_steps[k] + j]

    All arrays are flat, the steps are int64, and count is at least 1. The steps are what makes a convolution a matrix
    product without writing its columns out: b_steps[k] says where the image stands under filter number k.
    """
    r = 0
    while r < rows:  # as many full tiles as fit, then smaller and smaller ones
        rows_left, a_at_r, c_at_r = rows - r, a_at + r * a_row, c_at + r * c_row
        if rows_left >= ROWS:
            if vectors == 2:
                full_2(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            else:
                _full_1(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            r += ROWS
        elif rows_left >= 4:
            if vectors == 2:
                _four_2(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            else:
                _four_1(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            r += 4
        elif rows_left >= 2:
            if vectors == 2:
                _two_2(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            else:
                _two_1(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            r += 2
        else:
            if vectors == 2:
                _one_2(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            else:
                _one_1(a, a_at_r, a_row, a_step, b, b_at, b_steps, count, c, c_at_r, c_row)
            r += 1
