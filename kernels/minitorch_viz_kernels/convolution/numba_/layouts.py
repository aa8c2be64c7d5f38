"""Images laid out anew, for loops that read straight on: phases of a stride, and channels last."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.llvm import VECTOR_BYTES
from minitorch_viz_kernels.machine.vectors import store_transposed

from .vector_moves import store_apart_2, store_apart_4


@inner
def phases(x: Array, top: int, left: int, first: int, stop: int, out: Array) -> None:
    """Cut x (M, H, W) into the sh * sw phases of a stride -> out (M, sh, sw, H2, W2), zeros around.

    out[m, a, b, i, j] = x[m, i * sh + a - top, j * sw + b - left]. At stride 1 this is padding, or cropping where top
    or left are negative. Only rows number m * H2 + i from first to stop are written, so that threads can share.
    """
    _, down, right, high, wide = out.shape
    height, width = x.shape[1:]
    pixels, laid_out, lanes = x.reshape(x.size), out.reshape(out.size), VECTOR_BYTES // x.itemsize
    # Columns from low to high_end are inside the image in every phase.
    low = min(wide, max(0, (left + right - 1) // right))
    high_end = max(low, min(wide, (width + left) // right))
    in_vectors = (right == 2 or right == 4) and high_end - low >= lanes
    for number in range(first, stop):
        m, i = number // high, number % high
        for a in range(down):
            row = i * down + a - top
            row_exists = row >= 0 and row < height
            at_once = row_exists and in_vectors
            source, target = (m * height + row) * width - left, ((m * down + a) * right * high + i) * wide
            if at_once:  # a vector of each phase
                j = low
                while j < high_end:
                    j = min(j, high_end - lanes)  # the last vectors begin a little earlier
                    if right == 2:
                        store_apart_2(pixels, source + 2 * j, laid_out, target + j, high * wide)
                    else:
                        store_apart_4(pixels, source + 4 * j, laid_out, target + j, high * wide)
                    j += lanes
            for b in range(right):
                begin = min(wide, max(0, (left - b + right - 1) // right))  # the columns that show the image
                end = max(begin, min(wide, (width - 1 + left - b) // right + 1)) if row_exists else begin
                out_at, at = target + b * high * wide, source + b
                for j in range(begin):
                    laid_out[out_at + j] = 0
                for j in range(end, wide):
                    laid_out[out_at + j] = 0
                if right == 1:  # apart, because this is compiled to vector instructions
                    for j in range(begin, end):
                        laid_out[out_at + j] = pixels[at + j]
                    continue
                for j in range(begin, low if at_once else end):
                    laid_out[out_at + j] = pixels[at + j * right]
                for j in range(high_end if at_once else end, end):
                    laid_out[out_at + j] = pixels[at + j * right]


@inner
def channels_last(
    x: Array, top: int, left: int, first: int, rows: int, wide: int, depth: int, lanes: int, out: Array
) -> None:
    """Put channels last: x (C, H, W), channels from `first` on -> out, flat (rows, wide, depth), zeros elsewhere.

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
                channel_exists = first + k < channels
                for column in range(j, end):
                    out[row + column * depth + k] = x[first + k, top + i, left + column] if channel_exists else 0
        out[row + end * depth : row + wide * depth] = 0


@inner
def transpose(x: Array, begin: int, end: int, lanes: int, out: Array) -> None:
    """Transpose columns begin to end of x (rows, columns) -> out (columns, rows), the same columns."""
    rows, columns = x.shape
    flat, out_flat = x.reshape(x.size), out.reshape(out.size)
    for i in range(0, rows, lanes):
        j = begin
        if i + lanes <= rows:
            while j < end and end - begin >= lanes:
                j = min(j, end - lanes)  # the last square begins a little earlier
                store_transposed(flat, i * columns + j, columns, out_flat, j * rows + i, rows)
                j += lanes
        for column in range(j, end):
            for k in range(i, min(i + lanes, rows)):
                out[column, k] = x[k, column]
