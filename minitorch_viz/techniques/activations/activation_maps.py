"""Activation maps: what each channel of a layer answers, place by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, in_rows, panels, robust_max, show_image
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.graph import ancestors
from minitorch_viz.layers import Kind
from minitorch_viz.rules.relu import relus
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, proportions_of, view
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.graph import Tape
    from minitorch_viz.models import Model

Order = Literal["strongest", "index"]
Scale = Literal["shared", "each"]


@dataclass(frozen=True, eq=False)
class ActivationMaps(PhotoResult):
    """Hold some channels of one node's output."""

    maps: Array  # (k, H', W'): the activations, in the net's own units
    channels: Array  # (k,) int: which channels they are
    node: str
    of: int  # how many channels the node has
    dead: int  # how many of all channels are 0 or below everywhere
    scale: Scale
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    names: tuple[str, ...] = ()  # of the channels, where they are the classes

    @property
    def facts(self) -> tuple[str, ...]:
        high, wide = self.maps.shape[1:]
        return (self.node, f"{len(self.maps)} of {self.of} channels", f"{high} x {wide}")

    @property
    def caption(self) -> str:
        height, width = self.maps.shape[1:]
        scale = "All maps share one scale" if self.scale == "shared" else "Each map has a scale of its own"
        top = "full scale is the 99.5th percentile"
        sign = f"black is 0, {top}" if self.maps.min() >= 0 else f"white is 0, red positive, blue negative, {top}"
        silent = (
            f" Of the {self.of} channels {self.dead} fire{'s' * (self.dead == 1)} nowhere on this image."
            if self.dead
            else ""
        )
        return (
            f"{len(self.maps)} of the {self.of} channels of {self.node!r}, {height} x {width} places each, with their "
            f"numbers{', which are the classes,' if self.names else ''} and largest values. {scale}: {sign}.{silent}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if self.dead == self.of:
            return (f"Nothing fires in {self.node!r} on this image: every activation is 0 or below.",)
        return ()


def activation_maps(
    model: Model,
    image: Any,
    *,
    node: str | None = None,
    count: int = 24,
    order: Order = "strongest",
    scale: Scale = "each",
) -> ActivationMaps:
    """Show what each channel of a layer answers to the image, place by place.

    A bright spot is a place where the channel found what it looks for. Early layers follow edges and colours and look
    like the photo; late layers are coarse, and most of their channels are silent.

    Args:
        node: the node to show; by default the last one with maps of features
        count: how many channels to show
        order: strongest: by the largest activation; index: from channel 0 on
        scale: shared: one scale for all maps; each: one a map, so that weak channels are visible too

    Returns ActivationMaps with maps (count, H', W').
    Raises SettingError if the node has no maps, or count is below 1.

    Paper: Yosinski et al. 2015 (the Deep Visualization Toolbox).
    """
    for name, value, choices in (("order", order, get_args(Order)), ("scale", scale, get_args(Scale))):
        if value not in choices:
            raise SettingError(f"There is no {name} {value!r}; {near(value, choices, name)}.")
    count = need_whole("count", count, 1)
    need_picture(model, "activation-maps")
    seen = view(model, image)
    tape = model.net.forward(seen.x, upto=node)
    node = node or _last_features(model, tape) or last_map(tape.values)
    maps = kernels.to_cpu(tape[node])[0]
    if maps.ndim != 3:
        raise SettingError(
            f"Node {node!r} gives one number a channel, so there are no maps to show; choose an earlier one."
        )
    peaks = maps.max(axis=(1, 2))
    picked = np.argsort(-peaks, kind="stable")[:count] if order == "strongest" else np.arange(len(maps))[:count]
    dead = int((peaks <= 0).sum())
    names = tuple(model.class_names[channel] for channel in picked) if _are_classes(model, node, len(maps)) else ()
    return ActivationMaps(
        maps[picked],
        picked,
        node,
        len(maps),
        dead,
        scale,
        seen.picture,
        seen.pixel_aspect,
        names,
        photo=seen.area,
        given=seen.given,
    )


def _are_classes(model: Model, node: str, channels: int) -> bool:
    """Return whether a node's channels are the classes: from it to the scores nothing mixes them any more."""
    if not model.logits or channels != len(model.class_names):
        return False
    later = {name for name in ancestors(model.net.nodes, model.logits) if name in model.net} | {model.logits}
    behind = [name for name in later if name != node and node in ancestors(model.net.nodes, name)]
    return node in later and all(model.net[name].layer.kind is not Kind.WEIGHS for name in behind)


def _last_features(model: Model, tape: Tape) -> str:
    """Return the last maps of features; "" if unknown or of one place: maps after them are the classes'."""
    last = tape[model.last_conv] if model.last_conv else None
    return model.last_conv if last is not None and last.ndim == 4 and last[0, 0].size > 1 else ""


def last_map(values: Any) -> str:
    """Return the last node whose output still has more than one place."""
    for name in reversed(list(values)):
        if values[name].ndim == 4 and values[name].shape[2] * values[name].shape[3] > 1:
            return str(name)
    raise SettingError("No node of this net gives maps: every output has one place only.")


def plot(result: ActivationMaps, figure: Figure) -> None:
    """Draw the photo, then a grid of maps with channel numbers, class names, and largest values."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    tall, count = proportions_of(result), len(result.maps)
    columns = max(min(6 if tall > 0.8 and not result.names else 4, -(-count // 2)), 1)
    signed, shared = bool(result.maps.min() < 0), result.scale == "shared"
    numbers = [f"#{channel}" for channel in result.channels]
    words = [f"{n} {name}" for n, name in zip(numbers, result.names, strict=True)] if result.names else numbers
    tops = [f"{word}: {float(values.max()):.3g}" for word, values in zip(words, result.maps, strict=True)]
    # The photo has the place of 2 x 2 maps, beside the first two rows; the other rows are full.
    rows: list[list[str | None]] = [[None, None, *row] for row in in_rows(tops[: 2 * columns], columns)]
    empty: list[str | None] = [None] * (columns + 2)
    rows += [empty] * (2 - len(rows)) + in_rows(tops[2 * columns :], columns + 2)
    heading = f"{result.node}: {count} of {result.of} channels, {_scale(result)}"
    bars = (columns + 1,) if shared else ()
    sheet = panels(figure, rows, tall, heading=heading, size=LABEL_SIZE, bars=bars, side=1.6)
    first, last = sheet.axes[0, 0].get_position(original=True), sheet.axes[1, 1].get_position(original=True)
    for covered in sheet.axes[:2, :2].ravel():
        covered.remove()
    photo = figure.add_axes((first.x0, last.y0, last.x1 - first.x0, first.y1 - last.y0))
    photo.set_anchor("N")
    photo.set_title("the photo", fontsize=LABEL_SIZE)
    draw_photo(photo, result)
    high, wide = result.maps.shape[1:]
    colour_map = "RdBu_r" if signed else "gray"
    places = [*sheet.axes[:2, 2:].ravel()[: 2 * columns], *sheet.axes[2:].ravel()]
    for panel, activations in zip(places, result.maps, strict=False):
        top = robust_max(result.maps) if shared else robust_max(activations)
        colours: dict[str, Any] = {"cmap": colour_map, "vmin": -top if signed else 0, "vmax": top}
        show_image(panel, activations, pixel_aspect=tall * wide / high, **colours)
    if shared:
        colours_of = ScalarMappable(Normalize(-top if signed else 0, top), colour_map)
        sheet.bar(colours_of, sheet.axes[0, -1], "activation")


def _scale(result: ActivationMaps) -> str:
    """Return what the heading says of the colours."""
    colours = "white is 0, red +, blue -" if result.maps.min() < 0 else "black is 0"
    return f"{colours}; {'one scale' if result.scale == 'shared' else 'each on its own scale'}"


def applies(model: Model) -> str | None:
    """Return why a net has no maps: it has no convolutions; None if it has."""
    return None if any(node.layer.has_filters for node in model.net.nodes) else "this net has no convolution"


def in_report(model: Model) -> list[dict[str, Any]]:
    """Choose an early and a middle layer, ReLUs right after a convolution, and the last maps of features.

    What comes after those are the classes' own maps, whose numbers would name no features.
    """
    names = [node.name for node in model.net.nodes]
    names = names[: names.index(model.last_conv) + 1] if model.last_conv else names
    convolutions = [name for name in names if model.net[name].layer.has_filters]
    gates = [name for name in relus(model.net) if name in names and {*convolutions} & {*model.net[name].inputs}]
    nodes = gates or convolutions or [model.last_conv]
    picked = dict.fromkeys([nodes[0], nodes[len(nodes) // 2], model.last_conv or nodes[-1]])
    return [{"node": node} for node in picked]


def example() -> ActivationMaps:
    """Run it on a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return activation_maps(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="activation-maps",
    compute=activation_maps,
    plot=plot,
    title="Activation maps: what each channel answers",
    paper="Yosinski et al. 2015",
    example=example,
    chapter="look",
    level=10,
    applies=applies,
    in_report=in_report,
)
