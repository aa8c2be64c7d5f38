"""Operators with weights: convolutions, matrices, tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz.layers import Conv1d, Conv2d, ConvTranspose2d, Embedding, Linear
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value


@operator("conv2d")
def conv2d(
    call: Call,
    input: Value,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    _need_images(input, 4)
    layer = Conv2d(weight, bias, _sides(stride), _sides(padding), _sides(dilation), groups)
    return call.emit(layer, input, image=call.shape[1:])


@operator("conv1d")
def conv1d(
    call: Call,
    input: Value,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    _need_images(input, 3)
    layer = Conv1d(weight, bias, single(stride), single(padding), single(dilation), groups)
    return call.emit(layer, input, image=call.shape[1:])


@operator("conv_transpose2d")
def conv_transpose2d(
    call: Call,
    input: Value,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Value:
    sides = _sides(stride), _sides(padding), _sides(output_padding), groups, _sides(dilation)
    layer = ConvTranspose2d(weight, bias, *sides)
    return call.emit(layer, input, image=call.shape[1:])


@operator("conv_transpose1d")
def conv_transpose1d(
    call: Call,
    input: Value,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Value:
    _need_images(input, 3)
    row = call.reshape(input, (input.shape[1], 1, input.shape[2]))  # a sequence is a map one row high
    sides = (1, single(stride)), (0, single(padding)), (0, single(output_padding)), groups, (1, single(dilation))
    y = call.emit(ConvTranspose2d(weight[:, :, None], bias, *sides), row, image=(call.shape[1], 1, call.shape[2]))
    return call.reshape(y, call.shape[1:])


@operator("linear", turned=True)
def linear(call: Call, input: Value, weight: Any, bias: Any = None) -> Value:
    if isinstance(weight, Value) or isinstance(bias, Value):
        raise UnmappedError("its weights depend on the net's input")
    return call.emit(Linear(weight, bias), input, image=(*input.image[:-1], len(weight)))


@operator("matmul", "mm", "bmm", turned=True)
def matmul(call: Call, input: Any, other: Any) -> Value:
    if isinstance(input, Value) and isinstance(other, np.ndarray) and other.ndim == 2:
        return linear(call, input, np.ascontiguousarray(other.T))
    raise UnmappedError(
        "two arrays that both depend on the net's input are multiplied as matrices; attention is known as "
        "nn.MultiheadAttention and as F.scaled_dot_product_attention"
    )


@operator("embedding")
def embedding(call: Call, input: Value, weight: Any, *others: Any, **settings: Any) -> Value:
    return call.emit(Embedding(weight), input, image=(*input.image, weight.shape[1]))


def single(number: Any) -> Any:
    """Return the number of a tuple of one."""
    return number[0] if isinstance(number, (tuple, list)) else number


def _sides(number: Any) -> Any:
    """Return one number for both sides, or two."""
    return number if not isinstance(number, (tuple, list)) else tuple(number) if len(number) == 2 else number[0]


def _need_images(value: Value, axes: int) -> None:
    """Raise unless there is a batch axis before the others: torch's convolutions work without, too."""
    if len(value.shape) != axes:
        raise UnmappedError(f"it reads an array {value.shape} without a batch axis; give an example with one")
