"""Filters: the weights of a layer as pictures; those that look at the photo are in its own colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.graph import between as way_between
from minitorch_viz.layers.kind import Kind
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.subject import NOTHING, Pictures
from minitorch_viz.techniques.weights._filters_best_input import best_inputs
from minitorch_viz.techniques.weights._filters_colours import coloured
from minitorch_viz.techniques.weights._filters_components import MOST, components
from minitorch_viz.techniques.weights._filters_gabor import gabors
from minitorch_viz.techniques.weights._filters_of import (
    FilterResult,
    Order,
    filters_of,
    first_filters,
    has_filters,
    makes_channels,
    weights_of,
)
from minitorch_viz.techniques.weights._filters_sheet import ROWS, Filters, Scale
from minitorch_viz.techniques.weights._filters_unit import unit_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Show = Literal["filters", "slices", "colours", "expanded", "best-input", "gabor", "components"]
WITH_PICTURES = "colours", "expanded", "components"


def filters(
    model: Model,
    *,
    show: Show = "filters",
    node: str | None = None,
    count: int = 96,
    order: Order = "index",
    scale: Scale = "each",
    channel: int | None = None,
    source: str | None = None,
    pictures: Pictures | None = None,
    seed: int = 0,
) -> FilterResult:
    """Show the weights of a layer: what each of its channels looks for.

    A filter answers most to a patch that looks like itself. Those of the first layer look at the photo and can be read
    at a glance: edges of one direction, spots of one colour. Deeper filters look at channels, which have no colour:
    they are drawn one input channel beside the other (slices), with their channels in three groups (colours), or one
    unit at a time, each weight beside what the channel that it weighs looks for (expanded), through as many layers as
    lie between. Units of a linear layer that reads the pixels, such as an autoencoder's, are filters as large as the
    picture.

    Args:
        show: filters as they are, or slices of their input channels; colours: deeper ones in three; expanded: those of
            one unit for an earlier node; best-input: beside each the input of length 1 that excites it most; gabor:
            the nearest wave under a Gaussian; components: above them the principal components of patches of pictures
        node: the layer; by default the first, of colours and expanded the second
        count: how many filters to show
        order: by their number, or the longest first
        scale: of filters, slices and expanded: each filter has one of its own, or one is shared by all
        channel: of expanded, the unit's; by default the one with the longest weights
        source: of expanded, the earlier node; by default the last that all ways to the unit run through
        pictures: of colours and expanded, whose patches stand for channels; without, these are shown by their weights
            down to the pixels. Of components, where the patches are from; by default what suits the net
        seed: of random inputs, patches and noise

    Returns a FilterResult with weights (k, C, kh, kw).
    Raises SettingError if the node has no filters or a setting does not fit, NetError if there is no such node.

    Paper: Krizhevsky, Sutskever, Hinton 2012; Voss et al. 2021 (Visualizing Weights).
    """
    for setting, chosen, choices in (
        ("picture", show, get_args(Show)),
        ("order", order, get_args(Order)),
        ("scale", scale, get_args(Scale)),
    ):
        if chosen not in choices:
            raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
    need_whole("number of filters", count, 1)
    if pictures is not None:
        pictures = as_pictures(pictures)
        if show not in WITH_PICTURES:
            raise SettingError(f"show={show!r} looks at no pictures; these do: {', '.join(WITH_PICTURES)}.")
    if show != "expanded" and (channel is not None or source is not None):
        raise SettingError(f"channel and source are settings of show='expanded', but show is {show!r}.")
    if show == "expanded":
        return unit_weights(model, node, channel, source, count, scale, pictures)
    if show == "colours" and node is None:
        node = _deeper(model)
    in_rows = show == "slices"

    def most(weights: Array) -> int:
        if show in ("colours", "components"):
            return MOST
        return count if weights.shape[1] in (1, 3) and not in_rows else ROWS

    selected = filters_of(model, node, count, order, most)
    if show == "colours":
        return coloured(model, selected, weights_of(model, selected.node), pictures)
    if show == "best-input":
        return best_inputs(model, selected, seed)
    if show == "gabor":
        return gabors(model, selected, seed)
    if show == "components":
        return components(model, selected, pictures, seed)
    return Filters(*selected._replace(colour=selected.colour and not in_rows), scale)


def _deeper(model: Model) -> str | None:
    """Return the first node with filters over more than three channels; None if there is none."""
    layers = ((node.name, node.layer) for node in model.net.nodes if makes_channels(node.layer))
    return next((name for name, layer in layers if layer.params["weight"].shape[1] > 3), None)


def in_report(model: Model) -> list[dict[str, str]]:
    """Return the runs of a report: the filters, and the first deeper ones in three colours."""
    node = _deeper(model)
    if node is None or len(model.net.inputs) != 1 or node == first_filters(model):
        return [{}]
    opaque = any(place.layer.kind is Kind.OPAQUE for place in way_between(model.net.nodes, [model.input], [node]))
    return [{}] if opaque else [{}, {"show": "colours"}]


def plot(result: FilterResult, figure: Figure) -> None:
    """Draw it."""
    result.drawn(figure)


def example() -> FilterResult:
    """Run it on the first filters of the bundled net for scenes."""
    from minitorch_viz.models import load_model

    return filters(load_model("scenes"))


TECHNIQUE = Technique(
    name="filters",
    compute=filters,
    plot=plot,
    title="Filters: what the channels look for",
    paper="Krizhevsky, Sutskever, Hinton 2012; Voss et al. 2021",
    example=example,
    chapter="look",
    level=20,
    applies=has_filters,
    in_report=in_report,
    subject=NOTHING,
)
