"""Pooling: the maximum or mean of windows, or of a whole map."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz.layers import (
    AdaptiveAvgPool1d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool2d,
    Layer,
    MaxPool1d,
    MaxPool2d,
    Pad,
)
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.windows import Window, padding_of, window_of

MOST_PLACES = 2**20  # of one pooling window
LOWEST = float(np.finfo(np.float32).min)  # stands beyond the border of a maximum, where it never wins


@operator("MaxPool")
def max_pool(call: Call) -> Signal:
    """Read MaxPool; unequal or wide borders become a Pad before it."""
    call.only_output()
    x, window = _window(call)
    if call.whole("storage_order", 0):
        call.refuse("stores its output by columns")
    if not _fits(window):
        x, window = _padded(call, x, window, LOWEST)
    ceil = bool(call.whole("ceil_mode", 0))
    if len(x.shape) == 4:
        return _pooled(call, MaxPool2d(window.kernel, window.stride, window.before, ceil, window.dilation), window, x)
    if window.dilation != (1,):
        call.refuse("has dilations on a sequence, which pooling has on maps only here")
    return _pooled(call, MaxPool1d(window.kernel[0], window.stride[0], window.before[0], ceil), window, x)


@operator("AveragePool")
def average_pool(call: Call) -> Signal:
    """Read AveragePool; a border that counts may differ from side to side, it becomes a Pad before it."""
    x, window = _window(call)
    counts, ceil = bool(call.whole("count_include_pad", 0)), bool(call.whole("ceil_mode", 0))
    if set(window.dilation) != {1}:
        call.refuse("has dilations, which means over windows do not have here")
    if not _fits(window):
        if not counts or ceil:
            call.refuse(
                f"adds {window.before} places before and {window.after} after without counting them, or rounds up; "
                "equal borders up to half the kernel are known here"
            )
        x, window = _padded(call, x, window, 0.0)
    if len(x.shape) == 4:
        return _pooled(call, AvgPool2d(window.kernel, window.stride, window.before, ceil, counts), window, x)
    return _pooled(call, AvgPool1d(window.kernel[0], window.stride[0], window.before[0], ceil, counts), window, x)


@operator("GlobalAveragePool")
def global_average_pool(call: Call) -> Signal:
    """Read GlobalAveragePool."""
    x = call.signal()
    layers: dict[int, Layer] = {4: GlobalAvgPool2d(), 3: AdaptiveAvgPool1d(1)}
    return whole_map(call, layers, x)


@operator("GlobalMaxPool")
def global_max_pool(call: Call) -> Signal:
    """Read GlobalMaxPool."""
    x = call.signal()
    layers: dict[int, Layer] = {4: AdaptiveMaxPool2d(1), 3: AdaptiveMaxPool1d(1)}
    return whole_map(call, layers, x)


def _window(call: Call) -> tuple[Signal, Window]:
    x = call.signal()
    sides = x.shape[2:]
    return x, window_of(call, sides, tuple(call.whole_list("kernel_shape", None, len(sides)))).within(sides)


def _fits(window: Window) -> bool:
    """Return whether the pooling layers know such a border: equal on both sides, and up to half the kernel."""
    return window.is_even_handed and all(2 * b <= r for b, r in zip(window.before, window.reach, strict=True))


def _padded(call: Call, x: Signal, window: Window, value: float) -> tuple[Signal, Window]:
    sides = [n + b + e for n, b, e in zip(x.shape[2:], window.before, window.after, strict=True)]
    x = call.add(Pad(padding_of(window), "constant", value), x, shape=(*x.shape[:2], *sides))
    nothing = (0,) * len(sides)
    return x, window._replace(before=nothing, after=nothing)


def _pooled(call: Call, layer: Layer, window: Window, x: Signal) -> Signal:
    """Add a pooling layer, whose output's size is found on one channel."""
    places = math.prod(window.kernel)
    if places > MOST_PLACES:
        call.refuse(f"has windows of {places:,} places; at most {MOST_PLACES:,} are taken")
    most = [count + 1 for count in window.counts(x.shape[2:])]  # one more where the size is rounded up
    call.builder.budget.spend(most, call.label, places)
    one_channel = np.zeros((1, 1, *x.shape[2:]), np.float32)
    sides = layer.forward(one_channel)[0].shape[2:]
    return call.add(layer, x, shape=(*x.shape[:2], *sides))


def whole_map(call: Call, layers: dict[int, Layer], x: Signal) -> Signal:
    """Add the layer that takes whole maps or sequences, by the number of axes."""
    rank = len(x.shape)
    if rank not in layers:
        call.refuse(f"reads an array with {rank} axes; maps (N, C, H, W) or sequences (N, C, L) are known here")
    return call.add(layers[rank], x, shape=(*x.shape[:2], *[1] * (rank - 2)))
