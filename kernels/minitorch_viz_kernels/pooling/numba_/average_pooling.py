"""Average pooling in Numba: the loops of the definition, compiled, maps shared by threads.

padding  . . . . .     A window may begin in the padding and end beyond it. Its part inside the image runs
         . +-----       from top  = max(0, i * stride - padding)
         . | x x x      to bottom = min(H, i * stride - padding + kh), left and right likewise,
         . | x x x      so that the inner loops need no test.
"""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

from .max_pooling import COST_PER_PIXEL


@inner
def _avgpool_part(
    number: int, _worker: int, parts: int, x: Array, y: Array, kernel: Pair, stride: Pair, padding: Pair,
    include_pad: bool,
) -> None:  # fmt: skip
    """Compute some maps."""
    maps, height, width = x.shape
    _, high, wide = y.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    first, stop = part_range(maps, number, parts)
    for m in range(first, stop):
        for i in range(high):
            row_start = i * sh - ph
            top, bottom = max(0, row_start), min(height, row_start + kh)
            for j in range(wide):
                col_start = j * sw - pw
                left, right = max(0, col_start), min(width, col_start + kw)
                total = 0.0
                for row in range(top, bottom):
                    for col in range(left, right):
                        total += x[m, row, col]
                if include_pad:
                    count = (min(height + ph, row_start + kh) - row_start) * (
                        min(width + pw, col_start + kw) - col_start
                    )
                else:
                    count = (bottom - top) * (right - left)
                y[m, i, j] = total / count


@compiled
def _avgpool(
    board: Array, x: Array, y: Array, kernel: Pair, stride: Pair, padding: Pair, include_pad: bool
) -> None:  # fmt: skip
    """Compute y (M, H', W') of x (M, H, W)."""
    parts = part_count(board, len(x), COST_PER_PIXEL * y.size * kernel[0] * kernel[1])
    parallel(_avgpool_part, parts, board, (parts, x, y, kernel, stride, padding, include_pad))


@inner
def _avgpool_dx_part(
    number: int, _worker: int, parts: int, dy: Array, dx: Array, kernel: Pair, stride: Pair, padding: Pair,
    include_pad: bool,
) -> None:  # fmt: skip
    """Compute some maps."""
    maps, height, width = dx.shape
    _, high, wide = dy.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    first, stop = part_range(maps, number, parts)
    for m in range(first, stop):
        dx[m] = 0
        for i in range(high):
            row_start = i * sh - ph
            top, bottom = max(0, row_start), min(height, row_start + kh)
            for j in range(wide):
                col_start = j * sw - pw
                left, right = max(0, col_start), min(width, col_start + kw)
                if include_pad:
                    count = (min(height + ph, row_start + kh) - row_start) * (
                        min(width + pw, col_start + kw) - col_start
                    )
                else:
                    count = (bottom - top) * (right - left)
                gradient = dy[m, i, j] / count
                for row in range(top, bottom):
                    for col in range(left, right):
                        dx[m, row, col] += gradient


@compiled
def _avgpool_dx(
    board: Array, dy: Array, dx: Array, kernel: Pair, stride: Pair, padding: Pair, include_pad: bool
) -> None:  # fmt: skip
    """Compute dx (M, H, W) from dy (M, H', W')."""
    parts = part_count(board, len(dx), COST_PER_PIXEL * dy.size * kernel[0] * kernel[1])
    parallel(_avgpool_dx_part, parts, board, (parts, dy, dx, kernel, stride, padding, include_pad))


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    n, c, height, width = x.shape
    y = empty((n * c, *out), x.dtype)
    board = board_for(COST_PER_PIXEL * y.size * kernel[0] * kernel[1])
    _avgpool(board, packed(x, n * c, height, width), y, kernel, stride, padding, count_include_pad)
    return y.reshape(n, c, *out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx = empty((n * c, *size), dy.dtype)
    board = board_for(COST_PER_PIXEL * dy.size * kernel[0] * kernel[1])
    _avgpool_dx(board, packed(dy, n * c, high, wide), dx, kernel, stride, padding, count_include_pad)
    return dx.reshape(n, c, *size)
