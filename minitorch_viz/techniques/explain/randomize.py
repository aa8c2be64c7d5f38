"""Randomization checks: what is left of a map when random weights replace what the net has learned?

A map that explains what a net learned must change when the learned weights are replaced by random ones. Cascading: from
the classifier downwards, each layer stays random as the next one is. Independent: one layer at a time, the others as
trained.

Paper: Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim 2018 (Sanity checks for saliency maps).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import NetError, need_whole
from minitorch_viz.net import Net

Layers = tuple[tuple[str, ...], ...]  # from the top; the nodes that are randomized together


def weighted_layers(net: Net) -> Layers:
    """Return the layers with parameters, from the top down; a normalization goes with the convolution it reads from.

    Raises NetError for a net without parameters.
    """
    groups: list[list[str]] = []
    for node in net.nodes:
        matrices = [value for value in node.layer.params.values() if value.ndim > 1]
        if node.layer.params and (matrices or not groups):
            groups.append([node.name])
        elif node.layer.params:
            at = next((i for i, names in enumerate(groups) if node.inputs[0] in names), len(groups) - 1)
            groups[at].append(node.name)
    if not groups:
        raise NetError("This net has no layer with parameters, so there is nothing to randomize.")
    return tuple(tuple(names) for names in reversed(groups))


def randomized(net: Net, nodes: Sequence[str], seed: int = 0) -> Net:
    """Return the same net with fresh parameters at the named nodes; the others are shared, nothing changes in place.

    Weights are drawn as before a training (He et al. 2015: normal, variance 2 / inputs), biases are 0, normalizations
    do nothing. The draws of a node depend on `seed` and the node's name alone.
    """
    need_whole("seed", seed, 0)
    fresh: dict[str, Array] = {}
    for name in nodes:
        rng = np.random.default_rng([seed, *name.encode()])
        for key, value in net[name].layer.state.items():
            fresh[f"{name}.{key}"] = kernels.to_device(_fresh(key, value, rng), net.device)
    return net.with_params(fresh)


def cascading(net: Net, layers: Layers, seed: int = 0) -> Iterator[Net]:
    """Yield one net a layer: random from the top down to that layer, trained below."""
    for number in range(len(layers)):
        yield randomized(net, [name for names in layers[: number + 1] for name in names], seed)


def independent(net: Net, layers: Layers, seed: int = 0) -> Iterator[Net]:
    """Yield one net a layer: that layer random, all others trained."""
    for names in layers:
        yield randomized(net, names, seed)


def stops(layers: Layers, most: int) -> Layers:
    """Return at most `most` groups of neighbouring layers, so that a deep net takes no more maps than a shallow one.

    The topmost layer stays a group of its own.
    """
    most = need_whole("most stops of a cascade", most, 2)
    if len(layers) <= most:
        return layers
    lower_layers = np.array_split(np.arange(1, len(layers)), most - 1)
    return (layers[0], *(tuple(name for i in part for name in layers[i]) for part in lower_layers))


def _fresh(key: str, value: Array, rng: np.random.Generator) -> Array:
    if value.ndim > 1:
        drawn = rng.standard_normal(value.shape) * np.sqrt(2 / np.prod(value.shape[1:]))
        weights: Array = drawn.astype(value.dtype)
        return weights
    return np.full(value.shape, 1 if key in ("weight", "running_var") else 0, value.dtype)
