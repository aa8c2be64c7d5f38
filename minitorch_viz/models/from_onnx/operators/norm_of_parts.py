"""LayerNorm in seven operators: before opset 17 exporters write (x - mean) / sqrt(mean of its square + epsilon)."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz.layers import LayerNorm
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call


def normalized(call: Call, x: Signal) -> Signal | None:
    """Return x if the mean over its last axis begins a LayerNorm, which is added to the net; None if it does not.

    What the operator itself gives is read by the others of the LayerNorm alone, so that it may be anything.
    """
    difference = _reader(call, call.outputs[0], "Sub")
    if difference is None or list(difference.input) != [call.names[0], call.outputs[0]]:
        return None
    readers = call.builder.readers.get(str(difference.output[0]), [])
    by_type = {str(node.op_type): node for node in readers if node.output}
    if len(readers) != 2 or set(by_type) != {"Pow", "Div"} or _number(call, by_type["Pow"]) != 2:
        return None
    square, quotient = by_type["Pow"], by_type["Div"]
    parts, value = [difference, square, quotient], str(square.output[0])
    for kind in ("ReduceMean", "Add", "Sqrt", "Div"):
        node = _reader(call, value, kind)
        if node is None:
            return None
        parts.append(node)
        value = str(node.output[0])
    mean, shifted, root, last = parts[3:]
    epsilon = _number(call, shifted)
    if epsilon is None or last is not quotient or not _is_last(call, mean, len(x.shape)):
        return None
    if list(quotient.input) != [difference.output[0], root.output[0]]:
        return None
    norm = call.add(LayerNorm(x.shape[-1:], None, None, epsilon), x)
    if call.is_turned:
        norm = Signal(norm.node, norm.shape[1:], turned=True)
    call.builder.known.update(str(node.output[0]) for node in parts)
    call.builder.values[str(quotient.output[0])] = norm
    return x


def _reader(call: Call, name: str, kind: str) -> Any:
    """Return the one operator that reads a value, if it is of this kind."""
    readers = call.builder.readers.get(str(name), [])
    return readers[0] if len(readers) == 1 and readers[0].op_type == kind and readers[0].output else None


def _number(call: Call, node: Any) -> float | None:
    """Return the one constant number that an operator reads."""
    values = [call.builder.values.get(str(name)) for name in node.input]
    numbers = [value for value in values if isinstance(value, np.ndarray) and value.size == 1]
    return float(numbers[0].reshape(())[()]) if len(numbers) == 1 and numbers[0].dtype.kind in "fiu" else None


def _is_last(call: Call, mean: Any, rank: int) -> bool:
    """Return whether a second mean is over the last axis alone, which stays."""
    settings = {str(entry.name): entry for entry in mean.attribute}
    keeps = "keepdims" not in settings or settings["keepdims"].i == 1
    axes = list(settings["axes"].ints) if "axes" in settings else []
    if len(mean.input) > 1 and isinstance(value := call.builder.values.get(str(mean.input[1])), np.ndarray):
        axes = value.reshape(-1).tolist()
    return bool(keeps and axes in ([-1], [rank - 1 - call.is_turned]))
