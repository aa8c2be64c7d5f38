"""The net as it grows: which ONNX value is which array or node, and the shape of each for one input."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError
from minitorch_viz.graph import Node, needed
from minitorch_viz.layers import Layer
from minitorch_viz.models.from_onnx.limits import Budget

LONGEST_NAME = 80
UNFINISHED = "multiplies two arrays that both depend on the input, as attention does. Use Model.from_torch"


class Signal(NamedTuple):
    """Stand for a value that depends on the net's input: the node that gives it, and its shape for one input.

    In the net the images are the first axis of every value; in the file as a rule, too, where it has 1 place for one
    input. A value is turned where it is another one, as attention over (steps, images, features) has it: the net's
    value then has the images before all axes of `shape`.
    """

    node: str
    shape: tuple[int, ...]  # the file's
    is_whole: bool = False  # whole numbers, such as those of words
    turned: bool = False

    @property
    def image(self) -> tuple[int, ...]:
        """Return the axes of one image in the net."""
        return self.shape if self.turned else self.shape[1:]


class Scores(NamedTuple):
    """Stand for how well queries and keys agree, until the operators that follow have made attention of it."""

    query: Signal  # (..., T, D)
    key: Signal  # (..., D, S)
    shape: tuple[int, ...]  # (..., T, S)
    factor: float
    causal: bool
    is_soft: bool  # whether the softmax over the keys is taken
    label: str  # of the operator that begins it


Value = Signal | Scores | Array  # an array is a constant


class Builder:
    """Collect nodes (layers) under unique names, and what is told of them."""

    def __init__(self, dtype: np.dtype[Any], opset: int) -> None:
        self.dtype, self.opset, self.budget = dtype, opset, Budget()
        self.values: dict[str, Value] = {}  # by the names of the file
        self.nodes: dict[str, Node] = {}  # by the names of the net, in order
        self.inputs: dict[str, tuple[int, ...]] = {}  # their shapes, by the names of the net
        self.images: dict[str, tuple[int, ...]] = {}  # the axes of one image of each input and node
        self.uses: Counter[str] = Counter()  # how many operators read a value of the file, or give it out
        self.readers: dict[str, list[Any]] = {}  # the operators of the file that read a value
        self.known: set[str] = set()  # outputs of operators that were read with an earlier one
        self.read: Counter[str] = Counter()  # operators that were read

    def add_input(self, name: str, shape: tuple[int, ...], is_whole: bool) -> None:
        """Take an input of the file into the net."""
        own = self.free_name(name, "input")
        self.inputs[own] = self.budget.spend(shape, f"the input {name!r:.80}")
        self.images[own] = shape[1:]
        self.values[name] = Signal(own, shape, is_whole)

    def add(self, name: str, layer: Layer, sources: tuple[str, ...], shape: tuple[int, ...]) -> Signal:
        """Add a node under this name, or with a number behind where the name is taken."""
        own = self.free_name(name, layer.type_name.lower(), keeps_last=not layer.params)
        self.nodes[own], self.images[own] = Node(own, layer, sources), shape[1:]
        return Signal(own, shape)

    def layer_of(self, signal: Signal) -> Layer | None:
        """Return the layer that gives a signal; None for an input."""
        return self.nodes[signal.node].layer if signal.node in self.nodes else None

    def sources_of(self, signal: Signal) -> tuple[str, ...]:
        """Return the nodes that the node of a signal reads."""
        return self.nodes[signal.node].inputs if signal.node in self.nodes else ()

    def replace(self, signal: Signal, layer: Layer) -> None:
        """Put another layer in the place of the one that gives a signal."""
        self.nodes[signal.node] = self.nodes[signal.node]._replace(layer=layer)

    def free_name(self, name: str, instead: str, keeps_last: bool = True) -> str:
        """Return a plain name that no node has yet.

        "/features/features.0/Conv", as exporters name the operator of a module, is features.0.Conv; without the last
        part, where the module's own name is wanted, features.0.
        """
        parts = re.sub(r"[^\w.\-]+", "/", name, flags=re.ASCII).strip("/").split("/")
        parts = [
            part for part, after in zip(parts, [*parts[1:], ""], strict=True) if not f"{after}.".startswith(f"{part}.")
        ]
        parts = parts if keeps_last or len(parts) < 2 else parts[:-1]
        plain = ".".join(parts)[-LONGEST_NAME:].strip(".") or instead
        own, number = plain, 2
        while own in self.nodes or own in self.inputs:
            own, number = f"{plain}_{number}", number + 1
        return own

    def finished(self, outputs: list[str]) -> list[Node]:
        """Return the nodes that the file's outputs need, in order; NetError if an output is none of them."""
        goals = []
        for name in outputs:
            value = self.values.get(name)
            if isinstance(value, Scores):
                raise NetError(f"The ONNX operator {value.label} {UNFINISHED}.")
            if isinstance(value, Signal) and value.turned:
                raise NetError(f"The output {name!r:.80} of shape {value.shape} has the images along no first axis.")
            if not isinstance(value, Signal) or value.node not in self.nodes:
                raise NetError(f"The output {name!r:.80} does not depend on the net's input by any layer.")
            goals.append(value.node)
        return needed(self.nodes.values(), goals)
