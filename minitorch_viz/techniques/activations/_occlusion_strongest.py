"""The strongest feature map under the occluder: its total at each place, and what in the photo it answers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.techniques.explain.layer_maps import chosen_layer
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.gradients.deconvnet import deconvnet
from minitorch_viz.techniques.tally import Skipped, tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.explain.view import View

OTHERS = 3  # pictures of a data set beside the photo


class Projected(NamedTuple):
    """Hold the strongest unit of a map on one picture, projected down to its pixels."""

    signal: Array  # (C, h, w): the deconvnet's projection
    field: Field  # what the unit sees: (top, left, bottom, right)
    value: float  # the unit's
    picture: Array  # (h, w, 3) uint8: what the net saw
    photo: Array  # (H, W, 3) uint8: the same area in the picture's own pixels
    pixel_aspect: float
    title: str  # the picture's name
    blank: str  # why there is nothing to draw; "" if there is something
    remark: str = ""  # what the deconvnet is where not all gates on the way are ReLUs


class StrongestMap(NamedTuple):
    """Hold the total of one feature map with the occluder at every place, and its projections."""

    layer: str
    channel: int  # the one with the largest value on the whole photo
    totals: Array  # (rows, columns): the map's sum with the occluder there; NaN: not measured yet
    base: float  # on the whole photo
    projection: Projected  # on this photo

    @property
    def label(self) -> str:
        """Return the map in words."""
        return f"{self.layer} channel {self.channel}"

    @property
    def drop(self) -> Array:
        """Return (rows, columns): the share of the map's total that the occluder takes away; NaN: not measured."""
        fall: Array = (self.base - self.totals) / (abs(self.base) or 1.0)
        return fall


def layer_of(model: Model, tape: Tape, node: str, layer: str | None) -> str | None:
    """Return the node whose strongest map is watched; None if none was named and the net has no maps before `node`.

    Raises SettingError for a layer without maps, NetError if it is unknown.
    """
    try:
        chosen = chosen_layer(model, tape, node, layer)
    except SettingError:
        if layer is not None:
            raise
        return None
    if tape[chosen].ndim == 4 and channel_axis(model.net.nodes, chosen) == 1:
        return chosen
    if layer is not None:
        raise SettingError(f"Node {layer!r} gives no maps (C, H, W) whose total could be watched; name another.")
    return None


def strongest_channel(tape: Tape, layer: str) -> int:
    """Return the channel with the largest value."""
    return int(np.argmax(kernels.to_cpu(tape[layer])[0].max(axis=(1, 2))))


def totals(maps: Array, channel: int) -> Array:
    """Return (K,): the sums of one channel of maps (K, C, h, w)."""
    total: Array = kernels.to_cpu(maps[:, channel]).sum(axis=(1, 2), dtype=np.float64)
    return total


def projected(model: Model, image: View | Array, layer: str, channel: int, title: str) -> Projected:
    """Return what the map's strongest unit on a picture answers to."""
    result = deconvnet(model, image, node=layer, channel=channel)
    return Projected(
        result.signals[0],
        result.fields[0],
        result.values[0],
        result.pictures[0],
        result.photos[0],
        result.pixel_aspects[0],
        title,
        result.blanks[0],
        result.remark,
    )


class Search(NamedTuple):
    """Hold how far the search for the pictures that excite a map most is."""

    done: int
    total: int
    skipped: tuple[Skipped, ...]  # pictures that could not be read
    others: tuple[Projected, ...]  # at its end: the strongest first


def searched(model: Model, pictures: Pictures, layer: str, channel: int) -> Iterator[Search]:
    """Yield how far it is after each shard of pictures; the last has their projections."""
    tally = Strongest(layer, OTHERS, axis=channel_axis(model.net.nodes, layer))
    for step in tallied(model, pictures, [tally]):
        if step.done < step.total:
            yield Search(step.done, step.total, step.skipped, ())
    (best,) = step.tallies
    numbers = best.result().numbers[channel] if best.arrays else np.empty(0, int)
    others = tuple(
        projected(model, pictures[number], layer, channel, pictures.title(number))
        for number in numbers.tolist()
        if number >= 0
    )
    yield Search(step.done, step.total, step.skipped, others)
