"""One unit's weights, each beside what its two units look for: their strongest patches, or their weights in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz import graph
from minitorch_viz._types import Array
from minitorch_viz.drawing import NUMBER_SIZE, panels, show_image, show_signed
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.patches import Patch, draw_patch
from minitorch_viz.techniques.weights._filters_expanded import expanded_weights, pixel_weights
from minitorch_viz.techniques.weights._filters_of import FilterResult, full_scale, left_out
from minitorch_viz.techniques.weights._filters_patches import top_patches
from minitorch_viz.techniques.weights._filters_sheet import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from minitorch_viz.graph import Tape
    from minitorch_viz.models import Model

MOST = 12  # channels of the earlier node
OWN = 8  # patches of the unit itself
EACH = 3  # patches of a channel of the earlier node
SIDE = 1.02  # inches
AT_ONCE = 16  # units whose weights are expanded at once


@dataclass(frozen=True, eq=False)
class UnitWeights(FilterResult):
    """Hold the weights of one unit for the channels of an earlier node that it depends on most.

    The fields of every picture of filters hold these: weights (k, 1, kh, kw), numbers (k,) the earlier node's channels,
    norms (k,), node the unit's, of how many channels the earlier node has.
    """

    scale: Scale
    channel: int  # the unit's
    source: str  # the earlier node
    passed: tuple[str, ...]  # the nodes between that were taken as open or as a mean
    cut: bool  # whether the map is smaller than what the unit may see
    share: float  # of all squared weights of the unit, those that are shown
    feature: Array  # (C, h, w): the unit's weights down to the pixels
    features: tuple[Array, ...]  # (k) of (C, h', w'): the same of each channel of the earlier node
    patches: tuple[Patch, ...]  # the unit's strongest; none without pictures
    channel_patches: tuple[tuple[Patch, ...], ...]  # (k): those of each channel of the earlier node
    pictures: str  # what they are called; "" without
    skipped: tuple[str, ...]

    no_numbers = ("patches", "channel_patches")

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{self.node} channel {self.channel}", f"{len(self.numbers)} of {self.of} channels of {self.source}")

    @property
    def caption(self) -> str:
        _, _, high, wide = self.weights.shape
        through = (
            ", straight through what lies between, gates and normalizations as open and poolings as means"
            if self.passed
            else ""
        )
        beside = (
            f"the patches of {self.pictures} that excite its channel most, with the unit's field in white"
            if self.pictures
            else "the channel's own weights down to the pixels, gates as open and poolings as means, cut to 99% of "
            "their squares: mid-grey or white is 0"
        )
        scale = (
            "each channel has a scale of its own, and the length of its weights above"
            if self.scale == "each"
            else f"all share one scale, full at ±{full_scale(self.weights):.2g}"
        )
        return (
            f"What {self.node!r} channel {self.channel} is made of: its weights ({high} x {wide}) for the "
            f"{len(self.numbers)} of the {self.of} channels of {self.source!r} that it depends on most, "
            f"{self.share:.0%} of all its squared weights{through}. Red excites, blue inhibits, white is 0; {scale}. "
            f"Left of each are {beside}; above all the same of the unit itself."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        cut = "The unit may see more than the map has places: the weights are cut off at its border."
        straight = (
            "A gate that is shut for a picture passes nothing: these weights say what could excite the unit, and not "
            "what does for one picture."
        )
        return (
            *super().notes,
            *((straight,) if self.passed else ()),
            *((cut,) if self.cut else ()),
            *left_out(self.skipped),
        )

    @property
    def full_scales(self) -> Array:
        """Return (k,): the weight at full colour, for each channel of the earlier node."""
        largest = np.array([full_scale(weights) for weights in self.weights])
        return np.full_like(largest, largest.max()) if self.scale == "shared" else largest

    def drawn(self, figure: Figure) -> None:
        """Draw the unit's patches, and below them each channel's beside the weights."""
        each = EACH if self.pictures else 1
        across = 2 if self.pictures else 4
        columns = across * (each + 1)
        groups = [
            ([f"channel {number}" if place == each // 2 else "" for place in range(each)], f"length {norm:.2g}")
            for number, norm in zip(self.numbers, self.norms, strict=True)
        ]
        rows: list[list[str | None]] = []
        for start in range(0, len(groups), across):
            row: list[str | None] = [
                title for names, weight in groups[start : start + across] for title in (*names, weight)
            ]
            rows.append(row + [None] * (columns - len(row)))
        own = max(1, len(self.patches)) if self.pictures else 1
        top: list[str | None] = ["the unit", *[""] * (own - 1), *[None] * (columns - own)]
        heading = f"{self.node} channel {self.channel}, and its weights for {self.source}"
        sheet = panels(figure, [top, *rows], 1.0, heading=heading, side=SIDE, size=NUMBER_SIZE, least=6.0)
        self._draw_unit(sheet.axes[0], self.patches, self.feature)
        for index, weights in enumerate(self.weights):
            line, group = divmod(index, across)
            places = sheet.axes[1 + line, group * (each + 1) : (group + 1) * (each + 1)]
            self._draw_unit(places[:each], self.channel_patches[index] if self.pictures else (), self.features[index])
            scale = self.full_scales[index]
            show_image(places[-1], weights[0], cmap="RdBu_r", vmin=-scale, vmax=scale)

    def _draw_unit(self, places: Array, patches: Sequence[Patch], feature: Array) -> None:
        """Draw a unit's patches; without pictures its weights down to the pixels."""
        if not self.pictures:
            show_signed(places[0], feature, scale=full_scale(feature))
            return
        for axes, patch in zip(places, patches, strict=False):
            draw_patch(axes, patch)
        for axes in places[len(patches) :]:
            axes.axis("off")


def unit_weights(
    model: Model, node: str | None, channel: int | None, source: str | None, count: int, scale: Scale, pictures: Any
) -> UnitWeights:
    """Return a unit's weights for the channels of an earlier node, each with what its two units look for.

    node: by default the second layer with filters. channel: by default the one with the longest weights. source: by
    default the last node before it that all ways to it run through.
    Raises SettingError if a setting does not fit, NetError for an unknown node.
    """
    node = node or _second_layer(model)
    tape = blank_tape(model, node)
    shapes = {name: tuple(value.shape) for name, value in tape.values.items()}
    if len(shapes[node]) != 4:
        raise SettingError(f"show='expanded' is for a node with maps, and {node!r} has none.")
    source = source or graph.last_common_maps(model.net.nodes, model.net.inputs, node, shapes)
    if source is None:
        raise SettingError(f"Before {node!r} is no node that all ways to it run through; name one with source.")
    many = shapes[node][1]
    if channel is not None and not 0 <= channel < many:
        raise SettingError(f"{node!r} has the channels 0 to {many - 1}, but channel is {channel!r}.")
    unit = _longest(model, node, source, tape) if channel is None else channel
    expanded = expanded_weights(model, node, [unit], source, tape)
    own = (expanded.weights[0].astype(np.float64) ** 2).sum(axis=(1, 2))  # (C,)
    numbers = np.argsort(-own, kind="stable")[: min(count, MOST)]
    numbers = numbers[own[numbers] > 0]
    weights = _without_border(expanded.weights[0])
    total = float(own.sum())
    strongest = top_patches(model, pictures, {node: ([unit], OWN), source: (numbers.tolist(), EACH)})
    return UnitWeights(
        weights[numbers][:, None],
        numbers,
        np.sqrt(own[numbers]),
        node,
        expanded.weights.shape[1],
        False,
        scale,
        unit,
        source,
        expanded.passed,
        expanded.cut,
        float(own[numbers].sum()) / total if total else 0.0,
        pixel_weights(model, node, [unit])[0],
        pixel_weights(model, source, numbers.tolist()),
        strongest.patches.get(node, [()])[0],
        tuple(strongest.patches.get(source, ())),
        strongest.source,
        strongest.skipped,
    )


def _without_border(weights: Array) -> Array:
    """Return (C, kh, kw) without the outer rows and columns that are 0 throughout: those that other units see."""
    rows, columns = (np.flatnonzero(weights.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    if not len(rows):
        return weights
    return weights[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _second_layer(model: Model) -> str:
    """Return the second node with filters of more than one pixel, else the second; SettingError if there is none."""
    layers = [node for node in model.net.nodes if node.layer.has_filters]
    if len(layers) < 2:
        raise SettingError("show='expanded' needs two layers with filters, one above the other; this net has not.")
    wide = (node.name for node in layers[1:] if max(node.layer.params["weight"].shape[2:]) > 1)
    return next(wide, layers[1].name)


def _longest(model: Model, node: str, source: str, tape: Tape) -> int:
    """Return the channel of a node with the longest weights for an earlier one, a few at a time: they are large."""
    channels = range(tape[node].shape[1])
    squares = []
    for start in range(0, len(channels), AT_ONCE):
        weights = expanded_weights(model, node, channels[start : start + AT_ONCE], source, tape).weights
        squares.append((weights.astype(np.float64) ** 2).sum(axis=(1, 2, 3)))
    return int(np.concatenate(squares).argmax())
