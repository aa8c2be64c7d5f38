"""3x3 convolution with a quarter of the multiplications: Winograd's F(4x4, 3x3), after Lavin and Gray (2016).

A tile of 4x4 answers of a 3x3 filter sees 6x6 pixels d. Directly that is 16 * 9 = 144 multiplications. In a changed
basis it is 36, one for each of the 6x6 numbers:

    pixels d  6x6 --B' d B-->  6x6 \\                       M = sum over channels       4x4
    filter g  3x3 --G g G'-->  6x6 /  multiplied one by one  ------------------->  --A' M A-->  answers

Like the Fourier transform, it turns sliding into multiplying; B, G and A are small matrices of simple numbers (0, 1, 2,
4, 1/6, ...), so the changes of basis are a few additions. Summing over the channels c, for all tiles p and filters o,
is 36 matrix products, one at each place of the 6x6:

    M[place] (tiles, filters)  =  V[place] (tiles, channels)  @  U[place] (channels, filters)

    V: pixels of some tiles, channels last      U: filters, a panel of two vectors at a time
    +--------------------------+                The tiles of one block and one panel are multiplied, changed back and
    | block of tiles, all c    |                written out while all of it stays in the processor's cache.
    +--------------------------+

All numbers here are vectors of neighbouring channels or filters, so that `_pixels`, `_filter` and `_answers` in
`numba_winograd_loops` read like the formulas. The price is rounding: about 1e-5 relative in float32, where the direct
sum has 3e-7. float64 is for exact work and never comes here.

Filters are changed anew at each call, and nothing is kept that could go stale when training changes weights in place.
Keeping them would not even be faster: for 512 -> 512 channels, changing takes 0.75 ms, and only reading changed ones,
four times as many numbers as the weights, 1.7 ms.
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .memory import empty
from .numba_jit import packed
from .numba_winograd_loops import CHUNK, GAP, LANES, PANEL, convolve
from .threads import HELPERS, crew, workspace

COST = 60.0  # of a tile, a channel and a filter: 36 multiplications and the changes of basis
TILES = 56  # about how many tiles make a block; more would push the pixels of a block out of the cache
_STEPS = packed(np.arange(CHUNK) * PANEL)  # where the channels of a chunk stand in U


def conv3x3(x: Array, w: Array, b: Array | None, padding: Pair, backward: bool = False, relu: bool = False) -> Array:
    """3x3 convolution at stride 1 in float32: x (N, C, H, W), w (O, C, 3, 3), b (O,) or None -> y (N, O, H', W').

    Backward, x is dy (N, O, H', W') and the answer dx (N, C, H, W): the same convolution with every filter turned by
    half a circle, and filters and channels exchanged. `padding` is then that of this convolution, 2 - p; it may be
    negative. relu: what is negative becomes 0.
    """
    images, channels, height, width = x.shape
    filters = w.shape[1] if backward else w.shape[0]
    y = empty((images, filters, height + 2 * padding[0] - 2, width + 2 * padding[1] - 2), x.dtype)
    if not y.size:
        return y
    down, across = -(-y.shape[2] // 4), -(-y.shape[3] // 4)
    depth, panels, chunks = -(-channels // LANES) * LANES, -(-filters // PANEL), -(-channels // CHUNK)
    room = 36 * (min(CHUNK, channels) * PANEL + GAP)  # the changed filters of one panel and chunk
    one = images == 1 and down * across <= TILES
    rows = down if one else min(down, max(1, TILES // across))
    pixels = 36 * (rows * across * depth + GAP)
    products = 36 * (rows * across * PANEL + GAP) + 2 * LANES * PANEL + 32 * LANES
    seen = (4 * rows + 2) * (4 * across + 2) * depth
    common, own = pixels, max(seen, room + products + 9 * CHUNK * PANEL)  # all threads read; each thread's own
    if not one:
        common, own = panels * chunks * room, max((9 * CHUNK + LANES) * PANEL, pixels + max(seen, products))
    board = crew(COST * images * down * across * channels * filters)
    memory = workspace(common + (int(board[HELPERS]) + 1) * own, x.dtype)
    bias = packed(np.zeros(filters, x.dtype) if b is None else b)
    convolve(
        board, one, packed(x), packed(w).reshape(*w.shape[:2], 9), bias, padding, backward, relu, rows, across, y,
        _STEPS, memory, common, own,
    )  # fmt: skip
    return y
