"""RNN: the simplest recurrent layer, and what recurrent layers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, expect_floats, same_batch
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import products

Curve = Literal["tanh", "relu"]


@dataclass(frozen=True, eq=False, repr=False)
class RNN(Layer):
    """Read a sequence step by step: each state is made of the step's input and the state before (Elman 1990).

    x (N, T, D) -> h (N, T, H): h[t] = tanh(W x[t] + U h[t - 1] + b), with W = weight_ih_l0, U = weight_hh_l0 and both
    biases in b. nonlinearity: "tanh" or "relu". Every step multiplies the gradient on its way back by U: over many
    steps it fades or grows, which is why there are LSTMs.

        dz[t] = (dh[t] + Uᵀ dz[t + 1]) * (1 - h[t]^2)      dx = Wᵀ dz,  dW = dz xᵀ,  dU = dz h_beforeᵀ,  db = dz

    `forward(x)` starts from zeros; `forward(x, h0)`, h0 (N, H), carries a state in, and `backward` gives (dx, dh0).

    weight_ih_l0 (H, D), weight_hh_l0 (H, H), bias_ih_l0 and bias_hh_l0 (H,) or None: PyTorch's names, for one layer.
    Raises ShapeError if x has not D features.
    """

    weight_ih_l0: Array
    weight_hh_l0: Array
    bias_ih_l0: Array | None = None
    bias_hh_l0: Array | None = None
    nonlinearity: Curve = "tanh"

    kind: ClassVar[Kind] = Kind.OPAQUE
    channel_axis: ClassVar[int | None] = -1
    param_names: ClassVar[tuple[str, ...]] = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")

    class Saved(NamedTuple):
        x: Array  # (N, T, D): the input
        h: Array  # (N, T, H): the output, after each step
        h0: Array  # (N, H): the state carried in
        carried: bool  # whether h0 was an input (then it gets a gradient) or zeros

    def __post_init__(self) -> None:
        check_recurrent(self, 1)
        if self.nonlinearity not in ("tanh", "relu"):
            raise SettingError(f'RNN\'s nonlinearity must be "tanh" or "relu", but got {self.nonlinearity!r}.')

    def forward(self, x: Array, h0: Array | None = None) -> tuple[Array, Saved]:
        before = start = checked_start(self, x, h0)
        z = products(x, self.weight_ih_l0.T)
        for bias in (self.bias_ih_l0, self.bias_hh_l0):
            z = z if bias is None else z + bias
        h = np.empty_like(z)
        for t in range(x.shape[1]):
            before = z[:, t] + before @ self.weight_hh_l0.T
            h[:, t] = before = np.tanh(before) if self.nonlinearity == "tanh" else np.maximum(before, 0)
        return h, self.Saved(x, h, start, h0 is not None)

    def backward(self, dy: Array, saved: Saved) -> Any:
        return self._dx(*self._dz(dy, saved), saved)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, _ = same_batch(dy, saved.x)
        return self._grads(self._dz(dy, saved)[0], saved)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(
            n: int, t: int, d: int, h: int, biases: int = 2, carried: bool = False, curve: Curve = "tanh"
        ) -> Example:
            arrays = [rng.standard_normal(shape) for shape in ((h, d), (h, h), (h,), (h,))]
            state = [rng.standard_normal((n, h))] if carried else []
            if curve == "relu":
                arrays[2] += 2  # few states near the corner, where there is no derivative
            fields = dict(zip(cls.param_names[: 2 + biases], arrays, strict=False))
            return cls(**fields, nonlinearity=curve), (rng.standard_normal((n, t, d)), *state)

        return [
            case(2, 3, 2, 3),
            case(1, 1, 1, 1),
            case(1, 5, 3, 2, biases=0),
            case(2, 3, 2, 2, carried=True),
            case(1, 4, 2, 3, biases=1, carried=True),
            case(2, 3, 2, 4, curve="relu"),
        ]

    def backward_and_grads(self, dy: Array, saved: Saved) -> tuple[Any, dict[str, Array]]:
        dz, dh0 = self._dz(dy, saved)  # one walk back through time serves both
        return self._dx(dz, dh0, saved), self._grads(dz, saved)

    @classmethod
    def random(cls, rng: Generator, features: int, hidden: int) -> Self:
        """Return a layer with PyTorch's initialization, uniform within 1 / sqrt(H), float32."""
        return cls(**dict(zip(cls.param_names, random_recurrent(rng, features, hidden, 1), strict=True)))  # type: ignore[arg-type]  # the names are those of arrays

    def _dx(self, dz: Array, dh0: Array, saved: Saved) -> Any:
        """Turn what `_dz` gives into what `backward` returns."""
        dx = products(dz, self.weight_ih_l0)
        return (dx, dh0) if saved.carried else dx

    def _grads(self, dz: Array, saved: Saved) -> dict[str, Array]:
        """Return the gradients of the parameters; dz (K, T, H) of several seeds on one tape is added up first."""
        dz, x = same_batch(dz, saved.x)
        return recurrent_grads(self, dz, dz, x, states_before(saved.h, saved.h0))

    def _dz(self, dy: Array, saved: Saved) -> tuple[Array, Array]:
        """Go back through time: dy (K, T, H) -> dz (K, T, H), dh0 (K, H); z is W x + U h + b."""
        h = saved.h
        slope = 1 - h * h if self.nonlinearity == "tanh" else (h > 0).astype(h.dtype)
        dz, from_after = np.empty_like(dy), np.zeros_like(dy[:, 0])
        for t in reversed(range(dy.shape[1])):
            dz[:, t] = (dy[:, t] + from_after) * slope[:, t]
            from_after = dz[:, t] @ self.weight_hh_l0
        return dz, from_after


def check_recurrent(layer: Any, gates: int) -> None:
    """Raise a sentence unless the four arrays fit each other: `gates` blocks of H rows each."""
    name = "H" if gates == 1 else f"{gates}H"
    expect_field(layer, "weight_hh_l0", name, "H")
    hidden = layer.weight_hh_l0.shape[1]
    expect_field(layer, "weight_hh_l0", gates * hidden, hidden)
    expect_field(layer, "weight_ih_l0", gates * hidden, "D")
    for bias in ("bias_ih_l0", "bias_hh_l0"):
        if getattr(layer, bias) is not None:
            expect_field(layer, bias, gates * hidden)


def checked_start(layer: Any, x: Array, h0: Array | None) -> Array:
    """Return the state (N, H) to start from: h0, or zeros. Raises a sentence unless it and x fit the layer."""
    expect_axes(layer, x, "N, T, D")
    features, hidden = layer.weight_ih_l0.shape[1], layer.weight_hh_l0.shape[1]
    if x.shape[2] != features or x.shape[1] == 0:
        raise ShapeError(
            f"{layer.type_name} needs x (N, T, {features}) with at least one step, but x has shape {tuple(x.shape)}."
        )
    if h0 is None:
        return np.zeros_like(x, shape=(x.shape[0], hidden))
    expect_floats(layer, h0, "h0")
    if h0.shape != (x.shape[0], hidden):
        raise ShapeError(f"{layer.type_name}'s h0 must have shape {(x.shape[0], hidden)}, but got {tuple(h0.shape)}.")
    return h0


def states_before(h: Array, h0: Array) -> Array:
    """Return the state that each step starts from: (N, T, H), the last one left out and h0 put before."""
    return np.concatenate([h0[:, None], h[:, :-1]], axis=1)


def recurrent_grads(layer: Any, dz: Array, dg: Array, x: Array, h_before: Array) -> dict[str, Array]:
    """Return the gradients of the parameters, summed over steps and sequences.

    dz: by what W x adds up to, dg: by what U h does; both (N, T, rows).
    """
    dz_rows, dg_rows, x_rows, h_rows = (array.reshape(-1, array.shape[-1]) for array in (dz, dg, x, h_before))
    grads = {
        "weight_ih_l0": kernels.matmul(dz_rows.T, x_rows),
        "weight_hh_l0": kernels.matmul(dg_rows.T, h_rows),
        "bias_ih_l0": dz_rows.sum(axis=0),
        "bias_hh_l0": dg_rows.sum(axis=0),
    }
    return {name: grads[name] for name in layer.params}


def random_recurrent(rng: Generator, features: int, hidden: int, gates: int) -> Sequence[Array]:
    """Return both weights and both biases, uniform within 1 / sqrt(H), float32."""
    rows = gates * hidden
    shapes = (rows, features), (rows, hidden), (rows,), (rows,)
    return [rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(hidden)) for shape in shapes]
