"""Means, sums and maxima along axes: over all places of maps a global pooling, else over axes brought to the end."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz.layers import AdaptiveAvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, Affine, GlobalAvgPool2d, Layer
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.norm_of_parts import normalized
from minitorch_viz.models.from_onnx.operators.pooling import whole_map
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.turning import counted, permuted, reshaped

WORDS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "maximum"}


@operator(*WORDS, turned=True)
def reduced(call: Call) -> Signal:
    """Read ReduceMean, ReduceSum and ReduceMax along any axes but the images'."""
    x = call.signal()
    axes, rank = call.wholes("axes", 1), len(x.shape)
    if not axes:
        call.refuse(f"takes the {WORDS[call.type]} over all axes, the images of a batch included")
    axes = sorted({call.inner_axis(axis, x) for axis in axes})
    if call.type == "ReduceMean" and axes == [rank - 1] and call.whole("keepdims", 1) and normalized(call, x):
        return x  # it is read as a part of a LayerNorm, and by nothing else
    is_max = call.type == "ReduceMax"
    short = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    if axes == list(range(2, rank)) and rank in (3, 4):
        maps: Layer = AdaptiveMaxPool2d(1) if is_max else GlobalAvgPool2d()
        y = whole_map(call, {4: maps, 3: _row(is_max)}, x)
    else:
        kept = [axis for axis in range(1, rank) if axis not in axes]
        turned = permuted(call, x, [axis - 1 for axis in (*kept, *axes)])
        rows = math.prod(x.shape[axis] for axis in kept)
        flat = counted(call, turned, (rows, math.prod(x.shape[axis] for axis in axes)))
        y = call.add(_row(is_max), flat, shape=(1, rows, 1))
        y = counted(call, y, short[1:])._replace(shape=short)
    if call.type == "ReduceSum":
        count = np.full((1,) * (rank - 1), math.prod(x.shape[axis] for axis in axes), call.builder.dtype)
        y = call.add(Affine(count), y)
    if call.whole("keepdims", 1):
        return y
    return reshaped(call, y, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def _row(is_max: bool) -> Layer:
    """Return what takes each row (N, C, L) -> (N, C, 1)."""
    return AdaptiveMaxPool1d(1) if is_max else AdaptiveAvgPool1d(1)
