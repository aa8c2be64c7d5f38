"""The weights of an LSTM in the order in which they are read: the gates of 16 memory cells side by side.

    as the layer has them              a panel for each 16 cells
    [ i of all cells ]                 rows k: [ i of 16 ][ f of 16 ][ g of 16 ][ o of 16 ]
    [ f of all cells ]
    [ g of all cells ]                 what a step needs of these cells is one stretch of memory, and its product ends
    [ o of all cells ]                 with all that their next state is made of

They are cut once for all steps, a square of 16 x 16 numbers at a time. Cells beyond the last have zeros.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel
from minitorch_viz_kernels.machine.threads import board_for
from minitorch_viz_kernels.machine.vectors import store_transposed

from .tile import GATES


@inner
def _gate_panels_part(number: int, _worker: int, w: Array, vectors: int, lanes: int, out: Array) -> None:
    """Cut the weights of one vector of cells."""
    rows, depth = w.shape
    flat, hidden, wide, first = w.reshape(w.size), rows // GATES, vectors * lanes, number * lanes
    count = min(lanes, hidden - first)
    for gate in range(GATES):
        source = (gate * hidden + first) * depth
        at = (number * GATES + gate) // vectors * depth * wide + gate % vectors * lanes
        k = 0
        while count == lanes and k + lanes <= depth:
            store_transposed(flat, source + k, depth, out, at + k * wide, wide)
            k += lanes
        for row in range(k, depth):
            for j in range(lanes):
                out[at + row * wide + j] = flat[source + j * depth + row] if j < count else 0


@compiled
def _fill(board: Array, w: Array, vectors: int, lanes: int, out: Array) -> None:
    """Cut all panels."""
    parallel(_gate_panels_part, -(-w.shape[0] // (GATES * lanes)), board, (w, vectors, lanes, out))


def gate_panels(w: Array, vectors: int) -> Array:
    """Return w (4H, K) cut into panels that are 2 or 4 vectors wide: flat, (2 or 1 for each vector of cells, K, wide).

    With 2 they are those of `product`: the first has i and f, the second g and o.
    """
    lanes = lanes_of(w.dtype)
    blocks = -(-w.shape[0] // (GATES * lanes))
    out = empty((blocks * GATES * lanes * w.shape[1],), w.dtype)
    _fill(board_for(4.0 * out.size), packed(w), vectors, lanes, out)
    return packed(out, out.size)


def gate_row(b: Array) -> Array:
    """Return b (4H,) in the same order, zeros beyond the last cell: (4 * cells,)."""
    lanes, hidden = lanes_of(b.dtype), len(b) // GATES
    blocks = -(-hidden // lanes)
    padded = np.zeros((GATES, blocks * lanes), b.dtype)
    padded[:, :hidden] = b.reshape(GATES, hidden)
    return padded.reshape(GATES, blocks, lanes).swapaxes(0, 1).reshape(-1)
