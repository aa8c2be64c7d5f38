"""The paths of a gradient: those whose derivatives are all positive, and how much of all paths cancels.

A gradient is a sum over paths. A path runs from the value that is explained down to a pixel, through one unit of every
layer on its way, and counts as much as the product of the derivatives d y_j / d x_i that it meets:

    d value / d pixel  =  sum over paths of  product of the local derivatives

A backward pass adds them all up at once. With another function of the local derivatives it adds up others:

    positive_paths    max(d, 0)    only the paths on which no derivative is negative or 0: open gates, positive weights
    path_magnitudes   |d|          all paths, each by its magnitude

The first is how one lecture explains guided backpropagation. That is another thing: guided backpropagation cuts the
*sums* that come to a ReLU where they are below 0, and negative weights take part in them; here a negative weight ends
its paths, and what is left never is negative.

With a the pass of the magnitudes and g the gradient, the paths of positive product add up to (a + g) / 2 and those of
negative product to -(a - g) / 2, exactly. A path with an even number of negative derivatives is of the former and not
among the `positive_paths`, so that 0 <= positive paths <= (a + g) / 2.

    rules = {Layer: positive_paths}

The local derivatives are those of each layer, entry by entry of its Jacobian. An attention is taken apart into its
products and its softmax, whose derivatives are multiplied as those of layers are; a mirrored border of a convolution is
a step before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import local, nearest
from minitorch_viz.layers import (
    BatchNorm2d,
    GroupNorm,
    InstanceNorm,
    Kind,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    LogSoftmax,
    Mul,
    MultiheadAttention,
    Softmax,
)
from minitorch_viz.rules.gates import keeps_places
from minitorch_viz.rules.path_norms import of_group_norm, of_layer_norm, of_response_norm
from minitorch_viz.rules.path_softmax import of_attention, of_log_softmax, of_softmax
from minitorch_viz.rules.shares import positive_part

Part: TypeAlias = Callable[[Array], Array]  # what is taken of each derivative: max(d, 0) or |d|
Through: TypeAlias = Callable[[Any, Array, Any, Part], Any]  # (layer, dy, saved, part) -> dx


@local
def positive_paths(layer: Layer, dy: Array, saved: object) -> Any:
    """Carry the sum over the paths on which every derivative is positive: dx_i = sum_j max(d y_j / d x_i, 0) dy_j.

    dy (K, ...), not negative. SettingError for a layer of which the single derivatives are not known (LSTM, GRU, RNN).
    """
    return _way_of(layer)(layer, dy, saved, positive_part)


@local
def path_magnitudes(layer: Layer, dy: Array, saved: object) -> Any:
    """Carry the sum over all paths of their magnitudes: dx_i = sum_j |d y_j / d x_i| dy_j, with dy not negative."""
    return _way_of(layer)(layer, dy, saved, np.abs)


def _way_of(layer: Layer) -> Through:
    way = nearest(layer, WAYS)
    assert way is not None  # there is one for `Layer`
    return way


def _weighed(layer: Any, dy: Array, saved: Any, part: Part) -> Any:
    """Go back through a part of the weights: they are the derivatives."""
    return layer.replace(weight=part(layer.weight)).backward(dy, saved)


def _as_it_is(layer: Layer, dy: Array, saved: Any, part: Part) -> Any:  # noqa: ARG001 (every way has this signature)
    """Go back as the gradient does: no derivative is negative."""
    return layer.backward(dy, saved)


def _gated(layer: Layer, dy: Array, saved: Any, part: Part) -> Array:
    """Multiply by a part of the derivative at each place."""
    passed: Array = dy * part(layer.backward(np.ones_like(dy), saved))
    return passed


def _by_statistics(layer: BatchNorm2d, dy: Array, saved: BatchNorm2d.Saved, part: Part) -> Array:
    """Multiply by a part of each channel's factor, which running statistics set."""
    if saved.values:
        raise SettingError(
            "This tape was made with rng=, so that batch normalization mixed the images of the batch; run net.forward "
            "without rng to go along the paths of one."
        )
    return _gated(layer, dy, saved, part)


def _multiplied(layer: Mul, dy: Array, saved: Mul.Saved, part: Part) -> tuple[Array, Array]:
    """Go back to both factors: the derivative by one is the other."""
    return layer.backward(dy, saved._replace(x=part(saved.x), factor=part(saved.factor)))


def _unlisted(layer: Layer, dy: Array, saved: Any, part: Part) -> Array:
    """Go through a layer of one's own if it is a function of each value alone."""
    if not keeps_places(layer, dy, saved):
        _refuse(layer, dy, saved, part)
    return _gated(layer, dy, saved, part)


def _refuse(layer: Layer, dy: Array, saved: Any, part: Part) -> Never:  # noqa: ARG001 (every way has this signature)
    raise SettingError(
        f"The paths through {layer.type_name} cannot be told apart: what its single derivatives are is not known here; "
        "explain a node before it."
    )


WAYS: dict[Any, Through] = {
    Kind.WEIGHS: _weighed,
    Kind.SUMS: _as_it_is,
    Kind.SELECTS: _as_it_is,
    Kind.GATES: _gated,
    Kind.SCALES: _refuse,
    BatchNorm2d: _by_statistics,
    Mul: _multiplied,
    LayerNorm: of_layer_norm,
    GroupNorm: of_group_norm,
    InstanceNorm: of_group_norm,
    LocalResponseNorm: of_response_norm,
    Softmax: of_softmax,
    LogSoftmax: of_log_softmax,
    MultiheadAttention: of_attention,
    Layer: _unlisted,
}
