"""Nodes: the graph of a net as a value: what it is made of, and the same graph with other layers, numbers or inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.checks import checked_nodes
from minitorch_viz.errors import NetError, SettingError, ShapeError, near
from minitorch_viz.graph import Node
from minitorch_viz.layers.base import Layer

if TYPE_CHECKING:
    from minitorch_viz.net import Net


class Nodes(ABC):
    """Hold named nodes in the order in which they are computed, and answer what they are; `Net` computes them.

    Nothing here changes: each `with_...` gives another one, which shares what is the same.
    """

    def __init__(
        self,
        nodes: Iterable[Sequence[Any]],
        inputs: Sequence[str] = ("input",),
        beside: Mapping[str, Array] | None = None,
    ) -> None:
        self.inputs: tuple[str, ...] = (inputs,) if isinstance(inputs, str) else tuple(inputs)
        self.beside: dict[str, Array] = dict(beside or {})
        self.nodes: tuple[Node, ...] = checked_nodes(nodes, (*self.inputs, *self.beside))
        self._by_name = {node.name: node for node in self.nodes}
        read = {name for node in self.nodes for name in node.inputs}
        self.outputs: tuple[str, ...] = tuple(node.name for node in self.nodes if node.name not in read)

    @abstractmethod
    def _with(self, nodes: Iterable[Sequence[Any]], inputs: Sequence[str], beside: Mapping[str, Array]) -> Net:
        """Return the net of these nodes: a plain one, whatever kind this is."""

    @property
    def output(self) -> str:
        """Return the name of the last node."""
        return self.nodes[-1].name

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the inputs and nodes, in order."""
        return (*self.inputs, *self.beside, *self._by_name)

    def __getitem__(self, name: str) -> Node:
        if name not in self._by_name:
            raise NetError(f"This net has no node {name!r}; {near(name, self._by_name, 'node')}.")
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def params(self) -> dict[str, Array]:
        """Return all parameters: {"node.parameter": array}, the names of a PyTorch state dict."""
        return {f"{node.name}.{key}": value for node in self.nodes for key, value in node.layer.params.items()}

    @property
    def state(self) -> dict[str, Array]:
        """Return all parameters and buffers: what a weights file holds."""
        return {f"{node.name}.{key}": value for node in self.nodes for key, value in node.layer.state.items()}

    def with_params(self, arrays: Mapping[str, Array]) -> Net:
        """Return the same net with other parameters or buffers; names as in `state`, those not named stay."""
        changes: dict[str, dict[str, Array]] = {}
        state = self.state
        for key, value in arrays.items():
            if key not in state:
                raise NetError(f"This net has no parameter {key!r}; {near(key, state, 'parameter')}.")
            if value.shape != state[key].shape:
                raise ShapeError(f"{key} has shape {state[key].shape}, but the new array has {value.shape}.")
            name, _, param = key.rpartition(".")
            changes.setdefault(name, {})[param] = value
        return self.with_layers({name: self[name].layer.replace(**fields) for name, fields in changes.items()})

    def with_layers(self, layers: Mapping[str, Layer]) -> Net:
        """Return the same graph with other layers at the named nodes."""
        for name in layers:
            self[name]
        nodes = [node._replace(layer=layers.get(node.name, node.layer)) for node in self.nodes]
        return self._with(nodes, self.inputs, self.beside)

    def with_inputs(self, values: Mapping[str, Array]) -> Net:
        """Return the same net with some of its inputs given once and for all, {name: (1, ...)}; the others stay inputs.

        An input that was given before can be given anew. Raises NetError for a name that is none of its inputs,
        ShapeError for an array without a batch axis of 1.
        """
        names = (*self.inputs, *self.beside)
        for name, value in values.items():
            if name not in names:
                raise NetError(f"This net has no input {name!r}; its inputs are {', '.join(names)}.")
            if getattr(value, "shape", ())[:1] != (1,):
                shape = getattr(value, "shape", type(value).__name__)
                raise ShapeError(f"The input {name!r} is given once, as an array (1, ...), but got {shape}.")
        rest = tuple(name for name in self.inputs if name not in values)
        return self._with(self.nodes, rest, {**self.beside, **values})

    def astype(self, dtype: npt.DTypeLike) -> Net:
        """Return the same net in another precision (float32, float64)."""
        nodes = [node._replace(layer=node.layer.astype(dtype)) for node in self.nodes]
        floats = {name: x.astype(dtype) if x.dtype.kind == "f" else x for name, x in self.beside.items()}
        return self._with(nodes, self.inputs, floats)

    def to(self, device: str) -> Net:
        """Return the same net with its arrays on "cpu" (NumPy) or "cuda" (CuPy).

        Raises SettingError if that device is not there.
        """
        try:
            nodes = [node._replace(layer=node.layer.to(device)) for node in self.nodes]
            return self._with(
                nodes, self.inputs, {name: kernels.to_device(x, device) for name, x in self.beside.items()}
            )
        except (ValueError, RuntimeError) as error:
            raise SettingError(str(error)) from error

    @property
    def device(self) -> str:
        """Return where the net's arrays are: "cpu" or "cuda"."""
        return next((kernels.device_of(value) for value in self.params.values()), "cpu")

    def __repr__(self) -> str:
        width = max(len(node.name) for node in self.nodes)
        counts = [sum(value.size for value in node.layer.params.values()) for node in self.nodes]
        lines = [
            f"  {node.name:<{width}}  <- {', '.join(node.inputs)}: {node.layer!r}"
            + (f"  {count:,} parameters" if count else "")
            for node, count in zip(self.nodes, counts, strict=True)
        ]
        head = f"Net of {len(self.nodes)} nodes, {sum(counts):,} parameters, inputs {', '.join(self.inputs)}"
        if self.beside:
            head += f"; given: {', '.join(self.beside)}"
        return "\n".join([head, *lines])
