"""Filters: the weights of a convolution as pictures; those of the first layer are in the photo's own colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, in_rows, panels, show_image, signed_colour
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.layers import Layer
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.subject import NOTHING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Order = Literal["index", "norm"]
Scale = Literal["each", "shared"]
COLUMNS = 12
SLICES = 12  # input channels of a filter that are drawn beside one another
SIDE = 0.85  # inches of a filter
SLICE = 0.5  # inches of an input channel of a filter


@dataclass(frozen=True, eq=False)
class Filters(Result):
    """Hold some filters of one convolution."""

    weights: Array  # (k, C, kh, kw): what each input is multiplied with
    numbers: Array  # (k,) int: which output channels they make
    norms: Array  # (k,): the length of each, as a vector
    node: str
    of: int  # how many filters the convolution has
    colour: bool  # whether its input channels are red, green and blue
    scale: Scale

    @property
    def facts(self) -> tuple[str, ...]:
        _, channels, high, wide = self.weights.shape
        return (self.node, f"{len(self.weights)} of {self.of} filters", f"{channels} x {high} x {wide}")

    @property
    def full_scales(self) -> Array:
        """Return (k,): the weight that is drawn at the end of the colours, for each filter."""
        largest = np.abs(self.weights).max(axis=(1, 2, 3))
        scales: Array = np.full_like(largest, largest.max()) if self.scale == "shared" else largest
        return np.where(scales > 0, scales, 1)

    @property
    def caption(self) -> str:
        _, channels, high, wide = self.weights.shape
        shown = f"{len(self.weights)} of the {self.of} filters of {self.node!r}, {high} x {wide} weights"
        each = "each filter has" if self.scale == "each" else "all filters share"
        scale = f"{each} a scale of {'its own' if self.scale == 'each' else 'one weight'}, the largest magnitude"
        if self.colour:
            return (
                f"{shown} for each of red, green and blue, drawn in these colours: mid-grey is 0, brighter is "
                f"positive, darker negative; {scale}."
            )
        slices = (
            ""
            if channels == 1
            else f" Each row is one filter, and its first {self.slices} input channels of {channels}."
        )
        return f"{shown}: white is 0, red positive, blue negative; {scale}.{slices}"

    @property
    def slices(self) -> int:
        """Return how many input channels of each filter are drawn side by side: 1 if drawn as one picture."""
        return 1 if self.colour else min(self.weights.shape[1], SLICES)

    @property
    def notes(self) -> tuple[str, ...]:
        silent = int((self.norms == 0).sum())
        return (f"{silent} of the filters shown are 0 everywhere.",) if silent else ()


def filters(
    model: Model, *, node: str | None = None, count: int = 96, order: Order = "index", scale: Scale = "each"
) -> Filters:
    """Show the weights of a convolution: what each of its channels looks for.

    A filter answers most to a patch that looks like itself. Those of the first layer look at the photo and can be read
    at a glance: edges of one direction, spots of one colour. Deeper filters look at channels, which have no colour, and
    are drawn one input channel beside the other.

    Args:
        node: the convolution; by default the first
        count: how many filters to show
        order: by their number, or the longest first
        scale: of the colours: each filter has one of its own, or one is shared by all

    Returns Filters with weights (k, C, kh, kw).
    Raises SettingError if the node is no convolution or a setting does not fit, NetError if there is no such node.

    Paper: Krizhevsky, Sutskever, Hinton 2012.
    """
    for setting, chosen, choices in (("order", order, get_args(Order)), ("scale", scale, get_args(Scale))):
        if chosen not in choices:
            raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
    need_whole("number of filters", count, 1)
    name = node or model.first_conv
    layer = model.net[name].layer
    if not _makes_channels(layer):
        raise SettingError(f"{name!r} is a {layer.type_name}, which has no filters; these have: {_listed(model)}.")
    weights = kernels.to_cpu(layer.params["weight"])
    norms = np.sqrt((weights.astype(np.float64) ** 2).sum(axis=(1, 2, 3)))
    chosen_filters = np.argsort(-norms, kind="stable") if order == "norm" else np.arange(len(weights))
    most = count if _is_colour(model, name, weights) or weights.shape[1] == 1 else min(count, 24)  # a row each
    chosen_filters = chosen_filters[:most]
    return Filters(
        weights[chosen_filters],
        chosen_filters,
        norms[chosen_filters],
        name,
        len(weights),
        _is_colour(model, name, weights),
        scale,
    )


def _is_colour(model: Model, name: str, weights: Array) -> bool:
    return model.net[name].inputs[0] in model.net.inputs and weights.shape[1] == 3


def _makes_channels(layer: Layer) -> bool:
    """Return whether it is a convolution with a filter for each channel that it makes.

    A transposed one has them the other way round, for each channel that it reads.
    """
    return layer.has_filters and layer.type_name == "Conv2d"


def _listed(model: Model) -> str:
    names = [node.name for node in model.net.nodes if _makes_channels(node.layer)]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def convolves(model: Model) -> str | None:
    """Return why a net has no filters: it has no convolution; None if it has."""
    return None if model.first_conv else "this net has no convolution, so it has no filters to show"


def plot(result: Filters, figure: Figure) -> None:
    """Draw a sheet of filters; of deeper layers a row for each filter, and a column for each input channel."""
    count, _, high, wide = result.weights.shape
    numbers = [str(number) for number in result.numbers]
    full = "each at its own scale" if result.scale == "each" else f"full at ±{result.full_scales[0]:.2g}"
    heading = f"{count} of {result.of} filters of {result.node}, {full}"
    if result.slices == 1:
        rows = math.ceil(count / min(COLUMNS, math.ceil(math.sqrt(2 * count))))
        titles = in_rows(numbers, math.ceil(count / rows))  # as even rows as can be
        sheet = panels(figure, titles, high / wide, heading=heading, side=SIDE, size=NUMBER_SIZE)
    else:
        titles = [[""] * result.slices] * count
        sheet = panels(figure, titles, high / wide, heading=heading, side=SLICE, left=0.4)
    for weights, scale, number, row in zip(
        result.weights, result.full_scales, numbers, _places(result, sheet.axes), strict=True
    ):
        colours = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
        if result.colour:
            show_image(row[0], signed_colour(weights, scale))
            continue
        for channel, panel in zip(weights, row, strict=False):
            show_image(panel, channel, **colours)
        if result.slices > 1:
            row[0].set_ylabel(number, fontsize=LABEL_SIZE, rotation=0, ha="right", va="center")


def _places(result: Filters, axes: Array) -> list[Any]:
    """Return the axes of each filter."""
    return [[panel] for panel in axes.flat[: len(result.weights)]] if result.slices == 1 else list(axes)


def example() -> Filters:
    """Run it on the first filters of the bundled net for scenes."""
    from minitorch_viz.models import load_model

    return filters(load_model("scenes"))


TECHNIQUE = Technique(
    name="filters",
    compute=filters,
    plot=plot,
    title="Filters: what the channels look for",
    paper="Krizhevsky, Sutskever, Hinton 2012",
    example=example,
    chapter="look",
    level=20,
    applies=convolves,
    subject=NOTHING,
)
