"""The walk backwards through a net: all of backpropagation but the arithmetic of the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import minitorch_viz_kernels as kernels
from minitorch_viz.graph import Node


def walk(
    nodes: Sequence[Node],
    seeds: Mapping[str, Any],
    step: Callable[[Node, Any], Iterable[tuple[str, Any]]],
    add: Callable[[Any, Any], Any] = kernels.add,
) -> Iterator[tuple[str, Any]]:
    """Yield (name, gradient of its output), from the last of `nodes` to the first and on to what they read.

    seeds: {name: the gradient to begin with}; step(node, gradient): (name, gradient) of those inputs that matter.
    """
    gradients = dict(seeds)
    for node in reversed(nodes):
        if node.name in gradients:
            gradient = gradients.pop(node.name)
            yield node.name, gradient  # complete: all that reads this node comes after it
            for name, part in step(node, gradient):
                gradients[name] = add(gradients[name], part) if name in gradients else part  # where paths meet
    yield from gradients.items()
