"""What a net answers when a part of an image changes, at the price of that part.

A tape of the unchanged image holds every map. A change inside a box of the input can change, in the next map, only the
box that its windows reach; so each layer runs on crops, amid what the tape holds, until the box is most of the map:

    input        32 x 32  of 224 x 224      an occluder on SqueezeNet
    features.0   16 x 16  of 111 x 111      3x3, stride 2
    features.4   13 x 13  of  55 x  55      a pooling by 2, two 3x3
    features.7   11 x 11  of  27 x  27      a pooling by 2, two 3x3
    features.11  11 x 11  of  13 x  13      a pooling by 2, three 3x3
    features.12  13 x 13  of  13 x  13      from here on it is a plain forward pass that began in the middle

K changes, at places of their own, are one batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.boxes import Boxes, Patch, whole_map
from minitorch_viz.checks import check_names
from minitorch_viz.errors import NetError, ShapeError
from minitorch_viz.graph import Node, Tape, between

if TYPE_CHECKING:
    from minitorch_viz.net import Net

LARGEST_BOX = 0.9  # share of a map: a larger box is not worth cutting out


@overload
def predict_changed(net: Net, tape: Tape, changes: Mapping[str, Patch], upto: str | None = None) -> Array: ...


@overload
def predict_changed(net: Net, tape: Tape, changes: Mapping[str, Patch], upto: tuple[str, ...]) -> dict[str, Array]: ...


def predict_changed(
    net: Net, tape: Tape, changes: Mapping[str, Patch], upto: str | tuple[str, ...] | None = None
) -> Array | dict[str, Array]:
    """Run the net on K changed versions of one image and keep only the output of `upto` (default: the last node).

    tape: a forward pass of the unchanged image (N = 1), not in training (without rng).
    changes: {input or node: what its maps show instead}, each a Patch with values (K, C, h, w).
    upto: a node, or several in a tuple, for one pass up to all of them.
    Returns (K, ...), what `net.predict` gives for the changed maps within rounding; of a tuple {node: (K, ...)}.

    Raises NetError for an unknown name or a tape that ends before `upto`, ShapeError for a patch that does not fit.

    >>> import numpy as np
    >>> from minitorch_viz import Net
    >>> from minitorch_viz.layers import GlobalAvgPool2d, ReLU
    >>> net = Net([("relu", ReLU()), ("mean", GlobalAvgPool2d())])
    >>> black = Patch(np.zeros((2, 1, 1, 1)), Boxes.at([0, 1], [0, 1], (1, 1)))  # at (0, 0), and at (1, 1)
    >>> predict_changed(net, net.forward(np.array([[[[4.0, 0.0], [0.0, 8.0]]]])), {"input": black}).ravel()
    array([2., 1.])
    """
    goals = check_names(net.output if upto is None else upto, net.names, "upto")
    count = _check_patches(net, tape, changes, goals)
    outputs: dict[str, Array | Patch] = dict(changes)
    nodes = between(net.nodes, changes, goals)
    last_reader = {name: node.name for node in nodes for name in node.inputs}
    for node in nodes:
        outputs[node.name] = _run(node, tape, outputs, count)
        for name in set(node.inputs) & outputs.keys():
            if last_reader[name] == node.name and name not in goals:
                del outputs[name]
    answers = {goal: _maps(goal, tape, outputs, count) for goal in goals}
    return answers[goals[0]] if upto is None or isinstance(upto, str) else answers


def _run(node: Node, tape: Tape, outputs: Mapping[str, Array | Patch], count: int) -> Array | Patch:
    """Return a node's output where it can have changed, or all of it."""
    boxes = _reached(node, tape, outputs)
    if boxes is None:
        return node.layer.forward(*(_maps(name, tape, outputs, count) for name in node.inputs))[0]
    in_size, out_size = tape[node.inputs[0]].shape[2:], tape[node.name].shape[2:]
    window = node.layer.window
    assert window is not None  # else nothing was reached
    x_boxes = window.reads(boxes, in_size)
    y = node.layer.forward(*(_crops(name, x_boxes, tape, outputs, count) for name in node.inputs))[0]
    return Patch(boxes.within(window.gives(x_boxes, in_size, out_size)).take(y), boxes)


def _reached(node: Node, tape: Tape, outputs: Mapping[str, Array | Patch]) -> Boxes | None:
    """Return the boxes of a node's output that the changes can reach; None if that is most of it, or unknown."""
    window, out = node.layer.window, tape[node.name].shape
    if window is None or len(out) != 4 or len({tape[name].shape[2:] for name in node.inputs}) != 1:
        return None
    union: Boxes | None = None
    for value in (outputs[name] for name in node.inputs if name in outputs):
        if not isinstance(value, Patch):
            return None
        boxes = window.reached(value.boxes, out[2:])
        union = boxes if union is None else union.union(boxes, out[2:])
    return union if union is not None and union.area <= LARGEST_BOX * out[2] * out[3] else None


def _crops(name: str, boxes: Boxes, tape: Tape, outputs: Mapping[str, Array | Patch], count: int) -> Array:
    """Return crops (K, C, h, w) of a node's maps, with the changes."""
    value, unchanged = outputs.get(name), tape[name]
    if not isinstance(value, Patch):
        return _repeated(boxes.take(unchanged), count)
    hull = boxes.union(value.boxes, unchanged.shape[2:])  # a stride may skip some of what has changed
    return boxes.within(hull).take(value.spread(hull, unchanged))


def _maps(name: str, tape: Tape, outputs: Mapping[str, Array | Patch], count: int) -> Array:
    """Return a node's whole maps (K, ...), with the changes."""
    value = outputs.get(name)
    if value is None:
        return _repeated(tape[name], count)
    return value.spread(whole_map(tape[name].shape[2:]), tape[name]) if isinstance(value, Patch) else value


def _repeated(x: Array, count: int) -> Array:
    """Return one image as a batch, without copying it."""
    repeated: Array = kernels.array_module(x).broadcast_to(x, (count, *x.shape[1:]))
    return repeated


def _check_patches(net: Net, tape: Tape, changes: Mapping[str, Patch], goals: tuple[str, ...]) -> int:
    """Return K, if the patches fit the tape and each other."""
    if not isinstance(changes, Mapping) or not changes:
        raise NetError("changes must be a dict {node name: Patch} with at least one entry.")
    check_names(changes, net.names, "changes")
    for name in (*changes, *goals):
        if len(tape[name]) != 1:
            raise ShapeError(f"Changes need a tape of one image, but {name!r} holds {len(tape[name])}.")
    counts = set()
    for name, patch in changes.items():
        maps, values, boxes = tape[name], patch.values, patch.boxes
        counts.add(len(values))
        valid = maps.ndim == values.ndim == 4 and values.shape[1:] == (maps.shape[1], *boxes.size)
        if not valid or any(
            not 0 <= start <= length - span.size for span, length in zip(boxes, maps.shape[2:], strict=True)
            for start in span.starts
        ):  # fmt: skip
            raise ShapeError(
                f"The patch for {name!r} has values of shape {values.shape} for boxes {boxes}, "
                f"which do not fit its maps {maps.shape}."
            )
        counts |= {len(span.starts) for span in boxes} - {1}
    if len(counts) != 1:
        raise ShapeError(f"All patches need one batch of values and places, but got {sorted(counts)}.")
    return counts.pop()
