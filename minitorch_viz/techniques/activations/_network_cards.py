"""What is to be seen of one node on one picture: its answers, their gradients, its weights, how they are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import resize
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.layers import Kind, Layer
from minitorch_viz.models.describe import words_of
from minitorch_viz.techniques.activations._network_correlation import Correlation, correlation

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LARGEST = 32  # places a side: larger maps are shown smaller
BINS = 24
ACROSS = 32  # numbers in a row, where a node has one a channel
SLICES = 8  # input channels of a filter that are shown
MATRIX = 96  # inputs of a linear layer that are shown
FEW = 1000  # numbers: of fewer the largest magnitude is at full colour
NEAR = 0.01  # of a limit: what is nearer is saturated


class Spread(NamedTuple):
    """Hold how many numbers lie where."""

    least: float
    most: float
    mean: float
    deviation: float
    zeros: float  # the share of those that are exactly 0
    counts: Array  # (24,) int: of the others, in equal steps; the outermost hold what lies beyond
    edges: Array  # (25,)


class Sheet(NamedTuple):
    """Hold numbers as small pictures, on one scale."""

    pictures: Array  # (k, h, w), or (k, 3, h, w) in the photo's colours; NaN: nothing there
    columns: int  # pictures in a row; 0: as many as suit the place
    full: float  # the magnitude at full colour: the 99.5th percentile of all the numbers, of few the largest
    words: str  # which ones they are
    spread: Spread  # of all the numbers


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
        _sheet(values, chosen, colour=layer is None),
        None if back is None else _sheet(back, chosen, colour=layer is None),
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


def _sheet(values: Array, chosen: Array, colour: bool = False) -> Sheet:
    """Return a node's numbers as pictures: the chosen maps, all channels of a picture, a matrix, or rows of numbers."""
    if values.ndim == 3 and colour and len(values) == 3:
        return _shown(values, _smaller(values, 4 * LARGEST)[None], 1, "the picture")
    if values.ndim == 3:
        size = " x ".join(map(str, values.shape[1:]))
        small = "" if max(values.shape[1:]) <= LARGEST else ", shown smaller"
        words = f"{len(chosen)} of {len(values)} channels, {size}{small}"
        return _shown(values, np.stack([_smaller(values[channel]) for channel in chosen]), 0, words)
    if values.ndim == 2:
        return _shown(
            values, _smaller(values, 4 * LARGEST)[None], 1, f"{len(values)} channels x {values.shape[1]} steps"
        )
    return _shown(values, _in_rows(values), 1, f"{len(values)} numbers, row by row")


def _in_rows(values: Array, most: int = 1024) -> Array:
    """Return numbers (C,) as a picture (1, rows, columns), row by row."""
    values = values[:most].astype(np.float32)
    columns = min(ACROSS, len(values))
    padded = np.append(values, np.full(-len(values) % columns, np.nan, np.float32))
    return padded.reshape(1, -1, columns)


def _smaller(values: Array, largest: int = LARGEST) -> Array:
    """Return a picture (..., h, w) with sides of at most `largest`, smoothed before it is thinned out."""
    high, wide = values.shape[-2:]
    step = max(high, wide) / largest
    if step <= 1:
        return values.astype(np.float32)
    size = max(1, round(high / step)), max(1, round(wide / step))
    maps = values.reshape(-1, high, wide).astype(np.float32)
    small: Array = np.stack([resize(each, size, smooth=True) for each in maps])
    return small.reshape(*values.shape[:-2], *size)


def _shown(values: Array, pictures: Array, columns: int, words: str) -> Sheet:
    finite = np.abs(values[np.isfinite(values)])
    full = float(np.percentile(finite, 99.5)) if finite.size >= FEW else 0.0
    full = full or float(finite.max(initial=0.0)) or 1.0
    return Sheet(pictures, columns, full, words, spread_of(values, full))


def spread_of(values: Array, full: float) -> Spread:
    """Return how numbers of any shape are spread; those that are not finite are left out.

    full: the magnitude at which the bars end; what lies beyond is in the outermost ones.
    """
    numbers = values[np.isfinite(values)].ravel()
    if not numbers.size:
        return Spread(np.nan, np.nan, np.nan, np.nan, 0.0, np.zeros(BINS, int), np.linspace(0, 1, BINS + 1))
    others = numbers[numbers != 0].astype(np.float64)
    low, high = (max(others.min(), -full), min(others.max(), full)) if others.size else (0.0, 1.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        middle, half = (low + high) / 2, abs(high) / 2 or 0.5
        low, high = middle - half, middle + half
    counts, edges = np.histogram(others.clip(low, high), BINS, (low, high))
    zeros = 1 - others.size / numbers.size
    mean, deviation = (float(f(numbers, dtype=np.float64)) for f in (np.mean, np.std))
    return Spread(float(numbers.min()), float(numbers.max()), mean, deviation, zeros, counts, edges)


def _shut(layer: Layer, tape: Tape, name: str, axis: int) -> tuple[float | None, int | None]:
    """Return the share of a gate's units that pass no gradient at all, and how many channels are shut everywhere."""
    if layer.kind is not Kind.GATES or name not in tape.saved or layer.passes_on:
        return None, None
    ones = kernels.array_module(tape[name]).ones_like(tape[name])
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
        sheets = [None if array is None else _param_sheet(array, chosen, read) for array in (values, back)]
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


def _param_sheet(values: Array, chosen: Array, read: tuple[int, ...]) -> Sheet:
    count = len(values)
    rows = chosen if len(chosen) and chosen.max() < count else np.arange(min(count, 16))
    if values.ndim == 4 and values.shape[2] * values.shape[3] > 1:
        if values.shape[1] == 3 and read:
            return _shown(values, values[rows].astype(np.float32), 0, f"{len(rows)} of {count} filters, in colour")
        slices = min(values.shape[1], SLICES)
        pictures = values[rows][:, :slices].reshape(-1, *values.shape[2:]).astype(np.float32)
        of = f"{len(rows)} of {count} filters" + f", a row each; the first {slices} of {values.shape[1]} inputs" * (
            slices > 1
        )
        return _shown(values, pictures, slices if slices > 1 else 0, of)
    if values.ndim == 2 and read and values.shape[1] == np.prod(read):
        pictures = _smaller(values[rows].reshape(len(rows), *read))
        words = f"{len(rows)} of {count} rows as pictures of {read[1]} x {read[2]}"
        return _shown(values, pictures[:, 0] if read[0] == 1 else pictures, 0, words)
    if values.ndim >= 2:
        matrix = values.reshape(count, -1)
        words = (
            f"{len(rows)} of {count} outputs, a row each; {min(matrix.shape[1], MATRIX)} of {matrix.shape[1]} inputs"
        )
        return _shown(values, matrix[rows][:, :MATRIX].astype(np.float32)[None], 1, words)
    return _shown(values, _in_rows(values.reshape(-1)), 1, f"{values.size} numbers, row by row")
