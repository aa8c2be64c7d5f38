"""LSTM: a recurrent layer whose memory cells are written, kept and read through gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError, WeightsFileError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, expect_floats, same_batch
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class LSTM(Layer):
    """Read a sequence step by step with a memory c that gates protect (Hochreiter and Schmidhuber 1997).

    x (N, T, D) -> h (N, T, H). At each step, with W = weight_ih_l0, U = weight_hh_l0 and both biases in b:

        i, f, o = sigmoid(W x + U h + b)    input, forget and output gate: 0 shut, 1 open
        g       = tanh(W x + U h + b)       what may be written
        c       = f * c + i * g             keep a part, write a part
        h       = o * tanh(c)               what is given out

    (each gate has its own quarter of the rows, in the order i, f, g, o). Saved holds all of these for every step: the
    pictures of cells and gates are made of it.

    The way back walks from the last step to the first. What a step receives (dh from above and from the step after, dc
    from the step after) becomes the gradient dz before the curves, and what the step before receives:

        dc = dc + dh * o * (1 - tanh(c)^2)
        dz = dc * g * i (1 - i),  dc * c_before * f (1 - f),  dc * i * (1 - g^2),  dh * tanh(c) * o (1 - o)
        dh_before = U^T dz,  dc_before = dc * f,  dx = W^T dz,  dW = dz x^T,  dU = dz h_before^T,  db = dz

    Both loops are the kernels `lstm` and `lstm_dz`: read them in minitorch_viz_kernels/recurrence/numpy_.py.

    `forward(x)` starts from zeros and `backward` gives dx; `forward(x, h0, c0)`, both (N, H), carries a state in, and
    `backward` gives (dx, dh0, dc0). The state to carry on is `saved.h[:, -1], saved.c[:, -1]`.

    weight_ih_l0 (4H, D), weight_hh_l0 (4H, H), bias_ih_l0 and bias_hh_l0 (4H,) or None: PyTorch's names, for one layer.
    Raises ShapeError if x has not D features, or only one of h0 and c0 is given.
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
        c: Array  # (N, T, H): the memory, after each step
        i: Array  # (N, T, H): input gate, 0..1
        f: Array  # (N, T, H): forget gate, 0..1
        g: Array  # (N, T, H): what may be written, -1..1
        o: Array  # (N, T, H): output gate, 0..1
        h0: Array  # (N, H): the output carried in
        c0: Array  # (N, H): the memory carried in
        carried: bool  # whether h0 and c0 were inputs (then they get gradients) or zeros

    def __post_init__(self) -> None:
        expect_field(self, "weight_hh_l0", "4H", "H")
        hidden = self.weight_hh_l0.shape[1]
        expect_field(self, "weight_hh_l0", 4 * hidden, hidden)
        expect_field(self, "weight_ih_l0", 4 * hidden, "D")
        for name in ("bias_ih_l0", "bias_hh_l0"):
            if getattr(self, name) is not None:
                expect_field(self, name, 4 * hidden)

    def forward(self, x: Array, h0: Array | None = None, c0: Array | None = None) -> tuple[Array, Saved]:
        self._check(x, h0, c0)
        carried = h0 is not None
        if h0 is None or c0 is None:
            h0 = c0 = np.zeros_like(x, shape=(x.shape[0], self.weight_hh_l0.shape[1]))

        b = np.zeros_like(self.weight_ih_l0[:, 0])
        for bias in (self.bias_ih_l0, self.bias_hh_l0):
            b = b if bias is None else b + bias
        arrays = kernels.lstm(_swap(x), self.weight_ih_l0, self.weight_hh_l0, b, h0, c0)
        h, c, i, f, g, o = (_swap(array) for array in arrays)
        return h, self.Saved(x, h, c, i, f, g, o, h0, c0, carried)

    def backward(self, dy: Array, saved: Saved) -> Array | tuple[Array, Array, Array]:
        return self._dx(self._dz(dy, saved), saved)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, _ = same_batch(dy, saved.x)
        return self._grads(self._dz(dy, saved)[0], saved)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(n: int, t: int, d: int, h: int, biases: int = 2, carried: bool = False) -> Example:
            arrays = [rng.standard_normal(shape) for shape in ((4 * h, d), (4 * h, h), (4 * h,), (4 * h,))]
            state = [rng.standard_normal((n, h)) for _ in range(2)] if carried else []
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
        gradients = self._dz(dy, saved)  # one walk back through time serves both
        return self._dx(gradients, saved), self._grads(gradients[0], saved)

    @classmethod
    def random(cls, rng: Generator, features: int, hidden: int) -> Self:
        """Return a layer with PyTorch's initialization, uniform within 1 / sqrt(H), float32, and open forget gates.

        The forget gate's bias is 1 (Jozefowicz et al. 2015): a new network remembers before it learns to forget.
        """
        shapes = (4 * hidden, features), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)
        arrays = [rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(hidden)) for shape in shapes]
        arrays[2][hidden : 2 * hidden] = 1
        arrays[3][hidden : 2 * hidden] = 0
        return cls(*arrays)

    def _dz(self, dy: Array, saved: Saved) -> tuple[Array, Array, Array]:
        """Backpropagate through time: dy (K, T, H) -> dz (T, K, 4H), dh0 and dc0 (K, H); z is W x + U h + b."""
        c, i, f, g, o = (_swap(array) for array in (saved.c, saved.i, saved.f, saved.g, saved.o))
        return kernels.lstm_dz(_swap(dy), c, i, f, g, o, self.weight_hh_l0, saved.c0)

    def _dx(self, gradients: tuple[Array, Array, Array], saved: Saved) -> Array | tuple[Array, Array, Array]:
        """Turn the three gradients of `_dz` into what `backward` returns."""
        dz, dh0, dc0 = gradients
        dx = kernels.matmul(_rows(dz), self.weight_ih_l0)  # (T * K, D)
        dx = _swap(dx.reshape(*dz.shape[:2], dx.shape[1]))
        return (dx, dh0, dc0) if saved.carried else dx

    def _grads(self, dz: Array, saved: Saved) -> dict[str, Array]:
        """Turn dz (T, K, 4H) into the gradients of the parameters, each a sum over all steps and sequences."""
        x, h = _swap(saved.x), _swap(saved.h)
        if dz.shape[1] != x.shape[1]:  # K seeds of one tape
            dz = dz.sum(axis=1, keepdims=True)
        h_before = np.concatenate([saved.h0[None], h[:-1]])
        dz, x, h_before = (_rows(array) for array in (dz, x, h_before))
        db = dz.sum(axis=0)
        dw, du = kernels.matmul(dz.T, x), kernels.matmul(dz.T, h_before)
        grads = {"weight_ih_l0": dw, "weight_hh_l0": du, "bias_ih_l0": db, "bias_hh_l0": db}
        return {name: grads[name] for name in self.params}

    def _check(self, x: Array, h0: Array | None, c0: Array | None) -> None:
        expect_axes(self, x, "N, T, D")
        features, hidden = self.weight_ih_l0.shape[1], self.weight_hh_l0.shape[1]
        if x.shape[2] != features or x.shape[1] == 0:
            raise ShapeError(f"LSTM needs x (N, T, {features}) with at least one step, but x has shape {x.shape}.")
        if (h0 is None) != (c0 is None):
            raise ShapeError(
                f"LSTM carries both h0 and c0 in, or neither, but got only {'h0' if c0 is None else 'c0'}."
            )
        for name, state in (("h0", h0), ("c0", c0)):
            if state is not None:
                expect_floats(self, state, name)
                if state.shape != (x.shape[0], hidden):
                    raise ShapeError(f"LSTM's {name} must have shape {(x.shape[0], hidden)}, but got {state.shape}.")


def lstm_stack(state: Mapping[str, Array], prefix: str = "") -> list[LSTM]:
    """Return the layers of a PyTorch nn.LSTM, one by one, from its state dict; prefix: its name there ("lstm").

    layers = lstm_stack(state, "lstm"): the output of each is the input of the next. Raises WeightsFileError if there
    is no such LSTM, or if it is bidirectional or projected.
    """
    start = f"{prefix.removesuffix('.')}." if prefix else ""
    names = [name.removeprefix(start) for name in state if name.startswith(start)]
    unknown = [name for name in names if re.fullmatch(r"(weight|bias)_\w+_l\d+(_reverse)?", name)]
    unknown = [name for name in unknown if not re.fullmatch(r"(weight|bias)_(ih|hh)_l\d+", name)]
    if unknown:
        raise WeightsFileError(f"Only LSTMs that read forwards and have no projection are known, but found {unknown}.")
    layers: list[LSTM] = []
    while f"weight_ih_l{len(layers)}" in names:
        parameters = [f"{start}{name.removesuffix('0')}{len(layers)}" for name in LSTM.param_names]
        layers.append(LSTM(*(state.get(name) for name in parameters)))  # type: ignore[arg-type]  # a missing array is reported by LSTM
    if not layers:
        raise WeightsFileError(f"There is no {start}weight_ih_l0 among the arrays: {', '.join(list(state)[:12])}.")
    return layers


def _swap(array: Array) -> Array:
    """Swap the first two axes: sequences first, as nets have them (N, T, ...), to time first (T, N, ...), or back."""
    return array.swapaxes(0, 1)


def _rows(array: Array) -> Array:
    """Put the vectors of all steps in one list: (T, N, D) -> (T * N, D)."""
    return array.reshape(-1, array.shape[-1])
