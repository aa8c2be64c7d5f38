"""Erf, known as a part of GELU: before opset 20 exporters write x * (1 + erf(x / sqrt(2))) * 0.5 in five operators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch_viz.layers import GELU, Affine
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator


@operator("Erf", turned=True)
def erf(call: Call) -> Signal:
    """Read Erf and the operators around it as GELU; by itself it has no layer."""
    scaled = call.signal()
    layer, sources = call.builder.layer_of(scaled), call.builder.sources_of(scaled)
    is_scaled = isinstance(layer, Affine) and layer.bias is None and layer.weight is not None
    if not is_scaled or not _is_number(layer.weight, math.sqrt(0.5)):  # type: ignore[union-attr]  # is_scaled says so
        call.refuse("stands alone; it is known as a part of GELU, x * (1 + erf(x / sqrt(2))) / 2")
    x = Signal(sources[0], scaled.shape)
    plus_one = _reader(call, call.outputs[0], "Add")
    if not _is_number(_other(call, plus_one, call.outputs[0]), 1.0):
        call.refuse("is not followed by + 1, as in GELU")
    first = _reader(call, plus_one.output[0], "Mul")
    second = _reader(call, first.output[0], "Mul") if _other(call, first, plus_one.output[0]) == x else first
    half = _other(call, second, first.output[0] if second is not first else plus_one.output[0])
    is_half_x = (
        isinstance(half, Signal)
        and isinstance(layer := call.builder.layer_of(half), Affine)
        and (layer.bias is None and _is_number(layer.weight, 0.5) and call.builder.sources_of(half) == (x.node,))
    )
    if not (is_half_x if second is first else _is_number(half, 0.5)):
        call.refuse("is not followed by * x * 0.5, as in GELU")
    call.builder.known.update({str(plus_one.output[0]), str(first.output[0]), str(second.output[0])})
    gelu = call.add(GELU(), x)
    call.builder.values[str(second.output[0])] = gelu
    return gelu


def _reader(call: Call, name: str, kind: str) -> Any:
    """Return the one operator that reads a value."""
    readers = call.builder.readers.get(str(name), [])
    if len(readers) != 1 or readers[0].op_type != kind or len(readers[0].input) != 2 or not readers[0].output:
        call.refuse(f"is not followed by one {kind}, as in GELU")
    return readers[0]


def _other(call: Call, node: Any, name: str) -> Any:
    """Return the value of a node's other input; None if it is not known yet."""
    others = [str(other) for other in node.input if other != name]
    return call.builder.values.get(others[0]) if len(others) == 1 else None


def _is_number(value: object, number: float) -> bool:
    """Return whether a value is a constant that holds this one number."""
    return (
        isinstance(value, np.ndarray)
        and value.size == 1
        and value.dtype.kind == "f"
        and bool(abs(value.reshape(())[()] - number) < 1e-4)
    )
