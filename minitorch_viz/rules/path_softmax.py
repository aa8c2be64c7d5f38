"""The single derivatives of a softmax, and of the attention in whose middle it stands.

    softmax      d y_j / d x_i  =  y_j ((i = j) - y_i)        below 0 off the diagonal
    logarithm    d y_j / d x_i  =  (i = j) - p_i
    attention    o = p v: by v it is p, by p it is v; scores q . k / sqrt(D): by q it is k, and by k it is q

Here p depends on q and k through the softmax. Each product and each projection is a step of the path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.layers import LogSoftmax, MultiheadAttention, Softmax

Part = Callable[[Array], Array]


def of_softmax(layer: Softmax, dy: Array, saved: Softmax.Saved, part: Part) -> Array:
    """Go back through a part of each derivative: dy (K, ...) -> dx (K, ...)."""
    return _softmax(saved.y, dy, layer.axis, part)


def of_log_softmax(layer: LogSoftmax, dy: Array, saved: LogSoftmax.Saved, part: Part) -> Array:
    """Go back through a part of each derivative: dy (K, ...) -> dx (K, ...)."""
    others = dy.sum(axis=layer.axis, keepdims=True) - dy
    dx: Array = part(1 - saved.p) * dy + part(-saved.p) * others
    return dx


def of_attention(layer: MultiheadAttention, dy: Array, saved: MultiheadAttention.Saved, part: Part) -> Any:
    """Go back through a part of each derivative, as `MultiheadAttention.backward` does through all of it."""
    q, k, v, p = part(saved.q), part(saved.k), part(saved.v), saved.p
    do = layer.split(_product(dy, part(layer.out_proj_weight)))
    ds = _softmax(p, do @ v.swapaxes(2, 3), 3, part) / math.sqrt(q.shape[3])
    signals = ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ do
    pairs = zip(signals, layer.projections(), strict=True)
    dxs = [_product(layer.joined(signal), part(weight)) for signal, (weight, _) in pairs]
    return tuple(dxs) if saved.crossed else dxs[0] + dxs[1] + dxs[2]


def _softmax(y: Array, dy: Array, axis: int, part: Part) -> Array:
    weighted = dy * y
    others = weighted.sum(axis=axis, keepdims=True) - weighted
    dx: Array = part(y * (1 - y)) * dy + part(-y) * others
    return dx


def _product(vectors: Array, matrix: Array) -> Array:
    """Multiply each vector of (N, T, D) by the matrix (D, O) -> (N, T, O)."""
    rows = kernels.matmul(vectors.reshape(-1, vectors.shape[-1]), np.ascontiguousarray(matrix))
    return rows.reshape(*vectors.shape[:-1], matrix.shape[1])
