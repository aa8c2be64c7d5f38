"""Checks that the parts of a net fit each other: names, rules, seeds and nodes. Each raises a sentence."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError, ShapeError, near
from minitorch_viz.graph import Node, Rules, Tape
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.kind import Kind


def check_names(names: str | Iterable[str], choices: Iterable[str], argument: str) -> tuple[str, ...]:
    """Return one name or several as a tuple; NetError, with near names, unless each is known."""
    choices = tuple(choices)
    names = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    for name in names:
        if name not in choices:
            raise NetError(f"{argument} names {name!r}, which this net does not have; {near(name, choices, 'node')}.")
    return names


def checked_rules(rules: Rules | None, names: Iterable[str]) -> Rules:
    """Return the rules as a dict, if every key is a layer type, a kind or the name of a node."""
    for key in rules or {}:
        if isinstance(key, str):
            check_names([key], names, "rules")
        elif not isinstance(key, Kind) and not (isinstance(key, type) and issubclass(key, Layer)):
            raise NetError(f"A rule's key must be a Kind, a layer type or a node's name, but got {key!r}.")
    return rules or {}


def checked_seeds(tape: Tape, seeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the seeds in the tape's dtype, if each has its node's shape and all have one batch."""
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
    """Return the nodes, if every name is new and every input comes before its reader."""
    nodes: list[Node] = []
    earlier = set(inputs)
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
        if name in earlier:
            raise NetError(f"The name {name!r} is used twice; every node needs a name of its own.")
        for source in sources:
            if source not in earlier:
                hint = near(source, earlier, "node")
                raise NetError(f"Node {name!r} reads from {source!r}, which does not come before it; {hint}.")
        least, most = _inputs_of(type(layer))  # type: ignore[arg-type]  # a class can be hashed
        if not least <= len(sources) <= most:
            takes = f"{least}" if least == most else f"{least} to {most:g}" if most < np.inf else f"at least {least}"
            raise NetError(
                f"Node {name!r} reads {len(sources)} arrays ({', '.join(sources)}), but {layer.type_name} takes "
                f"{takes}."
            )
        earlier.add(name)
        nodes.append(Node(name, layer, sources))
    if not nodes:
        raise NetError("A net needs at least one node.")
    return tuple(nodes)


@cache
def _inputs_of(kind: type[Layer]) -> tuple[int, float]:
    """Return how many arrays a layer's forward takes, at least and at most; infinitely many after a *."""
    parameters = [*inspect.signature(kind.forward).parameters.values()][1:]
    arrays = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    needed = [parameter for parameter in arrays if parameter.default is parameter.empty]
    # LSTM's state may be left out; rng, relu and the like are settings.
    optional = [parameter for parameter in arrays if parameter.default is None and parameter.name != "rng"]
    unbounded = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    return len(needed), np.inf if unbounded else len(needed) + len(optional)
