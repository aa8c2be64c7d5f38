"""Operators that bring numbers into another order, take parts, and join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitorch_viz.layers import Affine, ChannelShuffle, Concat, Flip, Slice
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value


@operator("dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout", turned=True)
def dropout(call: Call, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    if training and p:
        raise UnmappedError("it drops numbers at random in use, too; say training=self.training, or take nn.Dropout")
    return input


@operator(
    *("contiguous", "clone", "detach", "to", "cpu", "double", "float", "type_as", "identity", "requires_grad", "data"),
    turned=True,
)
def same(call: Call, input: Value, *others: Any, **settings: Any) -> Value:
    """Pass on what is not changed in use; that the numbers stay is checked on the example."""
    if call.shape != input.shape:
        raise UnmappedError("it changes the shape")
    return input


@operator(
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "expand", "expand_as", "view_as", turned=True
)
def reshape(call: Call, input: Value, *others: Any, **settings: Any) -> Value:
    shape = call.shape
    batch = input.batch if shape[: input.batch + 1] == input.shape[: input.batch + 1] else 0
    if batch >= len(shape) or shape[batch] != call.images:
        # In a turned tensor the images may have moved by the axes that were put in or taken away before them.
        places = [place for place, size in enumerate(shape) if size == call.images]
        if len(places) != 1 or not input.batch:
            raise UnmappedError(f"an array {input.shape} becomes {shape}, in which the images are no axis of their own")
        batch = places[0]
    return call.reshape(input, shape[:batch] + shape[batch + 1 :], batch)


@operator("permute", turned=True)
def permute(call: Call, input: Value, *dims: Any) -> Value:
    return call.permute(input, _flat(dims))


@operator("transpose", "swapaxes", "swapdims", turned=True)
def transpose(call: Call, input: Value, dim0: int, dim1: int) -> Value:
    order = list(range(len(input.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return call.permute(input, order)


@operator("t", "T", "mT", turned=True)
def turned(call: Call, input: Value) -> Value:
    return transpose(call, input, -2, -1)


@operator("cat", "concat", "concatenate", turned=True)
def cat(call: Call, tensors: Sequence[Any], dim: int = 0) -> Value:
    first = next(value for value in tensors if isinstance(value, Value))
    axis = first.axis(dim)
    if axis == 0 or any(isinstance(value, Value) and value.batch != first.batch for value in tensors):
        raise UnmappedError("it joins images to a longer batch")
    values = [value if isinstance(value, Value) else _constant(call, value, first, axis) for value in tensors]
    if len(values) == 1:
        return values[0]
    return call.emit(Concat(axis), *values, image=call.shape[: first.batch] + call.shape[first.batch + 1 :])


@operator("stack")
def stack(call: Call, tensors: Sequence[Any], dim: int = 0) -> Value:
    dim %= len(call.shape)
    values = [
        call.reshape(value, (*value.image[: dim - 1], 1, *value.image[dim - 1 :]))
        for value in tensors
        if isinstance(value, Value)
    ]
    if dim == 0 or len(values) != len(tensors):
        raise UnmappedError("it joins images to a longer batch, or arrays that do not depend on the input")
    return call.emit(Concat(dim), *values, image=call.shape[1:])


@operator("chunk", "split", "tensor_split", "split_with_sizes")
def split(call: Call, input: Value, sizes: Any, dim: int = 0, **others: Any) -> tuple[Value, ...]:
    axis = input.axis(dim)
    if axis == 0:
        raise UnmappedError("it cuts the batch")
    start, parts = 0, []
    for shape in call.shapes:
        parts.append(_slice(call, input, axis, start, start + shape[axis]))
        start += shape[axis]
    return tuple(parts)


@operator("unbind", "iter", turned=True)
def unbind(call: Call, input: Value, dim: int = 0) -> tuple[Value, ...]:
    before = [slice(None)] * (dim % len(input.shape))
    return tuple(getitem(call, input, (*before, place)) for place in range(len(call.shapes)))


@operator("select", turned=True)
def select(call: Call, input: Value, dim: int, index: int) -> Value:
    return getitem(call, input, (*[slice(None)] * (dim % len(input.shape)), index))


@operator("narrow", turned=True)
def narrow(call: Call, input: Value, dim: int, start: int, length: int) -> Value:
    return getitem(call, input, (*[slice(None)] * (dim % len(input.shape)), slice(start, start + length)))


@operator("getitem", turned=True)
def getitem(call: Call, input: Value, index: Any) -> Value:
    items = list(index) if isinstance(index, tuple) else [index]
    if any(not (item is None or item is Ellipsis or isinstance(item, (int, slice, np.integer))) for item in items):
        raise UnmappedError("it takes places by an array or a mask; only whole numbers and slices are known")
    given = sum(item is not None and item is not Ellipsis for item in items)
    rest = [slice(None)] * (len(input.shape) - given)
    where = items.index(Ellipsis) if Ellipsis in items else len(items)
    items = [*items[:where], *rest, *items[where + 1 :]]
    value, shape, batch, dim = input, [], 0, 0
    for item in items:
        if item is None:
            shape.append(1)
            continue
        size, axis = input.shape[dim], input.axis(dim)
        if dim == input.batch:
            if not isinstance(item, slice) or range(size)[item] != range(size):
                raise UnmappedError("it takes some images of a batch")
            batch = len(shape)
            shape.append(size)
        elif isinstance(item, slice):
            places = range(size)[item]
            value = _slice(call, value, axis, places.start, places.stop, places.step)
            shape.append(len(places))
        else:
            place = int(item) % size
            value = _slice(call, value, axis, place, place + 1)
        dim += 1
    return call.reshape(value, (*shape[:batch], *shape[batch + 1 :]), batch)


@operator("flip")
def flip(call: Call, input: Value, *dims: Any) -> Value:
    value = input
    for dim in _flat(dims):
        value = call.emit(Flip(_inner(input, dim)), value)
    return value


@operator("roll")
def roll(call: Call, input: Value, shifts: Any, dims: Any = None) -> Value:
    if dims is None:
        raise UnmappedError("it runs over the images of a batch")
    value = input
    for shift, dim in zip(_flat((shifts,)), _flat((dims,)), strict=True):
        axis = _inner(input, dim)
        size = value.image[axis - 1]
        cut = -shift % size
        if cut:
            parts = _slice(call, value, axis, cut, size), _slice(call, value, axis, 0, cut)
            value = call.emit(Concat(axis), *parts, image=value.image)
    return value


@operator("channel_shuffle")
def channel_shuffle(call: Call, input: Value, groups: int) -> Value:
    return call.emit(ChannelShuffle(groups), input)


def _inner(value: Value, dim: int) -> int:
    axis = value.axis(dim)
    if axis == 0:
        raise UnmappedError("it runs over the images of a batch")
    return axis


def _flat(numbers: Sequence[Any]) -> list[int]:
    """Return the numbers of (1, 2), ((1, 2),) and ([1, 2],)."""
    return [int(n) for item in numbers for n in (item if isinstance(item, (tuple, list)) else [item])]


def _slice(call: Call, value: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """Take a part of an axis of ours; no node where it is all of it."""
    image = list(value.image)
    places = range(start, stop, step)
    if len(places) == image[axis - 1]:
        return value
    image[axis - 1] = len(places)
    return call.emit(Slice(axis, start, stop, step), value, image=image)


def _constant(call: Call, array: Any, like: Value, axis: int) -> Value:
    """Make numbers that are the same for every image, such as a class token, of what depends on the input.

    A part of `like` of the right size, times 0, plus the numbers: what comes back through it is 0.
    """
    shape = list(like.shape)
    torch_axis = next(dim for dim in range(len(shape)) if like.axis(dim) == axis)
    count = np.asarray(array).shape[torch_axis]
    if count > shape[torch_axis]:
        raise UnmappedError(f"{count} places that do not depend on the input are joined to {shape[torch_axis]}")
    part = _slice(call, like, axis, 0, count)
    bias = np.broadcast_to(call.constant(array, part), part.image).copy()
    return call.emit(Affine(np.zeros((1,) * len(part.image), bias.dtype), bias), part)
