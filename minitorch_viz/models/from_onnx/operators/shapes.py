"""Operators that only move numbers: other axes, another order, a part, a border."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch_viz.layers import Affine, Concat, Embedding, Pad, Permute, Slice
from minitorch_viz.layers.slice_ import Flip
from minitorch_viz.models.from_onnx.builder import Signal, Value
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.turning import axis_in_file, reshaped, transposed

FARTHEST = 2**40
MOST_RUNS, MOST_PARTS = 2**16, 64  # places that Gather takes, and the runs that they are made of


@operator("Flatten", turned=True)
def flatten(call: Call) -> Signal:
    """Read Flatten."""
    x = call.any_signal()
    rank, axis = len(x.shape), call.whole("axis", 1)
    axis = axis if axis == rank else call.axis(axis, rank + call.is_turned) - call.is_turned
    return reshaped(call, x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Reshape", turned=True)
def reshape(call: Call) -> Signal:
    """Read Reshape to a constant shape."""
    x = call.any_signal()
    target = call.wholes("shape", 1)
    if target is None:
        call.refuse("lacks its shape", "The file is damaged.")
    if not call.whole("allowzero", 0):
        target = [x.shape[i] if n == 0 and i < len(x.shape) else n for i, n in enumerate(target)]
    rest = math.prod(n for n in target if n != -1)
    if target.count(-1) > 1 or rest < 1 or min(target, default=1) < -1:
        call.refuse(f"names the shape {target}", "The file is damaged.")
    return reshaped(call, x, [math.prod(x.shape) // rest if n == -1 else n for n in target])


@operator("Squeeze", turned=True)
def squeeze(call: Call) -> Signal:
    """Read Squeeze: axes of one place go."""
    x = call.any_signal()
    axes = call.wholes("axes", 1)
    if axes is None:
        axes = [i for i, n in enumerate(x.shape) if (i or x.turned) and n == 1]
    axes = [axis_in_file(call, axis, len(x.shape)) for axis in axes]
    if any(x.shape[axis] != 1 for axis in axes):
        call.refuse(f"takes away the axes {axes} of {x.shape}", "The file is damaged.")
    return reshaped(call, x, [n for i, n in enumerate(x.shape) if i not in axes])


@operator("Unsqueeze", turned=True)
def unsqueeze(call: Call) -> Signal:
    """Read Unsqueeze: axes of one place come in."""
    x = call.any_signal()
    axes = call.wholes("axes", 1) or []
    rank = len(x.shape) + len(axes)
    places = {axis_in_file(call, axis, rank) for axis in axes}
    if 0 in places and not x.turned and x.shape[0] != 1:
        call.refuse("puts an axis before the images of a batch")
    sides = iter(x.shape)
    return reshaped(call, x, [1 if i in places else next(sides) for i in range(len(x.shape) + len(places))])


@operator("Transpose", turned=True)
def transpose(call: Call) -> Signal:
    """Read Transpose; of one image the first axis may go anywhere, of a batch of a fixed length it stays."""
    x = call.any_signal()
    order = call.whole_list("perm", list(range(len(x.shape)))[::-1], len(x.shape))
    if sorted(order) != list(range(len(order))):
        call.refuse(f"has perm = {order}, which must name every axis once", "The file is damaged.")
    if order == list(range(len(order))):
        return x
    if x.turned or (order[0] != 0 and x.shape[0] == 1):
        return transposed(call, x, order)
    if order[0] != 0:
        call.refuse(f"puts axis {order[0]} where the images of a batch are, perm = {order}")
    return call.add(Permute(tuple(order)), x, shape=tuple(x.shape[axis] for axis in order))


@operator("Concat", turned=True)
def concat(call: Call) -> Signal:
    """Read Concat; constants, such as a class token, are made of a part of what depends on the input, times 0."""
    places = [at for at, value in enumerate(call.inputs) if isinstance(value, Signal)]
    like = call.signal(places[0]) if places else call.refuse("has no input that depends on the net's")
    axis = call.inner_axis(call.whole("axis", 1), like)
    signals = [call.signal(at) if at in places else _constant(call, at, like, axis) for at in range(len(call.inputs))]
    rests = {(*signal.shape[:axis], *signal.shape[axis + 1 :]) for signal in signals}
    if len(rests) != 1 or len({len(signal.shape) for signal in signals}) != 1:
        call.refuse(f"puts side by side what does not fit, {[s.shape for s in signals]!s:.200}", "The file is damaged.")
    if len(signals) == 1:
        return signals[0]
    total = sum(signal.shape[axis] for signal in signals)
    shape = (*signals[0].shape[:axis], total, *signals[0].shape[axis + 1 :])
    return call.add(Concat(axis), *signals, shape=shape)


def _constant(call: Call, at: int, like: Signal, axis: int) -> Signal:
    """Make numbers that are the same for every image of what depends on the input; what comes back through it is 0."""
    array = call.floats(at)
    array = array.reshape((1,) * (len(like.shape) - array.ndim) + array.shape)
    fits = array.ndim == len(like.shape) and array.shape[axis] <= like.shape[axis] and array.shape[0] == 1
    if not fits or any(n not in (1, like.shape[i]) for i, n in enumerate(array.shape) if i != axis):
        call.refuse(f"puts a constant {array.shape} beside {like.shape}; one that is no longer is known here")
    first = part(call, like, axis, 0, array.shape[axis])
    bias = np.broadcast_to(array[0], first.shape[1:]).copy()
    return call.add(Affine(np.zeros((1,) * bias.ndim, bias.dtype), bias), first)


def part(call: Call, x: Signal, axis: int, start: int, stop: int, step: int = 1) -> Signal:
    """Return places `start` to `stop` (counted from the front, not included) of an axis."""
    count = len(range(start, stop, step))
    if count == x.shape[axis] and step == 1:
        return x
    if axis == 0:
        call.refuse("takes a part of the images of a batch")
    if count < 1:
        call.refuse(f"takes nothing of axis {axis} of {x.shape}")
    return call.add(Slice(axis, start, stop, step), x, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))


@operator("Slice", turned=True)
def slice_(call: Call) -> Signal:
    """Read Slice along any axes but the images', forwards, or backwards over a whole axis."""
    x = call.signal()
    starts, stops = call.wholes("starts", 1), call.wholes("ends", 2)
    if starts is None or stops is None or len(starts) != len(stops):
        call.refuse(f"names the starts {starts} and the ends {stops}", "The file is damaged.")
    axes = call.wholes("axes", 3) or list(range(len(starts)))
    steps = call.wholes("steps", 4) or [1] * len(starts)
    if not len(axes) == len(steps) == len(starts):
        call.refuse(f"names {len(starts)} starts, {len(axes)} axes and {len(steps)} steps", "The file is damaged.")
    for axis_given, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        axis = call.axis(axis_given, len(x.shape))
        if step == 0:
            call.refuse("has a step of 0", "The file is damaged.")
        places = range(x.shape[axis])[slice(start, stop, step)]
        if step == -1 and len(places) == x.shape[axis] and axis:
            x = call.add(Flip(axis), x)
        elif step < 0 and len(places) and axis:
            x = part(call, x, axis, places[-1], places[0] + 1, -step)
            x = call.add(Flip(axis), x)
        else:
            x = part(call, x, axis, places.start, places.stop, places.step)
    return x


@operator("Split", turned=True)
def split(call: Call) -> list[Value]:
    """Read Split as one Slice for each part."""
    x = call.signal()
    axis = call.axis(call.whole("axis", 0), len(x.shape))
    sizes, count = call.wholes("split", 1), len(call.outputs)
    if sizes is None:
        each = -(-x.shape[axis] // (call.whole("num_outputs", count) or 1))
        sizes = [min(each, x.shape[axis] - i * each) for i in range(count)]
    if len(sizes) != count or min(sizes) < 1 or sum(sizes) != x.shape[axis]:
        call.refuse(f"cuts axis {axis} of {x.shape} into parts of {sizes!s:.80}", "The file is damaged.")
    ends = np.cumsum(sizes).tolist()
    return [part(call, x, axis, end - size, end) for size, end in zip(sizes, ends, strict=True)]


@operator("Gather", turned=True)
def gather(call: Call) -> Signal:
    """Read Gather of one place, or of an unbroken run, along an axis; and of rows of a constant table by words."""
    table, places = call.value(0), call.value(1)
    axis_given = call.whole("axis", 0)
    if isinstance(table, np.ndarray) and isinstance(places, Signal):
        if table.ndim != 2 or call.axis(axis_given, 2) != 0:
            call.refuse(
                f"looks numbers up along axis {axis_given} of a constant {table.shape}; rows of a table are known"
            )
        weight = call.floats(0)
        return call.add(Embedding(weight), places, shape=(*places.shape, weight.shape[1]))
    x = call.signal()
    axis, chosen = call.inner_axis(axis_given, x), call.constant(1)
    if chosen is None or chosen.dtype.kind not in "iu" or not chosen.size:
        call.refuse("takes places that are no list of whole numbers")
    numbers = [int(n) for n in chosen.reshape(-1)[:MOST_RUNS]]
    if not all(-x.shape[axis] <= n < x.shape[axis] for n in numbers):
        call.refuse(f"takes places beyond the {x.shape[axis]} of axis {axis}", "The file is damaged.")
    runs = unbroken([n % x.shape[axis] for n in numbers])
    if chosen.size > MOST_RUNS or len(runs) > MOST_PARTS:
        call.refuse(f"takes {chosen.size} places of axis {axis}; up to {MOST_PARTS} unbroken runs are known here")
    parts = [part(call, x, axis, start, stop) for start, stop in runs]
    shape = (*x.shape[:axis], len(numbers), *x.shape[axis + 1 :])
    y = parts[0] if len(parts) == 1 else call.add(Concat(axis), *parts, shape=shape)
    return y if chosen.ndim == 1 else reshaped(call, y, (*x.shape[:axis], *chosen.shape, *x.shape[axis + 1 :]))


def unbroken(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the runs of neighbours in a list of places, each as (first, behind the last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


@operator("Pad")
def pad(call: Call) -> Signal:
    """Read Pad of any axes but the images'."""
    x = call.signal()
    pads = call.wholes("pads", 1) or []
    axes = call.wholes("axes", 3) if call.opset >= 18 else None
    axes = [call.axis(axis, len(x.shape)) for axis in (range(len(x.shape)) if axes is None else axes)]
    if len(pads) != 2 * len(axes) or not all(abs(n) < FARTHEST for n in pads):
        call.refuse(f"has pads = {pads!s:.80} for {len(axes)} axes", "The file is damaged.")
    borders = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    if borders.get(0, (0, 0)) != (0, 0):
        call.refuse("adds images to a batch")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    mode: Any = modes.get(call.text("mode", "constant"))
    if mode is None:
        call.refuse(f"has mode = {call.text('mode')!r:.40}", "The file is damaged.")
    value = call.scalar(2, 0.0) if call.opset >= 11 else call.number("value", 0.0)
    used = [axis for axis in sorted(borders) if borders[axis] != (0, 0)]
    if not used:
        return x
    counted = [n for axis in range(len(x.shape) - 1, used[0] - 1, -1) for n in borders.get(axis, (0, 0))]
    shape = tuple(n + sum(borders.get(axis, (0, 0))) for axis, n in enumerate(x.shape))
    return call.add(Pad(tuple(counted), mode, value or 0.0), x, shape=shape)
