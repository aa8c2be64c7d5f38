"""Values whose first axis in the file is not the images': as attention over (steps, images, features) turns them.

A file is read for one input at a time: its images' axis has one place, wherever it stands. So it may go anywhere and
merge with others; the numbers of one image stay together, and the net keeps the images before them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minitorch_viz.layers import Flatten, Permute, Reshape
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call


def reshaped(call: Call, x: Signal, target: Sequence[int]) -> Signal:
    """Return the same numbers in other axes of the file."""
    shape = tuple(target)
    if shape == x.shape:
        return x
    if math.prod(shape) != math.prod(x.shape):
        call.refuse(f"makes {shape} of {x.shape}, which has another number of values", "The file is damaged.")
    if not x.turned and shape and shape[0] == x.shape[0]:
        return call.add(Flatten() if len(shape) == 2 else Reshape(shape[1:]), x, shape=shape)
    if not x.turned and x.shape[0] != 1:
        call.refuse(f"makes {shape} of {x.shape}, so that axis 0 is no longer the images of a batch")
    return settled(call, x, shape)


def transposed(call: Call, x: Signal, order: Sequence[int]) -> Signal:
    """Return one image's axes in another order, the images' axis of the file among them."""
    shape = tuple(x.shape[axis] for axis in order)
    long = [axis for axis, side in enumerate(x.shape) if side > 1]  # only these move numbers
    moved = [axis for axis in order if x.shape[axis] > 1]
    if long == moved:
        return settled(call, x, shape)
    flat = counted(call, x, [x.shape[axis] for axis in long])
    return settled(call, permuted(call, flat, [long.index(axis) for axis in moved]), shape)


def settled(call: Call, x: Signal, shape: tuple[int, ...]) -> Signal:
    """Return one image's numbers under a shape of the file: where its first axis has one place, that is the images'."""
    if len(shape) < 2 and shape[:1] in ((), (1,)):
        call.refuse(f"makes {shape} of {x.shape}, in which an image has no axes")
    turned = shape[0] != 1
    y = counted(call, x, shape if turned else shape[1:])
    return Signal(y.node, shape, turned=turned)


def counted(call: Call, x: Signal, image: Sequence[int]) -> Signal:
    """Return one image's numbers counted into these axes of the net, as (1, *image)."""
    axes = tuple(image)
    name, builder = x.node, call.builder
    while axes != builder.images[name] and isinstance(builder.layer_of(Signal(name, ())), (Reshape, Flatten)):
        name = builder.nodes[name].inputs[0]  # to count anew what was only counted is to count it once
    y = Signal(name, (1, *builder.images[name]))
    return y if axes == builder.images[name] else call.add(Reshape(axes), y, shape=(1, *axes))


def permuted(call: Call, x: Signal, order: Sequence[int]) -> Signal:
    """Return one image's axes (of the net, the first is 0) in another order, as (1, *image)."""
    dims, builder = (0, *(axis + 1 for axis in order)), call.builder
    image = builder.images[x.node]
    before = builder.layer_of(x)
    if isinstance(before, Permute):
        dims, x = tuple(before.dims[dim] for dim in dims), Signal(builder.nodes[x.node].inputs[0], ())
    shape = (1, *(image[axis] for axis in order))
    if dims == tuple(range(len(dims))):
        return Signal(x.node, shape)
    return call.add(Permute(dims), x._replace(shape=shape), shape=shape)


def as_in_file(call: Call, value: Any) -> Any:
    """Return what an operator on turned signals gave, under the file's shape: without the axis put before."""
    if not isinstance(value, Signal) or call.type in OWN:
        return value
    return settled(call, value, value.shape[1:])


def axis_in_file(call: Call, axis: int, rank: int) -> int:
    """Return an axis of the file counted from the front; refuse the images' axis where a batch has a fixed length."""
    if not -rank <= axis < rank:
        call.refuse(f"names axis {axis} of an array with {rank} axes", "The file is damaged.")
    return axis % rank


# What they give is under the file's shape already.
OWN = {"Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "LSTM", "GRU", "RNN"}
