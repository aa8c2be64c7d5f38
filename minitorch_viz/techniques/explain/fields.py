"""How much of its receptive field a unit uses: the energy of its gradient, where that lies, and how wide it is.

A field is a box; inside it the pixels count unequally. The *effective* field (Luo et al. 2016) is the mean energy of
the gradient of units of one node, each laid on the place of one of them. The *empirical* one (Zhou et al. 2015) is what
occluders change. Both are energies, squares at places, and are summed up by the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.techniques.explain.inside import channel_in, place_in
from minitorch_viz.techniques.explain.receptive import Field, Geometry, geometry

if TYPE_CHECKING:
    from minitorch_viz.models import Model

HELD = 0.95  # share of the energy by which the width of a field is told
CHUNK = 8  # gradients at a time


class Spot(NamedTuple):
    """Name the units at one place of a node: all channels there, or one."""

    node: str
    axis: int  # of the channels in the node's output (N, ...)
    place: tuple[int, ...]  # (row, column), of a sequence (step,), of a node without places ()
    sides: tuple[int, ...]  # how many places there are along each of them
    channel: int | None  # None: all of them
    shape: Geometry | None  # where the node's units look; None: perhaps at everything

    def at(self, place: tuple[int, ...] | None = None) -> tuple[int | slice, ...]:
        """Return the index of a place's channels in a node's output without the images."""
        index: list[int | slice] = list(self.place if place is None else place)
        index.insert(self.axis - 1, slice(None))
        return tuple(index)

    def read(self, output: Array) -> Array:
        """Return what the units answer, (N, C) or (N, 1), from the node's output (N, ...)."""
        answers = kernels.to_cpu(output)[(slice(None), *self.at())]
        return answers if self.channel is None else answers[:, self.channel, None]

    @property
    def words(self) -> str:
        """Name them for a caption: "relu2, all channels at row 3, column 4"."""
        channels = "all channels" if self.channel is None else f"channel {self.channel}"
        if len(self.place) == 2:
            return f"{self.node}, {channels} at row {self.place[0]}, column {self.place[1]}"
        return f"{self.node}, {channels}" + (f" at step {self.place[0]}" if self.place else "")


def spot_of(
    model: Model, tape: Tape, node: str, channel: int | None = None, position: Pair | int | None = None
) -> Spot:
    """Return the units of a node at a place, by default in the middle; SettingError for a place that is not there."""
    output = tape[node]
    axis = channel_axis(model.net.nodes, node) % output.ndim
    by_channel = kernels.to_cpu(output)[0] if axis == 1 else np.moveaxis(kernels.to_cpu(output)[0], axis - 1, 0)
    sides = by_channel.shape[1:]
    if channel is not None:
        channel = channel_in(node, by_channel, channel)
    place = tuple(side // 2 for side in sides)
    if position is not None:
        place = place_in(node, by_channel[0], position)
    shape = geometry(model, node) if len(sides) == 2 else None
    return Spot(node, axis, place, sides, channel, shape)


def neighbours(spot: Spot, count: int) -> list[tuple[int, ...]]:
    """Return up to so many places of the node's map, the nearest to the spot first, itself the very first."""
    places = list(np.ndindex(*spot.sides))
    order = sorted(places, key=lambda place: (sum((a - b) ** 2 for a, b in zip(place, spot.place, strict=True)), place))
    return order[:count]


def effective_field(model: Model, tape: Tape, spot: Spot, samples: int, seed: int = 0) -> Array:
    """Return the mean energy of the gradient at each pixel, (h, w), summed over colours, around the spot.

    Of all channels the energies add up: each sample is one gradient of their sum with random signs, whose energy is
    that sum on average. Samples are taken at the nearest places of the map, each moved onto the spot; where nothing is
    known of the node's geometry, at the spot itself.

    tape: of one image, kept as far as the node. Paper: Luo, Li, Urtasun, Zemel 2016.
    """
    output = tape[spot.node]
    rng = np.random.default_rng(seed)
    if spot.shape is not None:
        places = neighbours(spot, samples)
    else:
        places = [spot.place] * (samples if spot.channel is None else 1)
    size = tape[model.input].shape[2:]
    total, count = np.zeros(size), np.zeros(size)
    for begin in range(0, len(places), CHUNK):
        part = places[begin : begin + CHUNK]
        seeds = np.zeros((len(part), *output.shape[1:]), output.dtype)
        for unit_seed, place in zip(seeds, part, strict=True):
            units = unit_seed[spot.at(place)]  # (C,), a view
            if spot.channel is None:
                units[:] = rng.choice([-1.0, 1.0], units.shape)
            else:
                units[spot.channel] = 1
        signal = kernels.to_device(seeds, kernels.device_of(output))
        gradients = model.net.backward(tape, {spot.node: signal}, wrt=model.input)[model.input]
        energies = np.square(kernels.to_cpu(gradients), dtype=float).sum(axis=1)
        for energy, place in zip(energies, part, strict=True):
            moved, is_known = _moved(energy, _shift(spot, place))
            total += moved
            count += is_known
    return total / np.maximum(count, 1)


def _shift(spot: Spot, place: tuple[int, ...]) -> Pair:
    """Return by how many pixels the field of a unit must be moved to lie on the spot's."""
    if spot.shape is None or place == spot.place:
        return 0, 0
    goal, box = (spot.shape.box((p[0], p[1])) for p in (spot.place, place))
    return goal.top - box.top, goal.left - box.left


def _moved(energy: Array, by: Pair) -> tuple[Array, Array]:
    """Return a map (h, w) moved by whole pixels, and where something of it is known."""
    moved, is_known = np.zeros_like(energy), np.zeros_like(energy)
    to, source = [], []
    for side, step in zip(energy.shape, by, strict=True):
        to.append(slice(max(step, 0), max(side + min(step, 0), 0)))
        source.append(slice(max(-step, 0), max(side - max(step, 0), 0)))
    moved[tuple(to)], is_known[tuple(to)] = energy[tuple(source)], 1
    return moved, is_known


class Spread(NamedTuple):
    """Say where an energy lies, and how wide: the Gaussian with its mean and its variances."""

    row: float  # its middle, in pixels
    column: float
    sigma: tuple[float, float]  # (vertical, horizontal), in pixels
    share: float  # of the energy, inside the ellipse of one sigma; of a Gaussian it is 0.39
    side: float  # of a square of as many pixels as hold 95 % of the energy, the strongest first

    @property
    def is_blank(self) -> bool:
        """Return whether there is no energy at all."""
        return not np.isfinite(self.row)


def spread_of(energy: Array, rows: Array | Sequence[float], columns: Array | Sequence[float]) -> Spread:
    """Return the middle and the width of an energy (h, w) >= 0 that stands at these rows (h,) and columns (w,).

    The mean and the variances are those of the Gaussian that fits best (maximum likelihood). All NaN without energy.
    """
    energy, rows, columns = np.nan_to_num(energy), np.asarray(rows, float), np.asarray(columns, float)
    total = float(energy.sum())
    if not total > 0 or not np.isfinite(total):
        return Spread(np.nan, np.nan, (np.nan, np.nan), np.nan, np.nan)
    share = energy / total
    down, across = share.sum(axis=1), share.sum(axis=0)
    row, column = float(down @ rows), float(across @ columns)
    sigma = float(down @ (rows - row) ** 2) ** 0.5, float(across @ (columns - column) ** 2) ** 0.5
    apart = (_over(rows - row, sigma[0])[:, None]) ** 2 + _over(columns - column, sigma[1]) ** 2
    area = _step(rows) * _step(columns)
    held = int(np.searchsorted(np.cumsum(np.sort(share.ravel())[::-1]), HELD - 1e-12)) + 1
    width = (min(held, share.size) * area) ** 0.5
    return Spread(row, column, sigma, float(share[apart <= 1].sum()), width)


def _over(distances: Array, sigma: float) -> Array:
    """Return distances in units of sigma; where all energy is on one line, on it or off it."""
    return distances / sigma if sigma > 0 else np.where(distances == 0, 0.0, np.inf)


def _step(places: Array) -> float:
    return float(np.diff(places).mean()) if len(places) > 1 else 1.0


def inside(box: Field, size: Sequence[int]) -> Field:
    """Return the part of a box that lies in an image (h, w), at least a pixel of it."""
    top, left = min(max(box.top, 0), size[0] - 1), min(max(box.left, 0), size[1] - 1)
    return Field(top, left, min(max(box.bottom, top + 1), size[0]), min(max(box.right, left + 1), size[1]))
