"""The largest number of each of several neighbouring windows, found for a whole vector of windows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.llvm import (
    SETTINGS,
    lanes_of,
    llvm_vector,
    load_vector,
    pointer_to,
    spread_number,
    store_vector,
)

if SETTINGS.DISABLE_JIT:

    def store_maxima(
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
        best, code_of = np.full(lanes, -np.inf, x.dtype), np.full(lanes, first)
        for step, code in zip(steps, codes, strict=True):
            value = x[at + step : at + step + lanes]
            wins = ~(value <= best) & (best == best)
            best[wins], code_of[wins] = value[wins], code
        y[to : to + lanes], won[to : to + lanes] = best, code_of + begin + stride * np.arange(lanes)

else:
    _I = ir.IntType(32)

    @intrinsic
    def store_maxima(
        _context: Any, x: Any, at: Any, steps: Any, codes: Any, first: Any, y: Any, won: Any, to: Any, begin: Any,
        stride: Any,
    ) -> Any:  # fmt: skip
        """Set y[to + j] = the largest of x[at + j + steps[k]] over k, or the first NaN; won says which k it was.

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
                first = builder.insert_element(ir.Constant(whole, ir.Undefined), code, _I(0))
                return builder.shuffle_vector(first, ir.Constant(whole, ir.Undefined), ir.Constant(whole, None))

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
