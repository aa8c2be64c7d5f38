"""Where a net's definition takes its arrays from: a file's tensors, a random start, or nothing but shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import WeightsFileError, near
from minitorch_viz.layers import (
    LSTM,
    Affine,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Layer,
    LayerNorm,
    Linear,
    MultiheadAttention,
)
from minitorch_viz.layers.fields import as_pair

State = Mapping[str, Array]  # "node.parameter" -> array, the names of a PyTorch state dict
NodeSpec = tuple[str, Layer] | tuple[str, Layer, tuple[str, ...]]


class Params:
    """Make the layers that have parameters, each as a node (name, layer) or (name, layer, reads) of a net.

    state: arrays by name, as in a PyTorch state dict: "features.0.weight".
    seed: without a state, arrays are random (He et al. 2015; biases 0) and repeatable. seed=None makes arrays of zeros
        that take no memory: for counting parameters, and for comparing a file's shapes with those needed.

    Raises WeightsFileError if the state lacks an array or holds one of another shape.

    >>> Params(None, seed=None).conv("conv1", 3, 8, 5, stride=2)
    ('conv1', Conv2d(weight (8, 3, 5, 5), bias (8,), stride=(2, 2)))
    """

    def __init__(self, state: State | None = None, seed: int | None = 0) -> None:
        self.state = state
        self.rng = None if seed is None else np.random.default_rng(seed)

    def conv(
        self,
        name: str,
        channels: int,
        out: int,
        kernel: int | Pair,
        *,
        reads: str | Sequence[str] = (),
        bias: bool = True,
        **settings: Any,
    ) -> NodeSpec:
        """Make a Conv2d of `out` filters over `channels` channels; settings: those of Conv2d."""
        groups = settings.get("groups", 1)
        per_group = channels // groups if isinstance(groups, int) and groups > 0 else channels  # else Conv2d tells
        shape = (out, per_group, *as_pair(kernel, "A convolution's kernel", 1))
        weight = self._random(f"{name}.weight", shape)
        layer = Conv2d(weight, self._constant(f"{name}.bias", out, 0) if bias else None, **settings)
        return _node(name, layer, reads)

    def linear(
        self, name: str, inputs: int, out: int, *, reads: str | Sequence[str] = (), bias: bool = True
    ) -> NodeSpec:
        """Make a Linear from `inputs` to `out` features."""
        weight = self._random(f"{name}.weight", (out, inputs))
        return _node(name, Linear(weight, self._constant(f"{name}.bias", out, 0) if bias else None), reads)

    def norm(
        self,
        name: str,
        channels: int,
        *,
        reads: str | Sequence[str] = (),
        affine: bool = True,
        bias: bool = True,
        **settings: Any,
    ) -> NodeSpec:
        """Make a BatchNorm2d; untrained it has scale 1, shift 0, mean 0 and variance 1.

        affine=False: without scale and shift; bias=False: without the shift. settings: eps (PyTorch's default 1e-5;
        1e-3 in files of TensorFlow's and Keras's nets, EfficientNet, MobileNetV3 and Inception among them), momentum.
        """
        scale = self._constant(f"{name}.weight", channels, 1) if affine else None
        shift = self._constant(f"{name}.bias", channels, 0) if affine and bias else None
        mean = self._constant(f"{name}.running_mean", channels, 0)
        var = self._constant(f"{name}.running_var", channels, 1)
        return _node(name, BatchNorm2d(scale, shift, mean, var, **settings), reads)

    def layer_norm(self, name: str, features: int, *, reads: str | Sequence[str] = (), eps: float = 1e-5) -> NodeSpec:
        """Make a LayerNorm of the last axis; untrained it has scale 1 and shift 0."""
        weight, bias = self._constant(f"{name}.weight", features, 1), self._constant(f"{name}.bias", features, 0)
        return _node(name, LayerNorm(features, weight, bias, eps), reads)

    def scale(self, name: str, shape: tuple[int, ...], *, reads: str | Sequence[str] = ()) -> NodeSpec:
        """Make an Affine that scales by an array of this shape, ones untrained."""
        return _node(name, Affine(weight=self._constant(f"{name}.weight", shape, 1)), reads)

    def shift(self, name: str, shape: tuple[int, ...], *, reads: str | Sequence[str] = ()) -> NodeSpec:
        """Make an Affine that adds an array of this shape, zeros untrained."""
        return _node(name, Affine(bias=self._constant(f"{name}.bias", shape, 0)), reads)

    def attention(self, name: str, features: int, heads: int, *, reads: str | Sequence[str] = ()) -> NodeSpec:
        """Make a MultiheadAttention with biases."""
        projections = self._random(f"{name}.in_proj_weight", (3 * features, features))
        biases = self._constant(f"{name}.in_proj_bias", 3 * features, 0)
        out = self._random(f"{name}.out_proj_weight", (features, features))
        shift = self._constant(f"{name}.out_proj_bias", features, 0)
        return _node(name, MultiheadAttention(projections, biases, out, shift, heads), reads)

    def embedding(self, name: str, count: int, features: int, *, reads: str | Sequence[str] = ()) -> NodeSpec:
        """Make an Embedding: a row of `features` numbers for each of `count` words or letters."""
        return _node(name, Embedding(self._random(f"{name}.weight", (count, features))), reads)

    def lstm(self, name: str, features: int, cells: int, *, reads: str | Sequence[str] = ()) -> NodeSpec:
        """Make an LSTM of `cells` memory cells; at random as `LSTM.random` makes it: forget gates begin open."""
        if self.state is None and self.rng is not None:
            return _node(name, LSTM.random(self.rng, features, cells), reads)
        weights = [
            self._random(f"{name}.weight_{kind}_l0", (4 * cells, size))
            for kind, size in (("ih", features), ("hh", cells))
        ]
        biases = [self._constant(f"{name}.bias_{kind}_l0", 4 * cells, 0) for kind in ("ih", "hh")]
        return _node(name, LSTM(*weights, *biases), reads)

    def _random(self, name: str, shape: tuple[int, ...]) -> Array:
        if self.state is not None:
            return self._given(name, shape)
        if self.rng is None:
            return np.broadcast_to(np.float32(0), shape)
        weight = self.rng.standard_normal(shape, dtype=np.float32)
        weight *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
        return weight

    def _constant(self, name: str, size: int | tuple[int, ...], value: float) -> Array:
        shape = (size,) if isinstance(size, int) else size
        return self._given(name, shape) if self.state is not None else np.full(shape, value, np.float32)

    def _given(self, name: str, shape: tuple[int, ...]) -> Array:
        state = self.state or {}
        if name not in state:
            raise WeightsFileError(f"The net needs an array {name!r}, which is not given; {near(name, state)}.")
        array = state[name]
        if array.shape != shape:
            raise WeightsFileError(f"The net needs {name!r} with shape {shape}, but the one given has {array.shape}.")
        return array


def _node(name: str, layer: Layer, reads: str | Sequence[str]) -> NodeSpec:
    if not reads:
        return name, layer
    return name, layer, (reads,) if isinstance(reads, str) else tuple(reads)
