"""Attention: every step of a sequence reads the steps that answer its question."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, expect_floats
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import products


@dataclass(frozen=True, eq=False, repr=False)
class MultiheadAttention(Layer):
    """Mix the steps of a sequence, each by weights that it asks for itself.

    x (N, T, E) -> y (N, T, E). Of every step three vectors are made: a query q, a key k and a value v. In each head,

        p[t, s] = softmax over s of q[t] . k[s] / sqrt(E / heads)      how much step t reads of step s
        o[t]    = sum over s of p[t, s] * v[s]

    and y = out_proj of the heads' answers side by side. `forward(x)` is self-attention; `forward(query, key, value)`
    reads from another sequence (N, S, E): then `backward` gives three gradients. Saved holds p, which pictures of
    attention show.

    The way back: dv = pᵀ do, dp = do vᵀ, through the softmax ds = p (dp - sum of dp p), dq = ds k, dk = dsᵀ q.

    in_proj_weight (3E, E), in_proj_bias (3E,) or None: the rows of query, key and value, in that order;
    out_proj_weight (E, E), out_proj_bias (E,) or None: PyTorch's out_proj.weight and out_proj.bias.
    causal: a step reads only itself and those before it.
    Raises ShapeError if x has not E features. Vaswani et al. 2017.
    """

    in_proj_weight: Array
    in_proj_bias: Array | None
    out_proj_weight: Array
    out_proj_bias: Array | None
    num_heads: WholeField = WholeField(1, least=1)
    causal: bool = False

    kind: ClassVar[Kind] = Kind.OPAQUE
    channel_axis: ClassVar[int | None] = -1
    param_names: ClassVar[tuple[str, ...]] = ("in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias")

    class Saved(NamedTuple):
        x: Array  # (N, T, E): what the queries were made of
        key: Array  # (N, S, E): what the keys were made of
        value: Array  # (N, S, E): what the values were made of
        q: Array  # (N, heads, T, D): the queries, D = E / heads
        k: Array  # (N, heads, S, D): the keys
        v: Array  # (N, heads, S, D): the values
        p: Array  # (N, heads, T, S): how much each step reads of each; rows sum to 1
        o: Array  # (N, T, E): the answers of all heads, side by side
        crossed: bool  # whether key and value were inputs of their own (then they get gradients) or x itself

    def __post_init__(self) -> None:
        expect_field(self, "out_proj_weight", "E", "E")
        features = self.out_proj_weight.shape[0]
        expect_field(self, "out_proj_weight", features, features)
        expect_field(self, "in_proj_weight", 3 * features, features)
        for name, length in (("in_proj_bias", 3 * features), ("out_proj_bias", features)):
            if getattr(self, name) is not None:
                expect_field(self, name, length)
        if features % self.num_heads:
            raise SettingError(f"MultiheadAttention's {self.num_heads} heads must divide its {features} features.")

    def forward(self, query: Array, key: Array | None = None, value: Array | None = None) -> tuple[Array, Saved]:
        xs = self._checked(query, key, value)
        q, k, v = (self.split(_linear(x, w, b)) for x, (w, b) in zip(xs, self.projections(), strict=True))
        p = _softmax(q @ k.swapaxes(2, 3) / math.sqrt(q.shape[3]), self.causal)
        o = self.joined(p @ v)
        return _linear(o, self.out_proj_weight, self.out_proj_bias), self.Saved(*xs, q, k, v, p, o, key is not None)

    def backward(self, dy: Array, saved: Saved) -> Any:
        return self._dxs(self._backward(dy, saved), saved)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        # Seeds on a tape of one image are added up first, as in `same_batch`: what follows is linear in dy.
        if len(saved.o) == 1:
            dy = dy.sum(axis=0, keepdims=True)
        return self._grads(dy, self._backward(dy, saved), saved)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(n: int, t: int, e: int, heads: int, s: int = 0, biases: bool = True, causal: bool = False) -> Example:
            shapes = (3 * e, e), (3 * e,), (e, e), (e,)
            weight, bias, out_weight, out_bias = (rng.standard_normal(shape) / np.sqrt(e) for shape in shapes)
            layer = cls(weight, bias if biases else None, out_weight, out_bias if biases else None, heads, causal)
            others = [rng.standard_normal((n, s, e)) for _ in range(2)] if s else []
            return layer, (rng.standard_normal((n, t, e)), *others)

        return [
            case(2, 3, 4, 2),
            case(1, 4, 6, 3, biases=False),
            case(2, 2, 4, 1, s=5),  # reads from another sequence
            case(1, 1, 2, 1),
            case(2, 4, 4, 2, causal=True),
            case(1, 3, 4, 4, s=2),
        ]

    def backward_and_grads(self, dy: Array, saved: Saved) -> tuple[Any, dict[str, Array]]:
        if len(dy) != len(saved.o):  # several seeds on one tape: the parameters get their sum
            return super().backward_and_grads(dy, saved)
        projections = self._backward(dy, saved)
        return self._dxs(projections, saved), self._grads(dy, projections, saved)

    @classmethod
    def random(cls, rng: Generator, features: int, num_heads: int) -> Self:
        """Return a layer with Glorot and Bengio's (2010) initialization, uniform, zero biases, float32."""
        inner = rng.uniform(-1, 1, (3 * features, features)) * math.sqrt(6 / (4 * features))
        outer = rng.uniform(-1, 1, (features, features)) / math.sqrt(features)
        zeros = np.zeros(3 * features, np.float32)
        return cls(inner.astype(np.float32), zeros, outer.astype(np.float32), zeros[:features], num_heads)

    def _backward(self, dy: Array, saved: Saved) -> tuple[Array, Array, Array]:
        """Carry dy (K, T, E) to the gradients of all heads' queries (K, T, E), keys and values (K, S, E)."""
        q, k, v, p = saved.q, saved.k, saved.v, saved.p
        do = self.split(products(dy, self.out_proj_weight))
        dp = do @ v.swapaxes(2, 3)
        ds = p * (dp - (dp * p).sum(axis=3, keepdims=True)) / math.sqrt(q.shape[3])
        dq, dk, dv = ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ do
        return self.joined(dq), self.joined(dk), self.joined(dv)

    def _dxs(self, projections: tuple[Array, Array, Array], saved: Saved) -> Any:
        """Carry the gradients of queries, keys and values to what they were made of."""
        pairs = zip(projections, self.projections(), strict=True)
        dxs = [products(gradient, weight) for gradient, (weight, _) in pairs]
        return tuple(dxs) if saved.crossed else dxs[0] + dxs[1] + dxs[2]

    def _grads(self, dy: Array, projections: tuple[Array, Array, Array], saved: Saved) -> dict[str, Array]:
        """Return the gradients of the parameters; projections: those of queries, keys and values."""
        weights = [_outer(d, x) for d, x in zip(projections, (saved.x, saved.key, saved.value), strict=True)]
        grads = {
            "in_proj_weight": np.concatenate(weights),
            "in_proj_bias": np.concatenate([d.sum(axis=(0, 1)) for d in projections]),
            "out_proj_weight": _outer(dy, saved.o),
            "out_proj_bias": dy.sum(axis=(0, 1)),
        }
        return {name: grads[name] for name in self.params}

    def projections(self) -> list[tuple[Array, Array | None]]:
        """Return weight (E, E) and bias (E,) of the queries, the keys and the values."""
        features = len(self.out_proj_weight)
        rows = [slice(i * features, (i + 1) * features) for i in range(3)]
        bias = self.in_proj_bias
        return [(self.in_proj_weight[part], None if bias is None else bias[part]) for part in rows]

    def split(self, x: Array) -> Array:
        """Cut (N, T, E) into (N, heads, T, D)."""
        n, steps, features = x.shape
        return x.reshape(n, steps, self.num_heads, features // self.num_heads).swapaxes(1, 2)

    def joined(self, x: Array) -> Array:
        """Put (N, heads, T, D) side by side as (N, T, E)."""
        n, heads, steps, width = x.shape
        return x.swapaxes(1, 2).reshape(n, steps, heads * width)

    def _checked(self, query: Array, key: Array | None, value: Array | None) -> tuple[Array, Array, Array]:
        """Return what queries, keys and values are made of. Raises ShapeError."""
        if (key is None) != (value is None):
            raise ShapeError("MultiheadAttention reads keys and values, or neither, but got only one of them.")
        xs = (query,) if key is None or value is None else (query, key, value)
        features = len(self.out_proj_weight)
        for x, name in zip(xs, ("x", "its key", "its value"), strict=False):
            expect_floats(self, x, name)
            expect_axes(self, x, "N, T, E")
        fits = all(x.shape[2] == features and x.shape[1] > 0 and len(x) == len(query) for x in xs)
        if not fits or len({x.shape[1] for x in xs[1:]}) > 1:
            raise ShapeError(
                f"MultiheadAttention needs x (N, T, {features}) with at least one step, and keys and values of one "
                f"length, but got the shapes {[tuple(x.shape) for x in xs]}."
            )
        return xs if len(xs) == 3 else (query, query, query)


def _softmax(scores: Array, causal: bool) -> Array:
    """Return the softmax along the last axis; causal: a step sees none after itself."""
    if causal:
        later = np.triu(np.ones(scores.shape[2:], bool), 1)
        scores = np.where(kernels.array_module(scores).asarray(later), -np.inf, scores)
    e = np.exp(scores - scores.max(axis=3, keepdims=True))
    p: Array = e / e.sum(axis=3, keepdims=True)
    return p


def _linear(x: Array, weight: Array, bias: Array | None) -> Array:
    y = products(x, weight.T)
    return y if bias is None else y + bias


def _outer(dy: Array, x: Array) -> Array:
    """Sum over all steps of all images dy xᵀ: (N, T, O), (N, T, D) -> (O, D)."""
    return kernels.matmul(dy.reshape(-1, dy.shape[-1]).T, x.reshape(-1, x.shape[-1]))
