"""Small nets and slow, plain definitions for the rules that hand out shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import ndtr

from minitorch_viz import Net
from minitorch_viz.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Kind,
    Layer,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
)
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
        if node.layer.kind in (Kind.WEIGHS, Kind.SUMS):
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


def slowly(rule: tuple, J: np.ndarray, x: np.ndarray, b: np.ndarray, r: np.ndarray) -> np.ndarray:
    """LRP's formulas, on the matrix of contributions x_i w_ij (outputs, inputs); below 0 the signs change places."""
    kind, value = rule
    plus, minus = lambda a: np.maximum(a, 0), lambda a: np.minimum(a, 0)
    quotient = lambda a, z: np.divide(a, z, out=np.zeros_like(a), where=z != 0)
    c, below = J * x, ((J * x).sum(1) + b < 0)[:, None]
    b, r = np.broadcast_to(b, len(J))[:, None], r[:, None]
    z = c.sum(1, keepdims=True) + b
    pro, pro_bias = np.where(below, minus(c), plus(c)), np.where(below, minus(b), plus(b))
    con, con_bias = c - pro, b - pro_bias
    if kind == "epsilon":
        return (c * quotient(r, z + np.where(below, -value, value))).sum(0)
    if kind == "gamma":
        return ((c + value * pro) * quotient(r, z + value * (pro.sum(1, keepdims=True) + pro_bias))).sum(0)
    if kind == "alpha-beta":
        z_pro, z_con = pro.sum(1, keepdims=True) + pro_bias, con.sum(1, keepdims=True) + con_bias
        alpha = np.where(z_con == 0, 1, value)
        return (pro * quotient(alpha * r, z_pro) - con * quotient((alpha - 1) * r, z_con)).sum(0)
    box = c - value[0] * plus(J) - value[1] * minus(J)
    return (box * quotient(r, box.sum(1, keepdims=True))).sum(0)


def relevance_slowly(net: Net, tape, rule: tuple, seeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One rule of LRP through a whole net, on explicit matrices. For nets without batch normalization.

    Means and sums follow the rule as the layers with weights do, but for epsilon, of which they have none. An
    activation keeps back the share of what it gives for 0.
    """
    found = {name: seed.ravel() for name, seed in seeds.items()}
    for node in reversed(net.nodes):
        if node.name not in found:
            continue
        xs = [tape[name].ravel() for name in node.inputs]
        x, y, r = np.concatenate(xs), tape[node.name].ravel(), found[node.name]
        if node.layer.kind in (Kind.WEIGHS, Kind.SUMS):
            J = matrix(node.layer, (tape[node.name].shape[1:], tape.saved[node.name]))
            plain = ("epsilon", 0) if rule[0] == "epsilon" and node.layer.kind is Kind.SUMS else rule
            bias = 0 if node.layer.kind is Kind.SUMS else y - J @ x
            given = slowly(plain, J, x, bias, r)
        elif isinstance(node.layer, (MaxPool2d, Flatten, Concat)):
            given = matrix(node.layer, (tape[node.name].shape[1:], tape.saved[node.name])).T @ r
        elif isinstance(node.layer, LocalResponseNorm):
            given = r
        else:
            start = node.layer.forward(np.zeros((1, 1, 1, 1)))[0].item()
            given = np.divide(r * (y - start), y, out=np.zeros_like(r), where=y != 0) if start else r
        for name, part in zip(node.inputs, np.split(given, np.cumsum([one.size for one in xs])[:-1]), strict=True):
            found[name] = found.get(name, 0) + part
    return found


# ---------------------------------------------------------------------- nets whose sums are negative, too


@dataclass(frozen=True, eq=False, repr=False)
class Elementwise(Layer):
    """A layer of one's own, y = f(x): what LRP has no rule for."""

    f: ClassVar
    slope: ClassVar
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: np.ndarray

    def forward(self, x):
        return type(self).f(x), self.Saved(x)

    def backward(self, dy, saved):
        return dy * type(self).slope(saved.x)


def elementwise(name: str, f, slope) -> type[Elementwise]:
    return type(name, (Elementwise,), {"f": staticmethod(f), "slope": staticmethod(slope)})


bell = lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
switch = lambda x: 1 / (1 + np.exp(-x))
Gelu = elementwise("Gelu", lambda x: x * ndtr(x), lambda x: ndtr(x) + x * bell(x))
Swish = elementwise("Swish", lambda x: x * switch(x), lambda x: switch(x) * (1 + x * (1 - switch(x))))
HardSwish = elementwise(
    "HardSwish",
    lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    lambda x: np.where(x < -3, 0, np.where(x > 3, 1, x / 3 + 0.5)),
)
Elu = elementwise("Elu", lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x)))
Softplus = elementwise("Softplus", lambda x: np.logaddexp(0, x), switch)  # 0.69 at 0

ACTIVATIONS = {
    "ReLU": ReLU(),
    "LeakyReLU": LeakyReLU(0.2),
    "Tanh": Tanh(),
    "Sigmoid": Sigmoid(),
    **{kind.__name__: kind() for kind in (Gelu, Swish, HardSwish, Elu, Softplus)},
}


def signed_net(rng: np.random.Generator, activation: Layer, bias: bool = True, linear: bool = False) -> Net:
    """A small residual net in float64 for (1, 2, 6, 6): branches that cancel, means, a normalization, a join."""
    b = lambda n: rng.standard_normal(n) / 4 if bias else None
    conv = lambda o, i, k, **more: Conv2d(rng.standard_normal((o, i, k, k)) / np.sqrt(i * k * k), b(o), **more)
    act = lambda: Dropout(0.5) if linear else activation
    return Net(
        [
            ("stem", conv(4, 2, 3, padding=1)),
            ("act1", act()),
            ("branch", conv(4, 4, 3, padding=1)),
            ("short", conv(4, 4, 1), ("act1",)),
            ("sum", Add(), ("branch", "short")),
            ("act2", act()),
            ("mean", AvgPool2d(2)),
            ("norm", LocalResponseNorm(3, 0.5)),
            ("left", conv(3, 4, 1)),
            ("act3", act()),
            ("right", MaxPool2d(1), ("norm",)),
            ("join", Concat(), ("act3", "right")),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((6, 7)), b(6))),
        ]
    )
