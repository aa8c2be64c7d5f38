"""3x3 convolution at stride 1 on a GPU, by Winograd's way: `winograd.cu` beside tells how; cuBLAS multiplies."""

from __future__ import annotations

import cupy

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.cuda import BLOCK_NUMBERS, launch
from minitorch_viz_kernels.machine.memory import blocks


def winograd(x: Array, w: Array, b: Array | None, padding: Pair, backward: bool = False, relu: bool = False) -> Array:
    """Convolve x (N, C, H, W) with w (O, C, 3, 3), plus b (O,) or None -> y (N, O, H', W').

    Backward, x is dy (N, O, H', W') and the answer dx (N, C, H, W), as in `numba_/winograd`; `padding` is then 2 - p.
    """
    images, channels, height, width = x.shape
    filters = w.shape[1] if backward else len(w)
    high, wide = height + 2 * padding[0] - 2, width + 2 * padding[1] - 2
    tile_rows, tile_columns = -(-high // 4), -(-wide // 4)
    y: Array = cupy.empty((images, filters, high, wide), x.dtype)
    u: Array = cupy.empty((36, filters, channels), x.dtype)
    x, w = cupy.ascontiguousarray(x), cupy.ascontiguousarray(w)
    bias = cupy.zeros(filters, x.dtype) if b is None else cupy.ascontiguousarray(b)
    launch(__package__, "winograd.cu", "winograd_filters", u, filters * channels, w, u, w.shape[1], int(backward))
    for block in blocks(images, BLOCK_NUMBERS, 36 * (channels + filters) * tile_rows * tile_columns):
        tiles = len(x[block]) * tile_rows * tile_columns
        v: Array = cupy.empty((36, channels, tiles), x.dtype)
        launch(
            __package__, "winograd.cu", "winograd_pixels", v, channels * tiles, x[block], v, channels, height, width,
            tile_rows, tile_columns, *padding,
        )  # fmt: skip
        m = cupy.ascontiguousarray(cupy.matmul(u, v))
        launch(
            __package__, "winograd.cu", "winograd_answers", y, filters * tiles, m, bias, y[block], filters, high, wide,
            tile_rows, tile_columns, int(relu),
        )  # fmt: skip
    return y
