"""What a net is made of, nodes, tapes and rules, and the questions about a graph, each answered once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import NetError, near
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXELS, Field, Window

Rule: TypeAlias = Callable[[Any, Array, Any], Any]  # (layer, dy, saved) -> dx, the signature of Layer.backward
Key: TypeAlias = type[Layer] | Kind | str
Rules: TypeAlias = Mapping[Key, Rule]  # by layer type, by kind, or by the name of one node
AnyRule = TypeVar("AnyRule", bound=Rule)
Entry = TypeVar("Entry")


class Node(NamedTuple):
    """Name one step of a net, its layer and its inputs."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]  # names of nodes, or of the net's inputs


@dataclass(frozen=True, eq=False)
class Tape:
    """Hold what a forward pass computed: `tape["relu1"]`, a node's output; `tape.saved["pool1"].won`, its switches."""

    values: Mapping[str, Array]  # the output of every input and node that was run
    saved: Mapping[str, Any]  # what each layer's forward kept for its backward
    fused: Mapping[str, str] = field(default_factory=dict)  # {convolution whose output was never written: its ReLU}

    def like(self, name: str) -> Array:
        """Return an array of the shape and dtype of a node's output: of a fused convolution, the output of its ReLU."""
        return self[self.fused.get(name, name)]

    def __getitem__(self, name: str) -> Array:
        if name in self.fused:
            raise NetError(f"This tape has no value for {name!r}: with fuse=True only {self.fused[name]!r} has one.")
        if name not in self.values:
            raise NetError(f"This tape holds no value for {name!r}; {near(name, self.values, 'node')}.")
        return self.values[name]

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __repr__(self) -> str:
        parts = [f"{name} {tuple(value.shape)}" for name, value in self.values.items()]
        if len(parts) > 8:
            parts[4:-3] = [f"... {len(parts) - 7} more ..."]
        return f"Tape({', '.join(parts)})"


def needed(nodes: Iterable[Node], goals: Iterable[str], computed: Container[str] = ()) -> list[Node]:
    """Return the nodes that compute the goals, in order: their own and all before them, back to what is `computed`."""
    names, path = {name for name in goals if name not in computed}, []
    for node in reversed(tuple(nodes)):
        if node.name in names:
            path.append(node)
            names.update(name for name in node.inputs if name not in computed)
    return path[::-1]


def ancestors(nodes: Iterable[Node], name: str) -> set[str]:
    """Return the nodes and inputs that `name` depends on, and `name` itself."""
    return {name}.union(*(node.inputs for node in needed(nodes, [name])))


def dependents(nodes: Iterable[Node], starts: Iterable[str]) -> list[Node]:
    """Return the nodes that read `starts`, or what depends on them, in order."""
    names, path = set(starts), []
    for node in nodes:
        if not names.isdisjoint(node.inputs):
            names.add(node.name)
            path.append(node)
    return path


def between(nodes: Iterable[Node], starts: Collection[str], goals: Iterable[str]) -> list[Node]:
    """Return the nodes that depend on `starts` and that `goals` need, in order; `starts` themselves are left out."""
    return needed(dependents(nodes, starts), goals, starts)


def readers(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    """Return {name: the nodes that read it}; a node that reads it twice, as x + x does, stands there twice."""
    reading: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            reading.setdefault(name, []).append(node)
    return reading


def only_reader(nodes: Iterable[Node], name: str) -> Node | None:
    """Return the one node that reads `name`, once; None if there are several or none."""
    reading = readers(nodes).get(name, ())
    return reading[0] if len(reading) == 1 else None


def channel_axis(nodes: Iterable[Node], name: str) -> int:
    """Return the axis of the channels of a node or an input: 1 of maps (N, C, ...), -1 of a sequence (N, T, C).

    Layers that make channels say where; others have them where their first input has them. An input has them where the
    layer that reads it does.
    """
    nodes = tuple(nodes)
    sources, way = {node.name: node for node in nodes}, []
    while name in sources and sources[name].layer.channel_axis is None:
        way.append(sources[name].layer)
        name = sources[name].inputs[0]
    if name in sources:
        axis = sources[name].layer.channels_at(1)
    else:
        axis = -1 if any(node.layer.channels_at(1) == -1 for node in nodes if name in node.inputs) else 1
    for layer in reversed(way):
        axis = layer.channels_at(axis)
    return axis


def receptive_field(
    nodes: Iterable[Node], tape: Tape, node: str, position: Pair | Field | None, name: str
) -> Field | None:
    """Return the rectangle of `name`, inside its map, that the unit of `node` at (row, column) can depend on.

    position: a Field stands for the units of a rectangle; None for a node without places (a class score). None is
    returned where a layer on the way reads all of its
    map, or says nothing of its windows: perhaps all of it. The field of a dilated convolution counts with its holes.
    """
    if position is not None and not isinstance(position, Field):
        position = Field(position[0], position[1], position[0] + 1, position[1] + 1)
    nodes = tuple(nodes)
    windows, axes = sights(between(nodes, [name], [node]), {name: PIXELS if len(tape.like(name).shape) == 4 else None})
    fields = {node: position}
    for reader in reversed(needed(nodes, [node])):
        field, window = fields.pop(reader.name), windows.get(reader.name)
        for source in reader.inputs:
            shape, along, part = tape.like(source).shape, axes.get(source), None
            if field is not None and window is not None and along is not None:
                part = window.sees(field, (shape[along[0]], shape[along[1]]))
            fields[source] = part if source not in fields else part and part.union(fields[source])
    return fields[name]


def sights(
    nodes: Iterable[Node], starts: Mapping[str, Pair | None]
) -> tuple[dict[str, Window | None], dict[str, Pair | None]]:
    """Return through which window each node sees what it reads, and along which axes its own pixels lie.

    starts: {input: the axes of its rows and columns}; None has no such axes. A window is None where a node may see all
    of its input, or reads maps whose pixels lie along different axes.
    """
    windows: dict[str, Window | None] = {}
    axes = dict(starts)
    for node in nodes:
        along = {axes[source] for source in node.inputs if source in axes}
        (common,) = along if len(along) == 1 else (None,)
        sight = None if common is None else node.layer.sees(common)
        windows[node.name], axes[node.name] = (None, None) if sight is None else sight
    return windows, axes


def on_every_path(nodes: Iterable[Node], inputs: Iterable[str], name: str) -> tuple[str, ...]:
    """Return the inputs and nodes that every path to `name` runs through, in the order of the net, with both ends.

    These are the dominators of `name` (Prosser 1959): those of a node are the node itself and what is common to the
    dominators of all its sources. With several inputs none of them is on every path.
    """
    common = {source: frozenset({source}) for source in inputs}
    order = list(common)
    for node in nodes:
        sources = [common[source] for source in node.inputs if source in common]
        if sources:  # else no path from an input comes here
            common[node.name] = frozenset.intersection(*sources) | {node.name}
            order.append(node.name)
    return tuple(source for source in order if source in common.get(name, ()))


def last_common_maps(
    nodes: Iterable[Node], inputs: Iterable[str], name: str, shapes: Mapping[str, Sequence[int]]
) -> str | None:
    """Return the last node or input before `name` that is on every path to it and has maps; None if none has.

    shapes: {node: shape of its output}. Maps are (N, C, h, w), over a series (N, D, T) also (N, C, T), with more than
    one place: what a global pooling leaves is none. All of the picture that reaches the output is in these maps, as it
    is not in those of one branch.
    """
    nodes, inputs = tuple(nodes), tuple(inputs)
    of_series = all(len(shapes[each]) == 3 for each in inputs if each in shapes)
    sizes = (3, 4) if of_series else (4,)
    maps = (
        place
        for place in reversed(on_every_path(nodes, inputs, name)[:-1])
        if len(shapes[place]) in sizes and math.prod(shapes[place][2:]) > 1
    )
    return next((place for place in maps if channel_axis(nodes, place) == 1), None)  # not (N, h, w, C)


def rule_for(node: Node, rules: Rules) -> Rule | None:
    """Return the rule for the node's own name, else the nearest for its layer; None if there is none."""
    if node.name in rules:
        return rules[node.name]
    return nearest(node.layer, rules) if rules else None


def nearest(layer: Layer, table: Mapping[Any, Entry]) -> Entry | None:
    """Return what a table has for a layer: for its type, else for its kind, else for `Layer`; or None.

    A type covers its subclasses.
    """
    for key in _keys(type(layer)):  # type: ignore[arg-type]  # a class can be hashed
        if key in table:
            return table[key]
    return None


@cache
def _keys(cls: type[Layer]) -> tuple[Key, ...]:
    """Return the keys under which a table may hold an entry for layers of this type, the nearest first."""
    return (*(key for key in cls.__mro__ if key not in (Layer, object)), cls.kind, Layer)


class Route(NamedTuple):
    """Describe a backward pass: the nodes that depend on its goals, and how to get through one of them."""

    tape: Tape
    nodes: Sequence[Node]  # in the order of the forward pass
    goals: Collection[str]  # whose gradients are wanted
    leads: Container[str]  # the goals and all that depends on them: where a gradient is worth carrying
    rules: Rules

    @classmethod
    def back(cls, nodes: Iterable[Node], tape: Tape, goals: Iterable[str], rules: Rules) -> Route:
        """Return the way back to `goals`, over those of the nodes that ran."""
        goals = set(goals)
        path = dependents([node for node in nodes if node.name in tape.saved], goals)
        return cls(tape, path, goals, goals.union([node.name for node in path]), rules)

    def step(self, node: Node, dy: Array) -> list[tuple[str, Array]]:
        """Return the gradients of a node's inputs, by its layer's backward or the rule in its place."""
        rule, saved = rule_for(node, self.rules), self.tape.saved[node.name]
        return self.wanted(node, node.layer.backward(dy, saved) if rule is None else rule(node.layer, dy, saved))

    def wanted(self, node: Node, dx: Any) -> list[tuple[str, Any]]:
        """Return (name, gradient) of those of a node's inputs from which a goal can be reached."""
        if not isinstance(dx, tuple):
            return [(node.inputs[0], dx)] if node.inputs[0] in self.leads else []
        return [(name, part) for name, part in zip(node.inputs, dx, strict=False) if name in self.leads]


def local(rule: AnyRule) -> AnyRule:
    """Mark a rule that may be computed on a crop of a map; `net.backward` shows every other rule whole maps.

    Such a rule makes nothing of no signal, and all else of what it gives depends on the window that the layer itself
    reads, never on the rest of the map: a rule that takes the map's mean is not local.

    >>> @local
    ... def negative(layer, dy, saved):
    ...     return -layer.backward(dy, saved)
    >>> is_local(negative), is_local(partial(negative, "a layer")), is_local(lambda layer, dy, saved: dy - dy.mean())
    (True, True, False)
    """
    # The mark names the rule: `functools.wraps` copies it to functions that may look at all of a map.
    rule.is_local = rule  # type: ignore[attr-defined]  # functions take attributes
    return rule


def is_local(rule: Rule) -> bool:
    """Return whether a rule, or the one inside a `functools.partial`, is marked `@local`."""
    while isinstance(rule, partial) and getattr(rule, "is_local", None) is not rule:
        rule = rule.func
    return getattr(rule, "is_local", None) is rule
