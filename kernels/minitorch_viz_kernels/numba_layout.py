"""Images laid out anew, for loops that want to read straight on: phases of a stride, and channels last.

A cached kernel keeps running the old code after this file changed: empty `__pycache__` then.
"""

from __future__ import annotations

from .contract import Array
from .numba_jit import kernel
from .numba_vector import store_transposed


@kernel
def phases(x: Array, top: int, left: int, first: int, stop: int, out: Array) -> None:
    """x (M, H, W) -> out (M, sh, sw, H2, W2), zeros around: every sh-th row and sw-th column, in sh * sw pieces.

    out[m, a, b, i, j] = x[m, i * sh + a - top, j * sw + b - left]. At stride 1 this is padding, or cropping where top
    or left are negative. Only rows number m * H2 + i from first to stop are written, so that threads can share.
    """
    _, down, right, high, wide = out.shape
    height, width = x.shape[1:]
    for number in range(first, stop):
        m, i = number // high, number % high
        for a in range(down):
            row = i * down + a - top
            for b in range(right):
                begin = min(wide, max(0, (left - b + right - 1) // right))  # the columns that show the image
                end = max(begin, min(wide, (width - 1 + left - b) // right + 1))
                target = out[m, a, b, i]
                if row < 0 or row >= height or begin == end:
                    target[:] = 0
                    continue
                target[:begin] = 0
                target[end:] = 0
                source, inner = x[m, row, begin * right + b - left :], target[begin:end]
                if right == 1:  # apart, because these are compiled to vector instructions
                    for j in range(len(inner)):
                        inner[j] = source[j]
                elif right == 2:
                    for j in range(len(inner)):
                        inner[j] = source[2 * j]
                elif right == 4:
                    for j in range(len(inner)):
                        inner[j] = source[4 * j]
                else:
                    for j in range(len(inner)):
                        inner[j] = source[j * right]


@kernel
def channels_last(
    x: Array, top: int, left: int, first: int, rows: int, wide: int, depth: int, lanes: int, out: Array
) -> None:
    """x (C, H, W), channels from `first` on -> out, flat (rows, wide, depth), zeros where there is nothing.

    out's pixel (0, 0) is x's pixel (top, left), which may lie outside. `lanes` is the size of a vector.
    """
    channels, height, width = x.shape
    flat = x.reshape(x.size)
    begin, end = min(wide, max(0, -left)), max(0, min(wide, width - left))  # the columns of out that show the image
    for i in range(rows):
        row = i * wide * depth
        if top + i < 0 or top + i >= height or begin >= end:
            out[row : row + wide * depth] = 0
            continue
        out[row : row + begin * depth] = 0
        for c in range(0, depth, lanes):
            j = begin
            if first + c + lanes <= channels and c + lanes <= depth:
                while j < end:
                    if j + lanes > end:
                        # The last square begins a little earlier; a short row's square also writes into what follows
                        # it, which is filled later.
                        j = max(begin, end - lanes)
                    source = ((first + c) * height + top + i) * width + left + j
                    if (i * wide + j + lanes) > rows * wide or source + (lanes - 1) * height * width + lanes > x.size:
                        break
                    store_transposed(flat, source, height * width, out, row + j * depth + c, depth)
                    j += lanes
            for k in range(c, min(c + lanes, depth)):
                inside = first + k < channels
                for rest in range(j, end):
                    out[row + rest * depth + k] = x[first + k, top + i, left + rest] if inside else 0
        out[row + end * depth : row + wide * depth] = 0


@kernel
def transpose(x: Array, begin: int, end: int, lanes: int, out: Array) -> None:
    """x (rows, columns), columns begin to end -> out (columns, rows), the same columns."""
    rows, columns = x.shape
    flat, turned = x.reshape(x.size), out.reshape(out.size)
    for i in range(0, rows, lanes):
        j = begin
        if i + lanes <= rows:
            while j < end and end - begin >= lanes:
                j = min(j, end - lanes)  # the last square begins a little earlier
                store_transposed(flat, i * columns + j, columns, turned, j * rows + i, rows)
                j += lanes
        for rest in range(j, end):
            for k in range(i, min(i + lanes, rows)):
                out[rest, k] = x[k, rest]
