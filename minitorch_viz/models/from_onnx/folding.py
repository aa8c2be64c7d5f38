"""Arithmetic on constants, done while reading: exporters compute shapes by chains of operators.

Each function takes the call and its inputs as arrays. Only what such chains are made of is here.
"""

from __future__ import annotations

import functools
import math
import operator as python
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.from_onnx.builder import Scores, Signal
from minitorch_viz.models.from_onnx.call import Call

Folding: TypeAlias = Callable[..., Array]
ELEMENTWISE: dict[str, Folding] = {
    "Add": python.add,
    "Sub": python.sub,
    "Mul": python.mul,
    "Min": lambda *arrays: functools.reduce(np.minimum, arrays),
    "Max": lambda *arrays: functools.reduce(np.maximum, arrays),
    "Equal": np.equal,
    "Neg": np.negative,
    "Sqrt": np.sqrt,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Where": np.where,
    "Mod": np.mod,
    "Pow": np.power,
    "Less": np.less,
    "Greater": np.greater,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Not": np.logical_not,
}
TYPES = {1: "f4", 2: "u1", 3: "i1", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}


def folded(call: Call) -> Array | None:
    """Return what an operator on constants gives; None if it is not one of these, or depends on the net's input."""
    if call.type == "Constant":
        return _constant(call)
    if call.type == "Shape":
        return _shape(call)
    if any(isinstance(value, (Signal, Scores)) for value in call.inputs):
        return None
    arrays = [value for value in call.inputs if value is not None]
    if call.type not in ELEMENTWISE and call.type not in FOLDINGS:
        return None
    if not arrays:
        call.refuse("has no inputs", "The file is damaged.")
    try:
        with np.errstate(all="ignore"):
            if call.type in ELEMENTWISE:
                operation = ELEMENTWISE[call.type]
                # One more array would be taken for the place of the answer, and written over.
                if isinstance(operation, np.ufunc) and len(arrays) != operation.nin:
                    call.refuse(f"has {len(arrays)} inputs, not {operation.nin}", "The file is damaged.")
                call.builder.budget.spend(np.broadcast_shapes(*(array.shape for array in arrays)), call.label)
                return np.asarray(operation(*arrays))
            return np.asarray(FOLDINGS[call.type](call, *arrays))
    except (ValueError, TypeError, IndexError, OverflowError) as error:  # NumPy's words for arrays that do not fit
        if type(error).__module__ != "builtins" and not isinstance(error, (TypeError, IndexError)):
            raise  # our own sentences are ValueErrors, too
        call.refuse(f"cannot be computed: {error}", "The file is damaged.")


def _constant(call: Call) -> Array:
    for name, kind in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in call.attributes:
            return np.array(call.attributes[name], kind)
    value = call.attributes.get("value")
    return value if isinstance(value, np.ndarray) else call.refuse("holds a text or a sparse array")


def _shape(call: Call) -> Array:
    value = call.value(0)
    if value is None:
        call.refuse("has no input", "The file is damaged.")
    sides = tuple(value.shape)[slice(call.whole("start", 0), call.whole("end", 2**40))]
    return np.array(sides, np.int64)


def _div(call: Call, a: Array, b: Array) -> Array:
    call.builder.budget.spend(np.broadcast_shapes(a.shape, b.shape), call.label)
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    return np.fix(a / b).astype(a.dtype) if b.all() else call.refuse("divides by 0", "The file is damaged.")


def _gather(call: Call, data: Array, places: Array) -> Array:
    axis = call.axis(call.whole("axis", 0), data.ndim)
    call.builder.budget.spend([1, *data.shape[:axis], *places.shape, *data.shape[axis + 1 :]], call.label)
    return data.take(places, axis)


def _concat(call: Call, *arrays: Array) -> Array:
    call.builder.budget.spend([max(sum(array.size for array in arrays), 1)], call.label)
    return np.concatenate(arrays, call.whole("axis", 0))


def _unsqueeze(call: Call, data: Array, *_: Array) -> Array:
    return np.expand_dims(data, tuple(call.wholes("axes", 1) or ()))


def _squeeze(call: Call, data: Array, *_: Array) -> Array:
    axes = call.wholes("axes", 1)
    return data.squeeze(None if axes is None else tuple(axes))


def _cast(call: Call, data: Array) -> Array:
    kind = TYPES.get(call.whole("to"))
    return data.astype(kind) if kind else call.refuse(f"turns numbers into type {call.whole('to')}")


def _slice(call: Call, data: Array, *_: Array) -> Array:
    starts, stops = call.wholes("starts", 1) or [], call.wholes("ends", 2) or []
    axes, steps = call.wholes("axes", 3) or range(len(starts)), call.wholes("steps", 4) or [1] * len(starts)
    index = [slice(None)] * data.ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        index[call.axis(axis, data.ndim)] = slice(start, stop, step)
    return data[tuple(index)]


def _reshape(call: Call, data: Array, *_: Array) -> Array:
    target = call.wholes("shape", 1) or []
    keeps = not call.whole("allowzero", 0)
    return data.reshape([data.shape[i] if n == 0 and keeps and i < data.ndim else n for i, n in enumerate(target)])


def _filled(call: Call, shape: Array) -> Array:
    sides = call.wholes("shape", 0) or []
    call.builder.budget.spend([max(n, 1) for n in sides], call.label)
    value = call.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1 or shape.ndim != 1:
        call.refuse("fills an array with more than one number", "The file is damaged.")
    return np.full(sides, value.reshape(())[()])


def _expand(call: Call, data: Array, _: Array) -> Array:
    sides = np.broadcast_shapes(data.shape, tuple(call.wholes("shape", 1) or ()))
    call.builder.budget.spend([max(n, 1) for n in sides], call.label)
    return np.broadcast_to(data, sides).copy()


def _range(call: Call, start: Array, limit: Array, delta: Array) -> Array:
    first, last, step = (array.reshape(()).item() for array in (start, limit, delta))
    count = (last - first) / step if step else call.refuse("has a step of 0", "The file is damaged.")
    call.builder.budget.spend([max(int(min(count, 2**40)), 1)], call.label)
    numbers: Array = np.arange(max(math.ceil(count), 0)) * step + first
    return numbers.astype(start.dtype)


def _triangle(call: Call, data: Array, diagonal: Array | None = None) -> Array:
    """Keep the upper triangle, or the lower one, from a diagonal on: as masks of attention are made."""
    keep = np.triu if call.whole("upper", 1) else np.tril
    return keep(data, 0 if diagonal is None else int(diagonal.reshape(())))


FOLDINGS: dict[str, Folding] = {
    "Trilu": _triangle,
    "Div": _div,
    "Gather": _gather,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Cast": _cast,
    "Slice": _slice,
    "Reshape": _reshape,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Range": _range,
    "Transpose": lambda call, data: data.transpose(call.whole_list("perm", list(range(data.ndim))[::-1], data.ndim)),
    "Identity": lambda _call, data, *_: data,
    "Dropout": lambda _call, data, *_: data,
    "ReduceProd": lambda call, data, *_: np.prod(data, keepdims=bool(call.whole("keepdims", 1))),
}
