"""Sums and products: matrices, residual connections, factors, and constants that scale and shift."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import Add, Affine, Conv1d, Conv2d, Hardsigmoid, Hardswish, Linear, Mul, Sigmoid, SiLU
from minitorch_viz.models.from_onnx.builder import Scores, Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.attention import scores_of
from minitorch_viz.models.from_onnx.operators.registry import operator


@operator("Gemm", turned=True)
def gemm(call: Call) -> Signal:
    """Read Gemm with a constant matrix as Linear."""
    x, matrix = call.signal(), call.floats(1, None, None)
    if call.whole("transA", 0):
        call.refuse("turns its input, so that the images of a batch are no longer axis 0")
    weight = matrix if call.whole("transB", 0) else matrix.T
    if len(x.shape) != 2 + call.is_turned or x.shape[-1] != weight.shape[1]:
        call.refuse(f"multiplies {x.shape} by a matrix for {weight.shape[1]} numbers", "The file is damaged.")
    bias = call.optional_floats(2)
    if bias is not None:
        if bias.size not in (1, len(weight)) or bias.shape not in (
            (),
            (1,),
            (1, 1),
            weight.shape[:1],
            (1, len(weight)),
        ):
            call.refuse(f"adds an array {bias.shape}; one number for each of its {len(weight)} outputs is known here")
        bias = np.broadcast_to(bias.reshape(-1), len(weight)) * bias.dtype.type(call.number("beta", 1.0))
    return _linear(call, x, weight * weight.dtype.type(call.number("alpha", 1.0)), bias)


@operator("MatMul", turned=True)
def matmul(call: Call) -> Signal | Scores:
    """Read MatMul by a constant matrix as Linear; by what depends on the input it is the beginning of attention."""
    if isinstance(call.value(1), Signal):
        return scores_of(call)
    x = call.signal()
    matrix = call.floats(1)
    if matrix.ndim != 2 or len(x.shape) < 2 or x.shape[-1] != len(matrix):
        call.refuse(f"multiplies {x.shape} by {matrix.shape}; a matrix with a row for each number is known here")
    return _linear(call, x, matrix.T, None)


def _linear(call: Call, x: Signal, weight: Array, bias: Array | None) -> Signal:
    layer = Linear(np.ascontiguousarray(weight), None if bias is None else np.ascontiguousarray(bias))
    return call.add(layer, x, shape=(*x.shape[:-1], len(weight)), work_each=weight.shape[1])


@operator("Add", turned=True)
def add(call: Call) -> Signal:
    """Read Add: a residual connection, or a constant, which becomes a bias."""
    if all(isinstance(value, Signal) for value in call.inputs):
        return _sum(call)
    at, x = _the_signal(call)
    constant = call.floats(1 - at)
    layer = call.builder.layer_of(x)
    channels = -1 if isinstance(layer, Linear) else 1
    if isinstance(layer, (Linear, Conv1d, Conv2d)) and layer.bias is None and call.is_only_use(at):
        along = _of_one_image(call, constant, x)
        where = along.ndim - 1 if channels == -1 else 0
        if along.size == along.shape[where] == x.shape[channels]:
            call.builder.replace(x, dataclasses.replace(layer, bias=along.reshape(-1)))
            return x
    return _affine(call, x, None, constant)


@operator("Sum", turned=True)
def sum_(call: Call) -> Signal:
    """Read Sum of arrays of one shape."""
    return _sum(call)


def _sum(call: Call) -> Signal:
    signals = [call.signal(at) for at in range(len(call.inputs))]
    if len({signal.shape for signal in signals}) != 1:
        call.refuse(f"adds arrays of different shapes, {[signal.shape for signal in signals]!s:.120}")
    return call.add(Add(), *signals) if len(signals) > 1 else signals[0]


@operator("Sub", turned=True)
def sub(call: Call) -> Signal:
    """Read Sub: what is taken away is turned around and added."""
    if all(isinstance(value, Signal) for value in call.inputs):
        a, b = call.signal(0), call.signal(1)
        if a.shape != b.shape:
            call.refuse(f"takes {b.shape} away from {a.shape}; equal shapes are known here")
        return call.add(Add(), a, _affine(call, b, np.array(-1, call.builder.dtype), None))
    at, x = _the_signal(call)
    constant = call.floats(1 - at)
    return _affine(call, x, None, -constant) if at == 0 else _affine(call, x, -np.ones_like(constant), constant)


@operator("Mul", turned=True)
def mul(call: Call) -> Signal:
    """Read Mul: a constant scale, x * sigmoid(x) as SiLU (or Hardswish), else a signal and its factor."""
    if not all(isinstance(value, Signal) for value in call.inputs):
        at, x = _the_signal(call)
        return _affine(call, x, call.floats(1 - at), None)
    x, factor = call.signal(0), call.signal(1)
    if _is_gate(call, x) and not _is_gate(call, factor):
        x, factor = factor, x
    if _is_gate(call, factor) and call.builder.sources_of(factor) == (x.node,):
        smooth = SiLU() if isinstance(call.builder.layer_of(factor), Sigmoid) else Hardswish()
        return call.add(smooth, x)
    if math.prod(factor.shape) > math.prod(x.shape):
        x, factor = factor, x
    if len(x.shape) != len(factor.shape) or not all(f in (1, n) for n, f in zip(x.shape, factor.shape, strict=True)):
        call.refuse(f"multiplies {x.shape} by {factor.shape}; a factor with the same axes is known here")
    return call.add(Mul(), x, factor)


@operator("Div", turned=True)
def div(call: Call) -> Signal:
    """Read Div by a constant."""
    if not isinstance(call.value(0), Signal) or isinstance(call.value(1), Signal):
        call.refuse("divides by what depends on the input")
    divisor = call.floats(1)
    if not divisor.all():
        call.refuse("divides by 0", "The file is damaged.")
    return _affine(call, call.signal(), 1 / divisor, None)


@operator("Pow", turned=True)
def power(call: Call) -> Signal:
    """Read a square as a number times itself."""
    if not isinstance(call.value(0), Signal) or call.scalar(1) != 2:
        call.refuse("raises to a power; squares are known here")
    x = call.signal()
    return call.add(Mul(), x, x)


@operator("Neg", turned=True)
def neg(call: Call) -> Signal:
    """Read Neg as a factor of -1."""
    return _affine(call, call.signal(), np.array(-1, call.builder.dtype), None)


def _the_signal(call: Call) -> tuple[int, Signal]:
    """Return which of two inputs depends on the net's input, and it."""
    if len(call.inputs) != 2:
        call.refuse(f"has {len(call.inputs)} inputs, where two are needed", "The file is damaged.")
    at = 0 if isinstance(call.value(0), Signal) else 1
    return at, call.signal(at)


def _of_one_image(call: Call, constant: Array, x: Signal) -> Array:
    """Return a constant with the axes of one image, as it is laid over x; refuse it where it would enlarge x."""
    rank = len(x.shape)
    sides = (1,) * (rank - constant.ndim) + constant.shape
    if len(sides) != rank or sides[0] != 1 or not all(c in (1, n) for c, n in zip(sides, x.shape, strict=True)):
        call.refuse(f"lays a constant {constant.shape} over {x.shape}; one that fits each image is known here")
    return constant.reshape(sides[1:])


def _affine(call: Call, x: Signal, weight: Array | None, bias: Array | None) -> Signal:
    weight, bias = (None if array is None else _of_one_image(call, array, x) for array in (weight, bias))
    return call.add(Affine(weight, bias), x)


def _is_gate(call: Call, signal: Signal) -> bool:
    return isinstance(call.builder.layer_of(signal), (Sigmoid, Hardsigmoid))
