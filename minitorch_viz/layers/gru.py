"""GRU: a recurrent layer whose state is kept or renewed through two gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, same_batch
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import products
from minitorch_viz.layers.rnn import (
    check_recurrent,
    checked_start,
    random_recurrent,
    recurrent_grads,
    states_before,
)
from minitorch_viz.layers.sigmoid import sigmoid


@dataclass(frozen=True, eq=False, repr=False)
class GRU(Layer):
    """Read a sequence step by step with a state h that is kept or renewed (Cho et al. 2014).

    x (N, T, D) -> h (N, T, H). At each step, with W = weight_ih_l0, U = weight_hh_l0 and their biases b and c:

        r, z = sigmoid(W x + b + U h + c)          reset gate, update gate: 0 shut, 1 open
        n    = tanh(W x + b + r * (U h + c))       what is new
        h    = (1 - z) * n + z * h                 renew a part, keep a part

    (each has its own third of the rows, in the order r, z, n). Saved holds all of these for every step.

    The way back walks from the last step to the first:

        dn = dh * (1 - z) * (1 - n^2),  dr = dn * (U h + c) * r (1 - r),  dz = dh * (h_before - n) * z (1 - z)
        dh_before = dh * z + Uᵀ (dr, dz, dn * r),  dx = Wᵀ (dr, dz, dn)

    `forward(x)` starts from zeros; `forward(x, h0)`, h0 (N, H), carries a state in, and `backward` gives (dx, dh0).

    weight_ih_l0 (3H, D), weight_hh_l0 (3H, H), bias_ih_l0 and bias_hh_l0 (3H,) or None: PyTorch's names, for one layer.
    Raises ShapeError if x has not D features.
    """

    weight_ih_l0: Array
    weight_hh_l0: Array
    bias_ih_l0: Array | None = None
    bias_hh_l0: Array | None = None

    kind: ClassVar[Kind] = Kind.OPAQUE
    channel_axis: ClassVar[int | None] = -1
    param_names: ClassVar[tuple[str, ...]] = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")

    class Saved(NamedTuple):
        x: Array  # (N, T, D): the input
        h: Array  # (N, T, H): the output, after each step
        r: Array  # (N, T, H): reset gate, 0..1
        z: Array  # (N, T, H): update gate, 0..1
        n: Array  # (N, T, H): what is new, -1..1
        u: Array  # (N, T, H): what the state before says of the new, U h + c in the last third
        h0: Array  # (N, H): the state carried in
        carried: bool  # whether h0 was an input (then it gets a gradient) or zeros

    def __post_init__(self) -> None:
        check_recurrent(self, 3)

    def forward(self, x: Array, h0: Array | None = None) -> tuple[Array, Saved]:
        state = start = checked_start(self, x, h0)
        from_input = products(x, self.weight_ih_l0.T)
        from_input = from_input if self.bias_ih_l0 is None else from_input + self.bias_ih_l0
        hidden = state.shape[1]
        h, r, z, n, u = (np.empty_like(from_input, shape=(*x.shape[:2], hidden)) for _ in range(5))
        for t in range(x.shape[1]):
            from_state = state @ self.weight_hh_l0.T
            from_state = from_state if self.bias_hh_l0 is None else from_state + self.bias_hh_l0
            gates = sigmoid(from_input[:, t, : 2 * hidden] + from_state[:, : 2 * hidden])
            r[:, t], z[:, t], u[:, t] = gates[:, :hidden], gates[:, hidden:], from_state[:, 2 * hidden :]
            n[:, t] = np.tanh(from_input[:, t, 2 * hidden :] + r[:, t] * u[:, t])
            h[:, t] = state = (1 - z[:, t]) * n[:, t] + z[:, t] * state
        return h, self.Saved(x, h, r, z, n, u, start, h0 is not None)

    def backward(self, dy: Array, saved: Saved) -> Any:
        by_input, _, dh0 = self._through_time(dy, saved)
        return self._dx(by_input, dh0, saved)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, _ = same_batch(dy, saved.x)
        by_input, by_state, _ = self._through_time(dy, saved)
        return self._grads(by_input, by_state, saved)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(n: int, t: int, d: int, h: int, biases: int = 2, carried: bool = False) -> Example:
            arrays = [rng.standard_normal(shape) for shape in ((3 * h, d), (3 * h, h), (3 * h,), (3 * h,))]
            state = [rng.standard_normal((n, h))] if carried else []
            return cls(*arrays[: 2 + biases]), (rng.standard_normal((n, t, d)), *state)

        return [
            case(2, 3, 2, 3),
            case(1, 1, 1, 1),
            case(1, 5, 3, 2, biases=0),
            case(2, 3, 2, 2, carried=True),
            case(1, 4, 2, 3, biases=1, carried=True),
            case(3, 2, 4, 1),
        ]

    def backward_and_grads(self, dy: Array, saved: Saved) -> tuple[Any, dict[str, Array]]:
        by_input, by_state, dh0 = self._through_time(dy, saved)  # one walk back through time serves both
        return self._dx(by_input, dh0, saved), self._grads(by_input, by_state, saved)

    @classmethod
    def random(cls, rng: Generator, features: int, hidden: int) -> Self:
        """Return a layer with PyTorch's initialization, uniform within 1 / sqrt(H), float32."""
        return cls(*random_recurrent(rng, features, hidden, 3))

    def _dx(self, by_input: Array, dh0: Array, saved: Saved) -> Any:
        """Turn what `_through_time` gives into what `backward` returns."""
        dx = products(by_input, self.weight_ih_l0)
        return (dx, dh0) if saved.carried else dx

    def _grads(self, by_input: Array, by_state: Array, saved: Saved) -> dict[str, Array]:
        """Return the gradients of the parameters; those of several seeds on one tape are added up first."""
        (by_input, x), (by_state, _) = same_batch(by_input, saved.x), same_batch(by_state, saved.x)
        return recurrent_grads(self, by_input, by_state, x, states_before(saved.h, saved.h0))

    def _through_time(self, dy: Array, saved: Saved) -> tuple[Array, Array, Array]:
        """Carry dy (K, T, H) to the gradients by W x + b and by U h + c, both (K, T, 3H), and dh0 (K, H)."""
        r, z, n, u = saved.r, saved.z, saved.n, saved.u
        h_before = states_before(saved.h, saved.h0)
        shape = (*dy.shape[:2], 3 * dy.shape[2])
        by_input, by_state = np.empty_like(dy, shape=shape), np.empty_like(dy, shape=shape)
        dh = np.zeros_like(dy[:, 0])
        for t in reversed(range(dy.shape[1])):
            dh = dh + dy[:, t]
            dn = dh * (1 - z[:, t]) * (1 - n[:, t] ** 2)
            dr = dn * u[:, t] * r[:, t] * (1 - r[:, t])
            dz = dh * (h_before[:, t] - n[:, t]) * z[:, t] * (1 - z[:, t])
            by_input[:, t] = np.concatenate([dr, dz, dn], axis=1)
            by_state[:, t] = np.concatenate([dr, dz, dn * r[:, t]], axis=1)
            dh = dh * z[:, t] + by_state[:, t] @ self.weight_hh_l0
        return by_input, by_state, dh
