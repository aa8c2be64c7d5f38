"""The innermost product once more, for answers that nothing has begun: they are written once, and never read before.

The `multiply` of `product/numba_/tile` adds to what stands in memory. A convolution's answer begins with its bias and
may end with a ReLU; where the sum is short (27 products for 3 channels and 3x3 filters) reading and writing it three
times takes as long as the sum. Here the registers begin with the bias and are cut off below `least` before they are
stored.

The weights may also be read as columns: dx of a 1x1 convolution is a product with w as it lies, transposed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.llvm import SETTINGS, lanes_of, pointer_to, spread_number
from minitorch_viz_kernels.product.numba_.tile import ROWS, write_product


def _in_numpy(rows: int, vectors: int) -> Any:
    def biased_product(
        a: Array, a_at: int, a_row: int, a_step: int, b: Array, b_at: int, b_steps: Array, count: int, start: Array,
        start_at: int, least: Any, c: Array, c_at: int, c_row: int,
    ) -> None:  # fmt: skip
        wide = np.arange(vectors * lanes_of(c.dtype))
        rows_of_a = a[a_at + np.arange(rows)[:, None] * a_row + np.arange(count) * a_step]
        sums = start[start_at : start_at + rows, None] + rows_of_a @ b[b_at + b_steps[:count, None] + wide]
        c[c_at + np.arange(rows)[:, None] * c_row + wide] = np.maximum(sums, least)

    return biased_product


def _in_llvm(rows: int, vectors: int) -> Any:
    @intrinsic
    def biased_product(
        _context: Any, a: Any, a_at: Any, a_row: Any, a_step: Any, b: Any, b_at: Any, b_steps: Any, count: Any,
        start: Any, start_at: Any, least: Any, c: Any, c_at: Any, c_row: Any,
    ) -> Any:  # fmt: skip
        integer = types.intp
        signature = types.void(
            a, integer, integer, integer, b, integer, b_steps, integer, start, integer, c.dtype, c, integer, integer
        )  # fmt: skip

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, a_at, a_row, a_step, b, b_at, b_steps, count, start, start_at, least, c, c_at, c_row = args
            kinds = signature.args
            first = pointer_to(context, builder, kinds[8], start, start_at)
            begin = [
                spread_number(builder, builder.load(builder.gep(first, [ir.IntType(64)(r)]))) for r in range(rows)
            ]  # fmt: skip
            product = (a, a_at, a_row, a_step, b, b_at, b_steps, count, c, c_at, c_row)
            kinds = [kinds[i] for i in (0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13)]
            return write_product(rows, vectors, context, builder, kinds, product, begin, least)

        return signature, write

    return biased_product


_make = _in_numpy if SETTINGS.DISABLE_JIT else _in_llvm
_full_2, _full_1 = _make(ROWS, 2), _make(ROWS, 1)
_four_2, _four_1 = _make(4, 2), _make(4, 1)
_two_2, _two_1 = _make(2, 2), _make(2, 1)
_one_2, _one_1 = _make(1, 2), _make(1, 1)


@inner
def biased_product(
    rows: int, vectors: int, a: Array, a_at: int, a_row: int, a_step: int, b: Array, b_at: int, b_steps: Array,
    count: int, start: Array, start_at: int, least: float, c: Array, c_at: int, c_row: int,
) -> None:  # fmt: skip
    """Write (not add) some rows, and 1 or 2 vectors of columns, of a product, begun with a bias and cut off below.

    c[c_at + r * c_row + j] = max(least, start[start_at + r]
            + sum over k < count of a[a_at + r * a_row + k * a_step] * b[b_at + b_steps[k] + j])
    """
    r = 0
    while r < rows:
        rows_left, a_at_r, c_at_r, from_r = rows - r, a_at + r * a_row, c_at + r * c_row, start_at + r
        if rows_left >= ROWS:
            if vectors == 2:
                _full_2(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            else:
                _full_1(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            r += ROWS
        elif rows_left >= 4:
            if vectors == 2:
                _four_2(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            else:
                _four_1(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            r += 4
        elif rows_left >= 2:
            if vectors == 2:
                _two_2(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            else:
                _two_1(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            r += 2
        else:
            if vectors == 2:
                _one_2(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            else:
                _one_1(
                    a, a_at_r, a_row, a_step, b, b_at, b_steps, count, start, from_r, least, c, c_at_r, c_row
                )  # fmt: skip
            r += 1
