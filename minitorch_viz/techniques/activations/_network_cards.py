"""What is to be seen of one node on one picture: its answers, their gradients, its weights, how they are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.layers import Kind, Layer
from minitorch_viz.models.describe import words_of
from minitorch_viz.techniques.activations._network_correlation import Correlation, correlation
from minitorch_viz.techniques.activations._network_sheets import Sheet, param_sheet, sheet_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

NEAR = 0.01  # of a limit: what is nearer is saturated


class Params(NamedTuple):
    """Hold one parameter of a node, and its gradient."""

    name: str  # "weight"
    shape: tuple[int, ...]
    values: Sheet
    gradients: Sheet | None  # None: what is explained does not depend on it


class Card(NamedTuple):
    """Hold one node on one picture."""

    name: str
    words: str  # its layer
    inputs: tuple[str, ...]
    shape: tuple[int, ...]  # of its output
    channels: tuple[int, ...]  # the shown ones, the strongest first; none: numbers or a matrix
    activations: Sheet
    gradients: Sheet | None  # None: what is explained does not depend on it
    params: tuple[Params, ...]
    shut: float | None  # of a gate: the share of its units whose derivative is exactly 0
    dead: int | None  # of a gate: channels all of whose units are shut on this picture
    saturated: float | None  # the share of units within NEAR of a limit that the layer names; None: it names none
    limits: tuple[float, ...]
    correlation: Correlation | None

    @property
    def size(self) -> int:
        """Return how many parameters it has."""
        return sum(int(np.prod(each.shape)) for each in self.params)


def cards_of(
    model: Model,
    tape: Tape,
    names: Sequence[str],
    gradients: Mapping[str, Array],
    param_grads: Mapping[str, Array],
    most: int,
) -> tuple[Card, ...]:
    """Return a card for each node and input in `names`; gradients, param_grads: of what is explained, where known.

    most: how many channels of a node are shown.
    """
    return tuple(_card(model, tape, name, gradients.get(name), param_grads, most) for name in names)


def _card(
    model: Model, tape: Tape, name: str, gradient: Array | None, param_grads: Mapping[str, Array], most: int
) -> Card:
    axis = channel_axis(model.net.nodes, name)
    values = _by_channel(kernels.to_cpu(tape[name])[0], axis)
    back = None if gradient is None else _by_channel(kernels.to_cpu(gradient)[0], axis)
    chosen = _strongest(values, back, most)
    layer = model.net[name].layer if name in model.net else None
    copies = layer is None or layer.passes_on  # of what another node shows
    flat = values.reshape(len(values), -1) if values.ndim == 3 else values
    shut, dead = _shut(layer, tape, name, axis) if layer is not None else (None, None)
    limits = () if layer is None else layer.limits
    return Card(
        name,
        "the picture, as the net takes it" if layer is None else words_of(layer),
        () if layer is None else tuple(model.net[name].inputs),
        tuple(tape[name].shape[1:]),
        tuple(chosen.tolist()) if values.ndim == 3 else (),
        sheet_of(values, chosen, colour=layer is None),
        None if back is None else sheet_of(back, chosen, colour=layer is None),
        () if layer is None else tuple(_params(model, tape, name, layer, chosen, param_grads)),
        shut,
        dead,
        _saturated(values, limits) if limits else None,
        tuple(float(limit) for limit in limits),
        None if copies or flat.ndim != 2 else correlation(flat),
    )


def _by_channel(output: Array, axis: int) -> Array:
    """Return a node's output for one picture as maps (C, h, w), as a matrix (C, T), or as numbers (C,)."""
    if output.ndim in (2, 3):
        return np.moveaxis(output, axis % (output.ndim + 1) - 1, 0)
    return output.reshape(-1)


def _strongest(values: Array, gradient: Array | None, most: int) -> Array:
    """Return the channels with the largest magnitudes, the largest first; of numbers (C,) the largest numbers.

    Of numbers that with the steepest gradient comes first: the class that is explained, wherever it stands.
    """
    if values.ndim == 1:
        order = np.argsort(-values, kind="stable")
        first = [] if gradient is None or not gradient.any() else [int(np.abs(gradient).argmax())]
        return np.array([*first, *(each for each in order.tolist() if each not in first)][:most])
    peaks = np.abs(values).max(axis=tuple(range(1, values.ndim)))
    return np.argsort(-peaks, kind="stable")[:most]


def _shut(layer: Layer, tape: Tape, name: str, axis: int) -> tuple[float | None, int | None]:
    """Return the share of a gate's units that pass no gradient at all, and how many channels are shut everywhere."""
    if layer.kind is not Kind.GATES or name not in tape.saved or layer.passes_on:
        return None, None
    ones = kernels.to_device(np.ones(tape[name].shape, tape[name].dtype), kernels.device_of(tape[name]))
    slope = _by_channel(kernels.to_cpu(layer.backward(ones, tape.saved[name]))[0], axis)
    closed = slope.reshape(len(slope), -1) == 0
    return float(closed.mean()), int(closed.all(axis=1).sum())


def _saturated(values: Array, limits: Sequence[float]) -> float:
    at_limit = np.zeros(values.shape, bool)
    for limit in limits:
        at_limit |= np.abs(values - limit) < NEAR
    return float(at_limit.mean())


def _params(
    model: Model, tape: Tape, name: str, layer: Layer, chosen: Array, param_grads: Mapping[str, Array]
) -> list[Params]:
    """Return a node's parameters as pictures: filters, rows of a matrix as pictures of what they read, or numbers."""
    params = []
    for key, value in layer.params.items():
        values, gradient = kernels.to_cpu(value), param_grads.get(f"{name}.{key}")
        back = None if gradient is None else kernels.to_cpu(gradient)
        read = _read_shape(model, tape, name)
        sheets = [None if array is None else param_sheet(array, chosen, read) for array in (values, back)]
        assert sheets[0] is not None
        params.append(Params(key, values.shape, sheets[0], sheets[1]))
    return params


def _read_shape(model: Model, tape: Tape, name: str) -> tuple[int, ...]:
    """Return the shape of the picture that a linear layer reads behind a Flatten; () if it reads none."""
    source = model.net[name].inputs[0]
    if source in model.net and model.net[source].layer.passes_on and model.net[source].inputs[0] in model.net.inputs:
        source = model.net[source].inputs[0]
    shape = tuple(tape[source].shape[1:]) if source in tape else ()
    return shape if len(shape) == 3 and shape[0] in (1, 3) and source in model.net.inputs else ()
