"""From the graph of an ONNX file to a Net."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz.errors import NetError, SettingError, ShapeError, WeightsFileError
from minitorch_viz.models.features import answer_last
from minitorch_viz.models.from_onnx.builder import Builder, Scores, Signal
from minitorch_viz.models.from_onnx.call import ELSEWHERE, Call
from minitorch_viz.models.from_onnx.file import DOMAINS, Graph
from minitorch_viz.models.from_onnx.folding import folded
from minitorch_viz.models.from_onnx.limits import MOST_NUMBERS
from minitorch_viz.models.from_onnx.operators import operators
from minitorch_viz.models.from_onnx.operators.attention import continued
from minitorch_viz.models.from_onnx.operators.registry import TURNED, Operator
from minitorch_viz.models.from_onnx.operators.turning import as_in_file
from minitorch_viz.models.from_onnx.tensors import array_of
from minitorch_viz.net import Net

DOUBLE = 11  # onnx.TensorProto.DataType; below those of whole numbers
WHOLE = (2, 3, 4, 5, 6, 7, 9, 12, 13)  # 9: true or false
TEXTS_AND_COMPLEX = (8, 14, 15)
USUAL_SIDE = 224  # of a picture whose size the file leaves open


class Input(NamedTuple):
    """Hold what a file says of one input of its net."""

    name: str  # in the file
    shape: tuple[int, ...]  # 1 stands for a batch whose length the file leaves open
    open_sides: tuple[int, ...]  # the axes whose length the file leaves open, the batch apart
    kind: int  # onnx.TensorProto.DataType


class NetRead(NamedTuple):
    """Hold a net, its inputs in the file's words, its outputs, and how many operators of each kind were read."""

    net: Net
    inputs: dict[str, Input]  # by the net's names
    outputs: list[str]  # nodes
    read: Counter[str]


def inputs_of(graph: Graph, sides: tuple[int, ...] | None) -> list[Input]:
    """Return the inputs that are no arrays of the file; `sides` stand for those of maps that it leaves open."""
    arrays = {str(tensor.name) for tensor in graph.graph.initializer}
    return [_input(entry, sides) for entry in graph.graph.input if str(entry.name) not in arrays]


def _input(entry: Any, sides: tuple[int, ...] | None) -> Input:
    tensor, name = entry.type.tensor_type, str(entry.name)
    if not entry.type.HasField("tensor_type") or not tensor.HasField("shape") or not tensor.shape.dim:
        raise NetError(f"The input {name!r:.80} is no array with known axes; export the net with its input's shape.")
    if tensor.elem_type in TEXTS_AND_COMPLEX:
        raise NetError(f"The input {name!r:.80} holds texts or complex numbers; real numbers are read.")
    given = [int(dim.dim_value) if dim.HasField("dim_value") else 0 for dim in tensor.shape.dim]
    if any(not 0 <= side <= MOST_NUMBERS for side in given):
        raise WeightsFileError(f"The input {name!r:.80} has the impossible shape {given!s:.80}.")
    shape, places = [given[0] or 1, *given[1:]], tuple(axis for axis, side in enumerate(given) if axis and side < 1)
    for axis in places:
        from_end = axis - len(given)
        if len(given) == 4 and axis >= 2:
            shape[axis] = sides[from_end] if sides else USUAL_SIDE
        elif len(given) == 3 and axis == 1:
            shape[axis] = 1
        else:
            raise NetError(f"The input {name!r:.80} leaves axis {axis} open, {given}; export the net with its length.")
    return Input(name, tuple(shape), places, int(tensor.elem_type))


def build_net(graph: Graph, sides: tuple[int, ...] | None = None, dtype: np.dtype[Any] | None = None) -> NetRead:
    """Return the net of a graph.

    sides: (H, W) of pictures where the file leaves them open. dtype: float32 or float64; None: as the inputs are.
    Raises NetError for what has no counterpart, WeightsFileError for what cannot be in a sound file.
    """
    inputs = inputs_of(graph, sides)
    if not inputs:
        raise NetError(f"{graph.path} has no input; a net that is to be explained needs one.")
    is_double = any(entry.kind == DOUBLE for entry in inputs)
    builder = Builder(dtype or np.dtype(np.float64 if is_double else np.float32), graph.opset)
    folder = graph.path.parent
    if graph.graph.sparse_initializer:
        raise NetError(f"{graph.path} holds sparse arrays; save it with dense ones.")
    for tensor in graph.graph.initializer:
        builder.values[str(tensor.name)] = array_of(tensor, folder)
    by_name = {}
    for entry in inputs:
        builder.add_input(entry.name, entry.shape, entry.kind in WHOLE)
        by_name[next(reversed(builder.inputs))] = entry
    outputs = [str(entry.name) for entry in graph.graph.output]
    builder.uses.update(outputs)
    for node in graph.graph.node:
        builder.uses.update(str(name) for name in node.input)
        for name in node.input:
            builder.readers.setdefault(str(name), []).append(node)
    # Constants come first, wherever they stand: what is read with its followers (GELU) asks for theirs.
    with np.errstate(all="ignore"):  # of a damaged file's numbers: a layer with infinite ones is refused
        for node in sorted(graph.graph.node, key=lambda node: node.op_type != "Constant"):
            if node.output and node.output[0] in builder.known:
                builder.read[str(node.op_type)] += 1
            else:
                _read(Call(node, builder, folder), str(node.domain))
    nodes = builder.finished(outputs)
    used = [name for name in builder.inputs if any(name in node.inputs for node in nodes)]
    goals = [value.node for name in outputs if isinstance(value := builder.values[name], Signal)]
    return NetRead(
        Net(answer_last(nodes, goals[0]) if goals else nodes, used),
        {name: by_name[name] for name in used},
        goals,
        builder.read,
    )


def _read(call: Call, domain: str) -> None:
    """Read one operator: what it gives stands under the file's names afterwards."""
    builder = call.builder
    if domain not in DOMAINS:
        call.refuse(f"belongs to {domain!r:.60}, not to ONNX itself")
    result: Any = folded(call)
    if result is None:
        function = operators().get(call.type)
        if function is None:
            call.refuse("has no counterpart among the layers here")
        if call.is_turned and call.type not in TURNED:
            call.refuse("reads an array whose first axis is not the images of a batch")
        try:
            is_attention = any(isinstance(value, Scores) for value in call.inputs)
            result = continued(call) if is_attention else _seen(call, function)
        except (SettingError, ShapeError) as error:  # the layer's own sentence on its settings
            raise NetError(f"The ONNX operator {call.label} cannot be a layer here: {error} {ELSEWHERE}") from error
        builder.read[call.type] += 1
    values = result if isinstance(result, list) else [result]
    for name, value in zip(call.outputs, values, strict=False):
        builder.values[name] = value


def _seen(call: Call, function: Operator) -> Any:
    """Return what an operator gives, under the file's shape where it was given turned signals."""
    result = function(call)
    if not call.is_turned:
        return result
    return [as_in_file(call, value) for value in result] if isinstance(result, list) else as_in_file(call, result)
