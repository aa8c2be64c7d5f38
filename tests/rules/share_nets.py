"""Small nets and slow, plain definitions for the rules that hand out shares."""

from __future__ import annotations

import numpy as np

from minitorch_viz import Net
from minitorch_viz.layers import BatchNorm2d, Layer, MaxPool2d
from minitorch_viz.rules.shares import MIXING, WEIGHTED
from tests.map_nets import MAP_NETS

# The last node that shares can start from (the ones above it are a softmax, or a layer of the tests' own).
TOPS = {"plain": "fc", "fires": "flat", "residual": "fc", "decoder": "conv2"}


def share_net(name: str, rng: np.random.Generator, bias: bool = True) -> tuple[Net, np.ndarray, str]:
    """A net in float64, an input (1, 2, H, W) of nonnegative numbers, and the node to start from."""
    net = MAP_NETS[name].build(rng)
    if not bias:
        net = net.with_layers(
            {
                node.name: node.layer.replace(bias=None)
                for node in net.nodes
                if "bias" in node.layer.params and not isinstance(node.layer, BatchNorm2d)
            }
        )
    return net, np.abs(rng.standard_normal((1, 2, *MAP_NETS[name].size))), TOPS[name]


def matrix(layer: Layer, saved) -> np.ndarray:
    """The Jacobian (outputs, inputs) of a layer on a tape of one image, from the layer's own backward pass."""
    y_shape = saved[0]
    seeds = np.eye(int(np.prod(y_shape))).reshape(-1, *y_shape)
    dx = layer.backward(seeds, saved[1])
    parts = dx if isinstance(dx, tuple) else (dx,)
    return np.concatenate([part.reshape(len(seeds), -1) for part in parts], axis=1)


def winning_probabilities(net: Net, tape, seeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Zhang et al.'s definition, written down: P(i | j) = x_i w⁺_ij / sum_k x_k w⁺_kj, p_i = sum_j P(i | j) p_j.

    For nets without batch normalization, and inputs that are not negative where they count.
    """
    p = {name: seed.ravel() for name, seed in seeds.items()}
    for node in reversed(net.nodes):
        if node.name not in p:
            continue
        xs = [tape[name].ravel() for name in node.inputs]
        sizes = np.cumsum([x.size for x in xs])[:-1]
        x, J = np.concatenate(xs), matrix(node.layer, (tape[node.name].shape[1:], tape.saved[node.name]))
        if isinstance(node.layer, (*WEIGHTED, *MIXING)):
            excited = np.maximum(J, 0) * np.maximum(x, 0)
            total = excited.sum(axis=1, keepdims=True)
            conditional = np.divide(excited, total, out=np.zeros_like(excited), where=total > 0)
        else:  # one parent each: the winner of a pooling, or the value at the same place
            conditional = (J != 0).astype(float)
            if not isinstance(node.layer, MaxPool2d) and conditional.shape[0] == conditional.shape[1]:
                conditional = np.eye(len(conditional))
        assert set(np.round(conditional.sum(axis=1), 12)) <= {0.0, 1.0}
        for name, part in zip(node.inputs, np.split(conditional.T @ p[node.name], sizes), strict=True):
            p[name] = p.get(name, 0) + part
    return p
