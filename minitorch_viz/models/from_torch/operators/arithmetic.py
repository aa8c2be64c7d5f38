"""Sums, products and means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch_viz.layers import (
    AdaptiveAvgPool1d,
    AdaptiveMaxPool1d,
    Add,
    Affine,
    GlobalAvgPool2d,
    Hardsigmoid,
    Mul,
    Sigmoid,
    Softmax,
    UpsampleNearest,
)
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value

GATES = (Sigmoid, Hardsigmoid, Softmax)  # what they give is a factor


@operator("add", "radd", turned=True)
def add(call: Call, input: Any, other: Any, *, alpha: float = 1) -> Value:
    if alpha != 1:
        other = mul(call, other, alpha) if isinstance(other, Value) else other * alpha
    if isinstance(input, Value) and isinstance(other, Value):
        return _sum(call, input, other)
    value, constant = _sorted(input, other)
    bias = call.constant(constant, value)
    return call.emit(Affine(bias=bias), value) if bias.any() else value


@operator("sub", "subtract", turned=True)
def sub(call: Call, input: Any, other: Any, *, alpha: float = 1) -> Value:
    return add(call, input, mul(call, other, -alpha) if isinstance(other, Value) else -alpha * np.asarray(other))


@operator("rsub", turned=True)
def rsub(call: Call, input: Any, other: Any) -> Value:
    return sub(call, other, input)


@operator("neg", turned=True)
def neg(call: Call, input: Value) -> Value:
    return mul(call, input, -1)


@operator("mul", "rmul", "multiply", turned=True)
def mul(call: Call, input: Any, other: Any) -> Value:
    if isinstance(input, Value) and isinstance(other, Value):
        return _product(call, input, other)
    value, constant = _sorted(input, other)
    return call.emit(Affine(call.constant(constant, value)), value)


@operator("div", "truediv", "divide", "true_divide", turned=True)
def div(call: Call, input: Any, other: Any, *, rounding_mode: str | None = None) -> Value:
    if isinstance(other, Value) or rounding_mode is not None:
        raise UnmappedError("it divides by what depends on the net's input, or rounds")
    return mul(call, input, 1 / np.asarray(other, np.float64))


@operator("pow", "square", turned=True)
def power(call: Call, input: Value, exponent: Any = 2) -> Value:
    if not isinstance(input, Value) or exponent != 2:
        raise UnmappedError("only squares are known")
    return call.emit(Mul(), input, input)


@operator("mean")
def mean(call: Call, input: Value, dim: Any = None, keepdim: bool = False, **others: Any) -> Value:
    dims = _dims(input, dim)
    if len(input.shape) == 4 and set(dims) == {2, 3}:
        pooled = call.emit(GlobalAvgPool2d(), input, image=(input.shape[1], 1, 1))
        return call.reshape(pooled, call.shape[1:])
    return _pooled(call, input, dims, AdaptiveAvgPool1d(1))


@operator("sum")
def total(call: Call, input: Value, dim: Any = None, keepdim: bool = False, **others: Any) -> Value:
    count = math.prod(input.shape[d] for d in _dims(input, dim))
    return mul(call, mean(call, input, dim, keepdim, **others), count)


@operator("amax")
def amax(call: Call, input: Value, dim: Any = None, keepdim: bool = False) -> Value:
    return _pooled(call, input, _dims(input, dim), AdaptiveMaxPool1d(1))


@operator("max")
def maximum(call: Call, input: Value, dim: Any = None, keepdim: bool = False) -> tuple[Value | None, ...]:
    if isinstance(dim, Value) or dim is None:
        raise UnmappedError("only the largest number along an axis is known")
    return amax(call, input, dim, keepdim), None


def _sorted(input: Any, other: Any) -> tuple[Value, Any]:
    """Return the value and the constant."""
    return (input, other) if isinstance(input, Value) else (other, input)


def _dims(value: Value, dim: Any) -> list[int]:
    """Return the axes that are reduced; the batch is none of them."""
    dims = range(len(value.shape)) if dim is None else dim if isinstance(dim, (tuple, list)) else [dim]
    counted = [d % len(value.shape) for d in dims]
    if value.batch in counted:
        raise UnmappedError("it runs over the images of a batch")
    return counted


def _pooled(call: Call, value: Value, dims: list[int], layer: AdaptiveAvgPool1d | AdaptiveMaxPool1d) -> Value:
    """Bring the axes to the end, make one of them, and pool it."""
    kept = [d for d in range(len(value.shape)) if d not in dims]
    turned = call.permute(value, [*kept, *dims])
    rows = math.prod(value.shape[d] for d in kept if d)
    flat = call.reshape(turned, (rows, math.prod(value.shape[d] for d in dims)))
    return call.reshape(call.emit(layer, flat, image=(rows, 1)), call.shape[1:])


def _sum(call: Call, a: Value, b: Value) -> Value:
    if a.batch != b.batch:
        raise UnmappedError("the images of its inputs lie along different axes")
    if a.shape == b.shape:
        return call.emit(Add(), a, b)
    large, small = (a, b) if math.prod(a.shape) > math.prod(b.shape) else (b, a)
    if len(a.shape) == len(b.shape) == 4 and a.batch == 0 and large.shape[:2] == small.shape[:2]:
        factors = [many // few for many, few in zip(large.shape[2:], small.shape[2:], strict=True)]
        if small.shape[2:] == tuple(m // f for m, f in zip(large.shape[2:], factors, strict=True)) and all(
            few in (1, many) for many, few in zip(large.shape[2:], small.shape[2:], strict=True)
        ):
            spread = call.emit(UpsampleNearest((factors[0], factors[1])), small, image=large.image)
            return call.emit(Add(), a, spread) if large is a else call.emit(Add(), spread, b)
    raise UnmappedError(f"arrays {a.shape} and {b.shape} are added; only maps and one number a channel are known")


def _product(call: Call, a: Value, b: Value) -> Value:
    if a.batch != b.batch or len(a.shape) != len(b.shape):
        raise UnmappedError(
            f"arrays {a.shape} and {b.shape} are multiplied, of which one widens the images of the other"
        )
    first, factor = a, b
    if a.shape != call.shape or (a.shape == b.shape and isinstance(a.entry.layer, GATES)):
        first, factor = b, a
    if first.shape != call.shape:
        raise UnmappedError(f"arrays {a.shape} and {b.shape} are multiplied, and each widens the other")
    return call.emit(Mul(), first, factor)
