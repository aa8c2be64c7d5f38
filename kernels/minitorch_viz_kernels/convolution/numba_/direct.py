"""Convolution of every shape as one matrix product, without writing its columns out.

Row k of the columns of a convolution (see `columns`) is what one weight (c, u, v) meets while its filter slides. In an
image that has its padding, that row *is* the image, begun a little later. So the product needs no columns, only a table
that says for each k where to begin:

    padded image, flat   . . . . . . . a b c d e . . e f g h i . . j k l m n . . . . . . .
    weight (0, 0)        ^------------------------------->
    weight (0, 1)          ^------------------------------->     answers stand at the padded image's width; the few
    weight (1, 0)                        ^---------------------->    between two rows mean nothing and are dropped

A stride s is no exception once the image is cut into its s * s phases (every s-th row and column): within a phase the
step is 1. The gradient dx is no exception either: for the pixels of one phase it is a convolution of dy at stride 1
with every s-th weight.

The product is cut into blocks of answers and places, which a table lists (`direct_plan`); the threads take block after
block.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inlined, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for, get_threads
from minitorch_viz_kernels.machine.vectors import ZERO, frozen

from .biased_product import biased_product
from .direct_plan import WIDE, Plan, backward_plan, forward_plan
from .layouts import phases, transpose

SMALL_IMAGE_COST = 50_000_000  # multiplications; smaller images are whole parts if there are many


@inlined
def _multiply_panels(
    w: Array, w_at: int, w_row: int, w_step: int, depth: int, image: Array, image_at: int, x_steps: Array,
    b: Array, first: int, stop: int, begin: int, end: int, lanes: int, least: float, answers: Array, shift: int,
    row: int,
) -> None:  # fmt: skip
    """Set answers[o - first, place + shift] = b + weights @ image, for places begin to end and rows `row` apart."""
    at = begin
    while at < end:
        vectors = 2 if end - at > lanes else 1
        at = max(begin, min(at, end - vectors * lanes))  # the last panel begins a little earlier
        biased_product(
            stop - first, vectors, w, w_at, w_row, w_step, image, image_at + at, x_steps, depth, b, first, least,
            answers, at + shift, row,
        )  # fmt: skip
        at += vectors * lanes


@inlined
def _phases_of(x: Array, first: int, stop: int, pad: Pair, stride: Pair, size: Pair, image: Array) -> None:
    """Lay rows first to stop of all channels of x (C, H, W) out in phases: image, flat (C, sh, sw, *size)."""
    laid_out = image[: len(x) * stride[0] * stride[1] * size[0] * size[1]]
    phases(x, pad[0], pad[1], first, stop, laid_out.reshape(len(x), stride[0], stride[1], size[0], size[1]))


@inner
def _lay_out(
    number: int, _worker: int, parts: int, x: Array, pad: Pair, stride: Pair, size: Pair, image: Array
) -> None:  # fmt: skip
    """Lay out a part of the rows of one image."""
    first, stop = part_range(len(x) * size[0], number, parts)
    _phases_of(x, first, stop, pad, stride, size, image)


@inner
def _multiply(
    number: int, worker: int, n: int, by_images: bool, x: Array, copied: bool, pad: Pair, stride: Pair, size: Pair,
    table: Array, w: Array, w_step: int, all_steps: Array, b: Array, spread: Pair, lanes: int, least: float,
    all_y: Array, memory: Array, image_room: int, room: int,
) -> None:  # fmt: skip
    """Compute block `number` of image n, or, if the threads share the images, all blocks of image `number`.

    A block (see `direct_plan`): y[o, top + i * down, left + j * right] = b[o] + weights @ image, where i * wide + j is
    a place; those with j beyond the answers' width are dropped.
    """
    own_memory = memory[worker * (image_room + room) :]
    space, image = own_memory[image_room:], frozen(memory)
    start, stop_at = number, number + 1
    if by_images:
        n, start, stop_at = number, 0, len(table)
        if copied:
            image = frozen(own_memory)
            own_memory[image_room - 2 * lanes : image_room] = 0  # the last panel reads beyond
            _phases_of(x[n], ZERO, x.shape[1] * size[0], pad, stride, size, own_memory)
    if not copied:
        image = x.reshape(x.size)[n * x[0].size :]
    (down, right), wide, y = spread, size[1], all_y[n]
    for entry in range(start, stop_at):
        block = table[entry]
        w_at, depth, image_at, first, stop = block[0], block[2], block[3], block[4], block[5]
        begin, end, top, left, high, width = block[6], block[7], block[8], block[9], block[10], block[11]
        steps = all_steps[block[1] : block[1] + depth]
        if depth == 0:  # pixels that no weight reaches
            for o in range(first, stop):
                y[o, top::down, left::right] = 0
            continue
        plain = down == 1 and right == 1
        at_once = plain and wide == width and end - begin >= 2 * lanes  # nothing to drop, and room for a panel
        straight = at_once or (plain and width >= WIDE * lanes)  # into y, at once or row by row
        rows = range(begin // wide, min(high, (end - 1) // wide + 1))
        answers = y.reshape(y.size)[first * high * width :] if straight else space
        row = high * width if straight else max(end - begin, 2 * lanes)
        for i in rows if straight and not at_once else range(1):
            start_at, stop_place = begin, end
            if straight and not at_once:
                start_at, stop_place = max(begin, i * wide), min(end, i * wide + width)
            shift = i * (width - wide) if straight else -begin
            _multiply_panels(
                w, w_at, depth if w_step == 1 else 1, w_step, depth, image, image_at, steps, b, first, stop, start_at,
                stop_place, lanes, least, answers, shift, row,
            )  # fmt: skip
        if straight:
            continue
        for r in range(stop - first):
            for i in rows:
                start_at, stop_place = max(begin - i * wide, 0), min(end - i * wide, width)
                if start_at < stop_place:
                    target, source = y[first + r, top + i * down], space[r * row + i * wide + start_at - begin :]
                    if right == 1:  # apart, because this is compiled to vector instructions
                        inner = target[start_at:stop_place]
                        for j in range(len(inner)):
                            inner[j] = source[j]
                    else:
                        for j in range(stop_place - start_at):
                            target[left + (start_at + j) * right] = source[j]


@compiled
def _convolve(
    board: Array, x: Array, w: Array, w_step: int, b: Array, table: Array, steps: Array, pad: Pair,
    stride: Pair, size: Pair, copied: bool, by_images: bool, spread: Pair, lanes: int, least: float, y: Array,
    memory: Array, image_room: int, room: int,
) -> None:  # fmt: skip
    """Convolve x (N, C, H, W) with w, flat -> y (N, O, H', W'). by_images: the threads share images, not blocks."""
    parts = part_count(board, x.shape[1] * size[0], 4 * image_room)
    for n in range(1 if by_images else len(x)):
        if copied and not by_images:
            memory[image_room - 2 * lanes : image_room] = 0  # the last panel reads beyond
            parallel(_lay_out, parts, board, (parts, x[n], pad, stride, size, memory))
        parallel(
            _multiply, len(x) if by_images else len(table), board,
            (
                n, by_images, x, copied, pad, stride, size, table, w, w_step, steps, b, spread, lanes, least, y, memory,
                image_room, room,
            ),
        )  # fmt: skip


def _run_plan(plan: Plan, x: Array, w: Array, b: Array, lanes: int, relu: bool, y: Array) -> None:
    """Convolve x (N, C, H, W) with w (O, ...) and b (O,), all packed, as a plan says -> y (N, O, H', W')."""
    if not y.size:
        return
    board = board_for(plan.cost * len(x))
    threads = int(board[WORKERS]) + 1
    image_room = plan.image if plan.copied else 0
    memory = workspace(threads * (image_room + plan.room), x.dtype)
    by_images = len(x) >= 4 * threads and plan.cost < SMALL_IMAGE_COST
    _convolve(
        board, x, w, plan.w_step, b, plan.table, plan.steps, plan.pad, plan.stride, plan.size, plan.copied, by_images,
        plan.spread, lanes, x.dtype.type(0 if relu else -np.inf), y, memory, image_room, plan.room,
    )  # fmt: skip


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    images, *shape = x.shape
    filters, lanes = len(w), lanes_of(x.dtype)
    plan = forward_plan(tuple(shape), w.shape, stride, padding, dilation, groups, lanes, get_threads())
    y = empty((images, filters, *plan.answers), x.dtype)
    bias = packed(np.zeros(filters, x.dtype) if b is None else b)
    _run_plan(plan, packed(x, images, shape[0], *plan.shape), packed(w, w.size), bias, lanes, relu, y)
    return y.reshape(images, filters, *plan.out)


@inner
def _transpose_part(number: int, _worker: int, parts: int, w: Array, lanes: int, transposed: Array) -> None:
    """Transpose some columns of each group's weights."""
    for g in range(len(w)):
        begin, end = part_range(w.shape[2], number, parts)
        transpose(w[g], begin, end, lanes, transposed[g])


@compiled
def _transpose_weights(board: Array, w: Array, lanes: int, transposed: Array) -> None:
    """Transpose w (g, O/g, rows) -> transposed (g, rows, O/g)."""
    parts = part_count(board, w.shape[2] // lanes, 10 * w.size)
    parallel(_transpose_part, parts, board, (parts, w, lanes, transposed))


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    images, filters, *out = dy.shape
    depth, lanes = w.shape[1], lanes_of(dy.dtype)
    per_group, rows = filters // groups, w[0].size
    plan = backward_plan(
        (filters, *out), w.shape, size, stride, padding, dilation, groups, lanes, get_threads()
    )  # fmt: skip
    if plan.w_step == 1:
        transposed = np.empty((groups, rows, per_group), w.dtype)
        _transpose_weights(board_for(10.0 * w.size), packed(w, groups, per_group, rows), lanes, transposed)
        w = transposed if plan.order is None else transposed.reshape(groups * rows, per_group)[plan.order]
    dx = empty((images, depth * groups, *plan.answers), dy.dtype)
    no_bias = packed(np.zeros(depth * groups, dy.dtype))
    _run_plan(plan, packed(dy, images, filters, *plan.shape), packed(w, w.size), no_bias, lanes, False, dx)
    return dx.reshape(images, depth * groups, *size)
