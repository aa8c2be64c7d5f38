"""Expanded weights: how strongly a unit depends on each channel of an earlier node, straight through what lies between.

Between two nodes are gates and poolings, which are not linear. Taken as what they are on average, a gate as open and a
maximum as a mean, the way between is one linear map, and its weights can be looked at as those of one convolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz import graph
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rules, local
from minitorch_viz.layers import Affine, BatchNorm1d, BatchNorm2d, MaxPool2d
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import Field
from minitorch_viz.techniques.explain.nothing import blank_tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minitorch_viz.graph import Tape
    from minitorch_viz.models import Model


class Expanded(NamedTuple):
    """Hold the weights of a straight way from an earlier node to some units."""

    weights: Array  # (k, C, kh, kw): of each unit, for each channel of the earlier node and each place it sees
    passed: tuple[str, ...]  # the nodes that were taken as open or as a mean
    cut: bool  # whether the units may see more than the map has places


@local
def passed_on(layer: Any, dy: Array, saved: Any) -> Array:  # noqa: ARG001 (every rule has this signature)
    """Pass all of the signal: a gate that is open, a normalization that divides by 1."""
    return dy


@local
def mean_of_window(layer: MaxPool2d, dy: Array, saved: MaxPool2d.Saved) -> Array:
    """Share the signal equally among the window's places, as an average pooling does."""
    if layer.dilation != (1, 1):
        raise SettingError("Weights are not expanded through a max pooling with a dilation; choose nodes above it.")
    return kernels.avgpool2d_dx(dy, layer.kernel, layer.stride, layer.padding, saved.size, True)


@local
def own_scale(layer: Any, dy: Array, saved: Any) -> Array:
    """Scale by what the layer has learned, as in use."""
    scaled: Array = layer.backward(dy, saved)
    return scaled


# A batch normalization in use is linear; the others divide by statistics of a picture, and there is none.
STRAIGHT: Rules = {
    Kind.GATES: passed_on,
    Kind.SCALES: passed_on,
    Affine: own_scale,
    BatchNorm1d: own_scale,
    BatchNorm2d: own_scale,
    MaxPool2d: mean_of_window,
}
REPLACED = passed_on, mean_of_window


def expanded_weights(
    model: Model, node: str, channels: Sequence[int], source: str, tape: Tape | None = None
) -> Expanded:
    """Return the weights of the straight way from each channel of `source` to the units of some channels of `node`.

    The units are those in the middle of the map. source: an earlier node with maps, or the net's input. tape: that of
    `blank_tape`, where there is one already.

    Raises SettingError if `source` does not lead to `node`, has no maps, or something between cannot be taken as
    linear (attention, a softmax); NetError for an unknown node.
    """
    way = between(model, source, node)
    tape = blank_tape(model, node) if tape is None else tape
    shape = tape[node].shape[1:]
    middle = tuple(side // 2 for side in shape[1:])
    seed = np.zeros((len(channels), *shape), model.dtype)
    seed[(np.arange(len(channels)), list(channels), *middle)] = 1
    seeds = {node: kernels.to_device(seed, model.net.device)}
    weights = kernels.to_cpu(model.net.backward(tape, seeds, rules=STRAIGHT, wrt=(source,))[source])
    passed = tuple(place.name for place in way if graph.rule_for(place, STRAIGHT) in REPLACED)
    top, left, bottom, right = _seen(model, tape, node, middle, source)
    high, wide = tape[source].shape[2:]
    at_border = top == 0 or left == 0 or bottom == high or right == wide
    return Expanded(weights[:, :, top:bottom, left:right], passed, at_border and (high, wide) != (1, 1))


def pixel_weights(model: Model, node: str, channels: Sequence[int]) -> tuple[Array, ...]:
    """Return for each of some channels of a node its straight weights for the pixels, (C, h, w) each, as pictures.

    They are cut to the square that holds 99 % of the squares: far out they are faint. Of the input itself they are 1
    for the channel and 0 for the others.
    """
    if node in model.net.inputs:
        count = model.reader().blank(model.dtype).shape[1]
        return tuple(np.eye(count)[channel].reshape(-1, 1, 1) for channel in channels)
    return tuple(middle_part(weights) for weights in expanded_weights(model, node, channels, model.input).weights)


def middle_part(weights: Array, share: float = 0.99) -> Array:
    """Return the smallest square part of (C, h, w), around the middle of its squares, that holds so much of these."""
    energy = (weights.astype(np.float64) ** 2).sum(axis=0)
    total = float(energy.sum())
    if not total:
        return weights
    rows, columns = np.arange(energy.shape[0]), np.arange(energy.shape[1])
    row = round(float(energy.sum(axis=1) @ rows) / total)
    column = round(float(energy.sum(axis=0) @ columns) / total)
    for reach in range(1, max(energy.shape)):
        part = slice(max(row - reach, 0), row + reach + 1), slice(max(column - reach, 0), column + reach + 1)
        if energy[part].sum() >= share * total:
            return weights[:, *part]
    return weights


def between(model: Model, source: str, node: str) -> list[graph.Node]:
    """Return the nodes of the way from `source` to `node`; SettingError if there is none that can be linear."""
    net = model.net
    if source not in net.inputs:
        net[source]  # NetError with near names
    way = graph.between(net.nodes, [source], [node]) if source != node else []
    if not way:
        raise SettingError(f"Nothing leads from {source!r} to {node!r}, so that there are no weights between them.")
    opaque = next((place for place in way if place.layer.kind is Kind.OPAQUE), None)
    if opaque is not None:
        raise SettingError(
            f"Between {source!r} and {node!r} is {opaque.name!r}, a {opaque.layer.type_name}, which cannot be taken as "
            "linear; choose nodes on one side of it."
        )
    return way


def _seen(model: Model, tape: Tape, node: str, position: tuple[int, ...], source: str) -> Field:
    """Return the places of `source` that a unit of `node` can depend on."""
    place = (position[0], position[1]) if len(position) == 2 else None
    if tape[source].ndim != 4:
        raise SettingError(f"{source!r} has no maps, so that its weights are no pictures; choose an earlier node.")
    way = graph.between(model.net.nodes, [source], [node])
    field = graph.receptive_field(way, tape, node, place, source)
    return Field(0, 0, *tape[source].shape[2:]) if field is None else field
