"""3x3 and 5x5 convolution with a third of the multiplications or less: Winograd's way, after Lavin and Gray (2016).

A tile of 4x4 answers of a 3x3 filter reads 6x6 pixels d. Directly that is 16 * 9 = 144 multiplications. In a changed
basis it is 36, one for each of the 6x6 numbers:

    pixels d  6x6 --B' d B-->  6x6 \\                       M = sum over channels       4x4
    filter g  3x3 --G g G'-->  6x6 /  multiplied one by one  ------------------->  --A' M A-->  answers

Like the Fourier transform, it turns sliding into multiplying; B, G and A are small matrices of simple numbers (0, 1, 2,
4, 1/6, ...), so the changes of basis are a few additions. This is F(4x4, 3x3). A 5x5 filter has the same 36 numbers
and the same B for a tile of 2x2 answers, F(2x2, 5x5): 36 multiplications instead of 4 * 25 = 100.

Summing over the channels c, for all tiles p and filters o, is 36 matrix products, one at each place of the 6x6:

    M[place] (tiles, filters)  =  V[place] (tiles, channels)  @  U[place] (channels, filters)

    V: pixels of some tiles, channels last      U: filters, a panel of two vectors at a time
    +--------------------------+                The tiles of one block and one panel are multiplied, changed back and
    | block of tiles, all c    |                written out while all of it stays in the processor's cache.
    +--------------------------+

All numbers here are vectors of neighbouring channels or filters, so that `_pixels`, `_filter_3` and `answers_3` in
`winograd_bases` read like the formulas. The price is rounding: about 1e-5 relative in float32, where the direct
sum has 3e-7. float64 is for exact work and never comes here.

Filters are changed anew at each call, and nothing is kept that could go stale when training changes weights in place.
Keeping them would not even be faster: for 512 -> 512 channels, changing takes 0.75 ms, and only reading changed ones,
four times as many numbers as the weights, 1.7 ms.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import packed
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.threads import WORKERS, board_for

from .winograd_bases import GAP, LANES, PANEL
from .winograd_loops import CHUNK_CHANNELS, convolve

COST_PER_TILE = 60.0  # and channel and filter: 36 multiplications and the changes of basis
BLOCK_TILES = 56  # about how many tiles make a block; more would push the pixels of a block out of the cache
_STEPS = packed(np.arange(CHUNK_CHANNELS) * PANEL)  # where the channels of a chunk stand in U


def winograd(x: Array, w: Array, b: Array | None, padding: Pair, backward: bool = False, relu: bool = False) -> Array:
    """Convolve at stride 1 in float32, k = 3 or 5.

    x (N, C, H, W), w (O, C, k, k), b (O,) or None -> y (N, O, H', W')

    Backward, x is dy (N, O, H', W') and the answer dx (N, C, H, W): the same convolution with every filter turned by
    half a circle, and filters and channels exchanged. `padding` is then that of this convolution, k - 1 - p; it may be
    negative. relu: what is negative becomes 0.
    """
    images, channels, height, width = x.shape
    filters, taps = w.shape[1] if backward else w.shape[0], w.shape[2]
    side = 7 - taps  # a tile's answers: 4x4 or 2x2
    y = empty((images, filters, height + 2 * padding[0] + 1 - taps, width + 2 * padding[1] + 1 - taps), x.dtype)
    if not y.size:
        return y
    tile_rows, across = -(-y.shape[2] // side), -(-y.shape[3] // side)
    depth, panels, chunks = -(-channels // LANES) * LANES, -(-filters // PANEL), -(-channels // CHUNK_CHANNELS)
    room = 36 * (min(CHUNK_CHANNELS, channels) * PANEL + GAP)  # the changed filters of one panel and chunk
    filter_room = (taps * taps * CHUNK_CHANNELS + 2 * LANES) * PANEL  # and these filters before
    board = board_for(COST_PER_TILE * images * tile_rows * across * channels * filters)
    threads = int(board[WORKERS]) + 1
    # With fewer panels than threads, some threads would have no filters: then they rather share the tiles.
    single = (
        images == 1 and tile_rows * across <= BLOCK_TILES and (panels >= threads or tile_rows * across < 8 * threads)
    )
    blocks = 1 if single else -(-tile_rows // max(1, BLOCK_TILES // across))
    if images == 1 and not single:
        blocks = -(-blocks // threads) * threads  # the same number for each
    rows = -(-tile_rows // blocks)
    pixels = 36 * (rows * across * depth + GAP)
    products = 36 * (rows * across * PANEL + GAP) + 2 * LANES * PANEL + 5 * LANES * LANES
    image_room = (side * rows + taps - 1) * (side * across + taps - 1) * depth
    # Numbers that all threads read, and of each thread.
    shared, private = pixels, max(image_room, room + products + filter_room)
    if not single:
        shared, private = panels * chunks * room, max(filter_room, pixels + max(image_room, products))
    memory = workspace(shared + threads * private, x.dtype)
    bias = np.zeros(panels * PANEL, x.dtype)
    if b is not None:
        bias[:filters] = b
    convolve(
        board, single, packed(x), packed(w, *w.shape[:2], taps * taps), taps, packed(bias), padding, backward,
        relu, rows, across, y, _STEPS, memory, shared, private,
    )  # fmt: skip
    return y
