"""A convolution with a stride as one without: its image and its filters are cut into phases, which become channels.

Phase (a, b) of an image holds every s-th row from row a on, of these every s-th number from column b on. A filter with
stride s meets numbers of one phase with weights of one phase only, and moves on by 1 within it:

    image  0 1 2 3 4 5 6 7 8 9 ...    phase 0: 0 4 8 ...   phase 1: 1 5 9 ...      stride 4: four phases
    filter a b c d e f g h i j k      phase 0: a e i       phase 1: b f j          phase 3: d h and a zero

So 11x11 weights with stride 4 are 3x3 weights without, for 16 times the channels; and these Winograd's way sums with
36 / 16 multiplications for each phase: 36 in place of 121 for each channel and answer.
"""

from __future__ import annotations

import functools

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.convolution.contract import out_size
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

from .layouts import phases
from .winograd import winograd

COST_PER_NUMBER = 4.0  # multiplications that take as long as laying a number out


@inner
def _lay_out_part(
    number: int, _worker: int, parts: int, x: Array, pad: Pair, x_phases: Array, w: Array, places: Array,
    w_phases: Array,
) -> None:  # fmt: skip
    """Lay out some rows of the images, and some of the filters."""
    first, stop = part_range(len(x) * x_phases.shape[3], number, parts)
    phases(x, pad[0], pad[1], first, stop, x_phases)
    first, stop = part_range(len(w), number, parts)
    for m in range(first, stop):
        weights, target = w[m], w_phases[m]
        for k in range(len(places)):
            target[k] = weights[max(places[k], 0)] if places[k] >= 0 else 0


@compiled
def _lay_out(
    board: Array, x: Array, pad: Pair, x_phases: Array, w: Array, places: Array, w_phases: Array
) -> None:  # fmt: skip
    """Cut x (N * C, H, W) into its phases (N * C, s, s, H2, W2); pick the weights of w (O * C, kh * kw) at places."""
    parts = part_count(board, len(x), COST_PER_NUMBER * (x_phases.size + w_phases.size))
    parallel(_lay_out_part, parts, board, (parts, x, pad, x_phases, w, places, w_phases))


@functools.lru_cache(64)
def _places(taps: Pair, stride: Pair) -> Array:
    """Return where the 3x3 weights of each phase are among kh * kw, flat; -1 where there is none."""
    a, b, i, j = np.ogrid[: stride[0], : stride[1], :3, :3]
    u, v = i * stride[0] + a, j * stride[1] + b
    return packed(np.where((u < taps[0]) & (v < taps[1]), u * taps[1] + v, -1).reshape(-1))


def strided_winograd(x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, relu: bool) -> Array:
    """Convolve x (N, C, H, W) with w (O, C, kh, kw) of up to 3 strides each way, in float32 -> y (N, O, H', W')."""
    (images, channels), filters, taps = x.shape[:2], len(w), (w.shape[2], w.shape[3])
    high, wide = (out_size(x.shape[2 + a], taps[a], stride[a], padding[a]) for a in (0, 1))
    x_phases = empty((images * channels, *stride, high + 2, wide + 2), x.dtype)
    places = _places(taps, stride)
    w_phases = empty((filters * channels, len(places)), w.dtype)
    board = board_for(COST_PER_NUMBER * (x_phases.size + w_phases.size))
    _lay_out(
        board, packed(x, images * channels, *x.shape[2:]), padding, x_phases,
        packed(w, filters * channels, taps[0] * taps[1]), places, w_phases,
    )  # fmt: skip
    depth = channels * stride[0] * stride[1]
    return winograd(
        x_phases.reshape(images, depth, high + 2, wide + 2), w_phases.reshape(filters, depth, 3, 3), b, (0, 0),
        relu=relu,
    )  # fmt: skip
