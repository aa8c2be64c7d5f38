"""Convolution of every shape as one matrix product, without writing its columns out.

Row k of the columns of a convolution (see `numpy_`) is what one weight (c, u, v) meets while its filter slides. In an
image that has its padding, that row *is* the image, begun a little later. So the product needs no columns, only a table
that says for each k where to begin:

    padded image, flat   . . . . . . . a b c d e . . e f g h i . . j k l m n . . . . . . .
    weight (0, 0)        ^------------------------------->
    weight (0, 1)          ^------------------------------->     answers stand at the padded image's width; the few
    weight (1, 0)                        ^---------------------->    between two rows mean nothing and are dropped

A stride s is no exception once the image is cut into its s * s phases (every s-th row and column): within a phase the
step is 1. The gradient dx is no exception either: for the pixels of one phase it is a convolution of dy at stride 1
with every s-th weight.
"""

from __future__ import annotations

import functools

import numpy as np

from .contract import Array, Pair, out_size
from .numba_jit import helper, kernel, packed
from .numba_layout import phases, transpose
from .numba_product import ROWS, multiply
from .numba_vector import lanes_of, spread, store
from .threads import get_threads, split, workspace

WEIGHTS = 1 << 17  # numbers of a block of weights, read again for every panel of places: half of a 1 MiB cache
PLACES = 512  # about how many places (pixels of the answer) make a block
WIDE = 6  # rows of so many vectors are computed one by one: the rest of the last vector is then a small loss


@helper
def _multiply_panels(
    w: Array, w_at: int, depth: int, image: Array, x_steps: Array, b: Array, first: int, stop: int,
    begin: int, end: int, lanes: int, answers: Array, shift: int, row: int,
) -> None:  # fmt: skip
    """answers[o - first, place + shift] = b + weights @ image, for answers o and places begin to end, `row` apart."""
    at = begin
    while at < end:
        vectors = 2 if end - at > lanes else 1
        at = max(begin, min(at, end - vectors * lanes))  # the last panel begins a little earlier
        for o in range(first, stop, ROWS):  # a few answers at a time, while they are in the nearest cache
            rows, to = min(ROWS, stop - o), (o - first) * row + at + shift
            for r in range(rows):
                bias = spread(b[o + r])
                store(answers, to + r * row, bias)
                if vectors == 2:
                    store(answers, to + r * row + lanes, bias)
            multiply(rows, vectors, w, w_at + o * depth, depth, image, at, x_steps, depth, answers, to, row)
        at += vectors * lanes


@kernel
def _multiply_block(
    w: Array, w_at: int, depth: int, image: Array, x_steps: Array, wide: int, b: Array,
    first: int, stop: int, begin: int, end: int, lanes: int, y: Array, space: Array,
) -> None:  # fmt: skip
    """Answers first to stop at places begin to end: y (O, H', W') = b + weights @ image.

    A place is i * wide + j; those with j beyond W' are dropped.
    """
    _, high, width = y.shape
    answers = y.reshape(y.size)[first * high * width :]
    if wide == width and end - begin >= 2 * lanes:  # nothing to drop, and room for a panel
        _multiply_panels(
            w, w_at, depth, image, x_steps, b, first, stop, begin, end, lanes, answers, 0, high * width
        )  # fmt: skip
        return
    rows = range(begin // wide, min(high, (end - 1) // wide + 1))
    if width >= WIDE * lanes:  # each row by itself, straight into y
        for i in rows:
            left, right = max(begin, i * wide), min(end, i * wide + width)
            _multiply_panels(
                w, w_at, depth, image, x_steps, b, first, stop, left, right, lanes, answers, i * (width - wide),
                high * width,
            )  # fmt: skip
        return
    room = max(end - begin, 2 * lanes)
    _multiply_panels(w, w_at, depth, image, x_steps, b, first, stop, begin, end, lanes, space, -begin, room)
    for r in range(stop - first):
        for i in rows:
            left, right = max(begin - i * wide, 0), min(end - i * wide, width)
            if left < right:
                target, source = y[first + r, i, left:right], space[r * room + i * wide + left - begin :]
                for j in range(len(target)):
                    target[j] = source[j]


def _multiply(w: Array, w_at: int, image: Array, x_steps: Array, wide: int, b: Array, y: Array) -> None:
    """y (O, H', W') = b + weights @ image: cut into blocks of places and of answers, which threads share."""
    filters, high, width = y.shape
    places, lanes, depth = (high - 1) * wide + width, lanes_of(y.dtype), len(x_steps)
    panel = 2 * lanes
    rows = min(filters, max(8, WEIGHTS // depth // 8 * 8))
    if wide != width and width >= WIDE * lanes:  # blocks of whole rows
        count = max(1, min(high, -(-places // PLACES)))
        edges = [high * i // count * wide for i in range(count)] + [places]
    else:
        # Blocks end at a multiple of a panel, and the last takes what is left: at least one panel, so that its last
        # panel can begin a little earlier without reaching into another block.
        count = max(1, min(places // panel, -(-places // PLACES)))
        edges = [places // panel * i // count * panel for i in range(count)] + [places]
    if get_threads() > 1 and count * -(-filters // rows) < 2 * get_threads():
        rows = min(rows, max(8, -(-filters // (2 * get_threads())) + 7) // 8 * 8)
    blocks = [
        (o, min(o + rows, filters), edges[i], edges[i + 1]) for o in range(0, filters, rows) for i in range(count)
    ]
    largest = max(max(end - begin, panel) for _, _, begin, end in blocks)

    def work(start: int, stop: int) -> None:
        space = workspace(rows * largest, y.dtype)
        for first, last, begin, end in blocks[start:stop]:
            _multiply_block(
                w, w_at, depth, image, x_steps, wide, b, first, last, begin, end, lanes, y, space
            )  # fmt: skip

    split(len(blocks), float(filters) * depth * places, work, finer=2)


def _image(x: Array, stride: Pair, before: Pair, size: Pair, places: int) -> Array:
    """x (C, H, W), packed -> flat (C, sh, sw, *size): its phases, or x itself where that is the same."""
    panel = 2 * lanes_of(x.dtype)
    if stride == (1, 1) and before == (0, 0) and size == x.shape[1:] and places >= panel:
        return x.reshape(x.size)
    image = np.empty(len(x) * stride[0] * stride[1] * size[0] * size[1] + panel, x.dtype)  # a panel may read beyond
    image[-panel:] = 0
    parts = image[:-panel].reshape(len(x), *stride, *size)
    split(len(x), 4.0 * image.size, lambda start, stop: phases(x[start:stop], *before, parts[start:stop]))
    return packed(image)


@functools.lru_cache(256)
def _forward_steps(channels: int, taps: Pair, stride: Pair, dilation: Pair, size: Pair) -> Array:
    """Where the image begins under each weight (c, u, v)."""
    c, u, v = np.ogrid[:channels, : taps[0], : taps[1]]
    (sh, sw), (u, v) = stride, (u * dilation[0], v * dilation[1])
    piece = (c * sh + u % sh) * sw + v % sw
    steps = piece * size[0] * size[1] + u // sh * size[1] + v // sw
    return packed(steps.reshape(-1))


def conv2d(x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    images, channels = x.shape[:2]
    filters, depth, *taps = w.shape
    per_group = filters // groups
    high, wide = (out_size(x.shape[2 + a], taps[a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    shape = (images, filters, high, wide)
    # Rows and columns of one phase: as many as the answers, and as far as the last weight reaches beyond.
    size = (high + (taps[0] - 1) * dilation[0] // stride[0], wide + (taps[1] - 1) * dilation[1] // stride[1])
    if stride == (1, 1) and (taps, padding) == ([1, 1], (0, 0)):
        high, wide, size = 1, high * wide, (1, high * wide)  # places need not know of rows
        x = x.reshape(images, channels, *size)
    x_steps = _forward_steps(depth, (taps[0], taps[1]), stride, dilation, size)
    flat_w, x = packed(w).reshape(w.size), packed(x)
    bias = packed(np.zeros(filters, x.dtype) if b is None else b)
    y = np.empty((images, filters, high, wide), x.dtype)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            for g in range(groups):
                some = slice(g * per_group, (g + 1) * per_group)
                places = (high - 1) * size[1] + wide
                image = _image(x[n, g * depth : (g + 1) * depth], stride, padding, size, places)
                _multiply(flat_w, g * per_group * len(x_steps), image, x_steps, size[1], bias[some], y[n, some])

    split(images, float(y.size) * len(x_steps), work, finer=4)
    return y.reshape(shape)


@functools.lru_cache(256)
def _backward_steps(
    filters: int, taps: Pair, stride: Pair, dilation: Pair, phase: Pair, begin: Pair, count: Pair
) -> tuple[list[int], list[int], Array, Pair, Pair]:
    """The weights (u, v) that reach the pixels of one phase, where padded dy begins under each, its padding and size.

    A pixel h with h + padding = q * stride + phase was reached by weight u from answer q - (u * dilation - phase) /
    stride, where that is whole.
    """
    reach = []
    for a in (0, 1):
        backs = [(u, u * dilation[a] - phase[a]) for u in range(taps[a])]
        reach.append([(u, back // stride[a]) for u, back in backs if back % stride[a] == 0])
    if not reach[0] or not reach[1]:
        return [], [], np.empty(0, np.int64), (0, 0), (0, 0)
    most = [max(back for _, back in reach[a]) for a in (0, 1)]
    least = [min(back for _, back in reach[a]) for a in (0, 1)]
    size = (count[0] + most[0] - least[0], count[1] + most[1] - least[1])
    i, j = (np.array([most[a] - back for _, back in reach[a]]) for a in (0, 1))
    steps = np.arange(filters) * size[0] * size[1] + i[:, None, None] * size[1] + j[:, None]
    rows, columns = ([u for u, _ in reach[a]] for a in (0, 1))
    return rows, columns, packed(steps.reshape(-1)), (most[0] - begin[0], most[1] - begin[1]), size


def _weights_last(w: Array) -> Array:
    """w (O, C, kh, kw), packed -> (C, kh, kw, O)."""
    matrix = w.reshape(len(w), w[0].size)
    out = np.empty(matrix.T.shape, w.dtype)
    split(len(out), 10.0 * w.size, lambda begin, end: transpose(matrix, begin, end, lanes_of(w.dtype), out))
    return out.reshape(*w.shape[1:], len(w))


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    images, filters = dy.shape[:2]
    depth, taps = w.shape[1], (w.shape[2], w.shape[3])
    per_group = filters // groups
    shape = (images, depth * groups, *size)
    if stride == (1, 1) and (taps, padding) == ((1, 1), (0, 0)):
        size = (1, size[0] * size[1])
        dy = dy.reshape(images, filters, *size)
    w, dy, nothing = packed(w), packed(dy), packed(np.zeros(depth, dy.dtype))
    by_group = [_weights_last(w[g * per_group : (g + 1) * per_group]) for g in range(groups)]
    dx = np.empty((images, depth * groups, *size), dy.dtype)

    def work(start: int, stop: int) -> None:
        for n in range(start, stop):
            for g in range(groups):
                some, to = dy[n, g * per_group : (g + 1) * per_group], dx[n, g * depth : (g + 1) * depth]
                for a in range(min(stride[0], size[0])):  # the phase of pixels a, a + stride, ...
                    for b in range(min(stride[1], size[1])):
                        _one_phase(some, by_group[g], (a, b), to)

    def _one_phase(dy: Array, w: Array, pixel: Pair, dx: Array) -> None:
        target = dx[:, pixel[0] :: stride[0], pixel[1] :: stride[1]]
        phase = ((pixel[0] + padding[0]) % stride[0], (pixel[1] + padding[1]) % stride[1])
        begin = ((pixel[0] + padding[0]) // stride[0], (pixel[1] + padding[1]) // stride[1])
        count = (target.shape[1], target.shape[2])
        rows, columns, x_steps, before, room = _backward_steps(
            per_group, taps, stride, dilation, phase, begin, count
        )  # fmt: skip
        if not rows or not columns:
            target[...] = 0
            return
        if stride != (1, 1):
            w = w[:, rows][:, :, columns]
        image = _image(dy, (1, 1), before, room, (count[0] - 1) * room[1] + count[1])
        answer = dx if stride == (1, 1) else np.empty(target.shape, dx.dtype)
        _multiply(packed(w).reshape(w.size), 0, image, x_steps, room[1], nothing, answer)
        if stride != (1, 1):
            target[...] = answer

    split(images, float(dy.size) * depth * taps[0] * taps[1], work, finer=4)
    return dx.reshape(shape)
