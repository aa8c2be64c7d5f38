"""What a net is made of, and the checks that its parts fit: nodes, tapes, seeds and rules."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError, ShapeError, near
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.kind import Kind

Rule: TypeAlias = Callable[[Any, Array, Any], Any]  # (layer, dy, saved) -> dx, the signature of Layer.backward
Key: TypeAlias = type[Layer] | Kind | str
Rules: TypeAlias = Mapping[Key, Rule]  # by layer type, by kind, or by the name of one node
AnyRule = TypeVar("AnyRule", bound=Rule)


class Node(NamedTuple):
    """One step of a net."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]  # names of nodes, or of the net's inputs


@dataclass(frozen=True, eq=False)
class Tape:
    """What a forward pass computed: `tape["relu1"]` is a node's output, `tape.saved["pool1"].won` its switches."""

    values: Mapping[str, Array]  # the output of every input and node that was run
    saved: Mapping[str, Any]  # what each layer's forward kept for its backward
    fused: Mapping[str, str] = field(default_factory=dict)  # {convolution whose output was never written: its ReLU}

    def like(self, name: str) -> Array:
        """An array of the shape and dtype of a node's output, which a fused convolution has in common with its ReLU."""
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
        shown = [f"{name} {tuple(value.shape)}" for name, value in self.values.items()]
        if len(shown) > 8:
            shown[4:-3] = [f"... {len(shown) - 7} more ..."]
        return f"Tape({', '.join(shown)})"


def rule_for(node: Node, rules: Rules) -> Rule | None:
    """Return the rule for the node's own name, else for its type, else for its kind, else for `Layer`; or None.

    A type covers its subclasses.
    """
    if not rules:
        return None
    if node.name in rules:
        return rules[node.name]
    keys: list[Key] = [cls for cls in type(node.layer).__mro__ if cls is not Layer]
    return next((rules[key] for key in (*keys, node.layer.kind, Layer) if key in rules), None)


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
    rule.is_local = True  # type: ignore[attr-defined]  # functions take attributes
    return rule


def is_local(rule: Rule) -> bool:
    """Return whether a rule, or the one inside a `functools.partial`, is marked `@local`."""
    while isinstance(rule, partial) and not hasattr(rule, "is_local"):
        rule = rule.func
    return getattr(rule, "is_local", False) is True


def check_names(names: str | Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    """One name or several as a tuple; NetError, with near names, unless every one is known."""
    known = tuple(known)
    names = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    for name in names:
        if name not in known:
            raise NetError(f"{what} names {name!r}, which this net does not have; {near(name, known, 'node')}.")
    return names


def checked_rules(rules: Rules | None, names: Iterable[str]) -> Rules:
    """The rules as a dict, if every key is a layer type, a kind or the name of a node."""
    for key in rules or {}:
        if isinstance(key, str):
            check_names([key], names, "rules")
        elif not isinstance(key, Kind) and not (isinstance(key, type) and issubclass(key, Layer)):
            raise NetError(f"A rule's key must be a Kind, a layer type or a node's name, but got {key!r}.")
    return rules or {}


def checked_seeds(tape: Tape, seeds: Mapping[str, Array]) -> dict[str, Array]:
    """The seeds in the tape's dtype, if each has its node's shape and all have one batch."""
    if not isinstance(seeds, Mapping) or not seeds:
        raise NetError("seeds must be a dict {node name: array} with at least one entry.")
    grads, batches = {}, set()
    for name, seed in seeds.items():
        if name not in tape.values:
            raise NetError(f"seeds names {name!r}, which this tape does not hold; {near(name, tape.values, 'node')}.")
        y = tape[name]
        if not hasattr(seed, "shape"):
            raise ShapeError(f"The seed for {name!r} must be an array, but got a {type(seed).__name__}.")
        if seed.ndim != y.ndim or seed.shape[1:] != y.shape[1:] or len(y) not in (1, len(seed)):
            any_batch = " (its first axis may be any number of seeds)" if len(y) == 1 else ""
            raise ShapeError(f"The seed for {name!r} needs the node's shape {y.shape}{any_batch}, not {seed.shape}.")
        batches.add(len(seed))
        grads[name] = seed.astype(y.dtype, copy=False)
    if len(batches) > 1:
        raise ShapeError(f"All seeds of one pass need the same batch, but got {sorted(batches)}.")
    return grads


def checked_nodes(specs: Iterable[Sequence[Any]], inputs: tuple[str, ...]) -> tuple[Node, ...]:
    """The nodes, if every name is new and every input comes before its reader."""
    nodes: list[Node] = []
    known = set(inputs)
    for place, spec in enumerate(specs):
        if not isinstance(spec, (tuple, list)) or not 2 <= len(spec) <= 3:
            raise NetError(f"Node {place} must be (name, layer) or (name, layer, inputs), but got {spec!r}.")
        name, layer = spec[0], spec[1]
        sources = spec[2] if len(spec) == 3 else (nodes[-1].name if nodes else inputs[0],)
        sources = (sources,) if isinstance(sources, str) else tuple(sources)
        if not isinstance(name, str) or not name:
            raise NetError(f"Node {place} needs a name that is a non-empty string, but got {name!r}.")
        if not isinstance(layer, Layer):
            raise NetError(f"Node {name!r} needs a layer, but got {layer!r}; give an object such as ReLU().")
        if name in known:
            raise NetError(f"The name {name!r} is used twice; every node needs a name of its own.")
        for source in sources:
            if source not in known:
                hint = near(source, known, "node")
                raise NetError(f"Node {name!r} reads from {source!r}, which does not come before it; {hint}.")
        least, most = _inputs_of(type(layer))  # type: ignore[arg-type]  # a class can be hashed
        if not least <= len(sources) <= most:
            takes = f"{least}" if least == most else f"{least} to {most:g}" if most < np.inf else f"at least {least}"
            raise NetError(
                f"Node {name!r} reads {len(sources)} arrays ({', '.join(sources)}), but {type(layer).__name__} takes "
                f"{takes}."
            )
        known.add(name)
        nodes.append(Node(name, layer, sources))
    if not nodes:
        raise NetError("A net needs at least one node.")
    return tuple(nodes)


@functools.cache
def _inputs_of(kind: type[Layer]) -> tuple[int, float]:
    """How many arrays a layer's forward takes, at least and at most; infinitely many after a *."""
    parameters = [*inspect.signature(kind.forward).parameters.values()][1:]
    arrays = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = [one for one in arrays if one.default is one.empty]
    # LSTM's state may be left out; rng, relu and the like are settings.
    optional = [one for one in arrays if one.default is None and one.name != "rng"]
    unbounded = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return len(needed), np.inf if unbounded else len(needed) + len(optional)


def ancestors(nodes: Iterable[Node], name: str) -> set[str]:
    """The nodes and inputs that `name` depends on, and `name` itself."""
    wanted = {name}
    for node in reversed(tuple(nodes)):
        if node.name in wanted:
            wanted.update(node.inputs)
    return wanted


def on_every_path(nodes: Iterable[Node], inputs: Iterable[str], name: str) -> tuple[str, ...]:
    """What every path from the inputs to `name` runs through, in the order of the net, with both ends.

    These are the dominators of `name` (Prosser 1959): those of a node are the node itself and what is common to the
    dominators of all its sources. With several inputs none of them is on every path.
    """
    common = {one: frozenset({one}) for one in inputs}
    order = list(common)
    for node in nodes:
        sources = [common[source] for source in node.inputs if source in common]
        if sources:  # else no path from an input comes here
            common[node.name] = frozenset.intersection(*sources) | {node.name}
            order.append(node.name)
    return tuple(one for one in order if one in common.get(name, ()))


def last_common_maps(
    nodes: Iterable[Node], inputs: Iterable[str], name: str, shapes: Mapping[str, Sequence[int]]
) -> str | None:
    """The last node or input before `name` that every path to it runs through and that has maps; None if none has.

    shapes: {node: shape of its output}. Maps are (N, C, h, w) with more than one place: what a global pooling leaves
    is none. All that the net sees of the picture is in these maps, as it is not in those of one branch.
    """
    way = on_every_path(nodes, inputs, name)[:-1]
    return next((one for one in reversed(way) if len(shapes[one]) == 4 and shapes[one][2] * shapes[one][3] > 1), None)
