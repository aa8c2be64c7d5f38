"""Which weights of a net are filters, and which of them are shown; what all pictures of filters have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import show_image, show_signed, signed_colour
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Layer
from minitorch_viz.techniques.base import Result, Technique, get_technique
from minitorch_viz.techniques.weights._templates_net import reads_pixels, templates_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Order = Literal["index", "norm"]


class Chosen(NamedTuple):
    """Hold the filters that are shown."""

    weights: Array  # (k, C, kh, kw): what each input is multiplied with
    numbers: Array  # (k,) int: which output channels they make
    norms: Array  # (k,): the length of each, as a vector
    node: str
    of: int  # how many filters the layer has
    colour: bool  # whether its input channels are red, green and blue


@dataclass(frozen=True, eq=False)
class FilterResult(Result):
    """Be a picture of some filters of one layer: a file each, a value of the setting `show` each."""

    weights: Array  # (k, C, kh, kw): what each input is multiplied with
    numbers: Array  # (k,) int: which output channels they make
    norms: Array  # (k,): the length of each, as a vector
    node: str
    of: int  # how many filters the layer has
    colour: bool  # whether its input channels are red, green and blue

    @property
    def technique(self) -> Technique:
        return get_technique("filters")

    @property
    def facts(self) -> tuple[str, ...]:
        _, channels, high, wide = self.weights.shape
        return (self.node, f"{len(self.weights)} of {self.of} filters", f"{channels} x {high} x {wide}")

    @property
    def shown(self) -> str:
        """Say which filters they are, for the beginning of a caption."""
        _, _, high, wide = self.weights.shape
        return f"{len(self.weights)} of the {self.of} filters of {self.node!r}, {high} x {wide} weights"

    @property
    def notes(self) -> tuple[str, ...]:
        silent = int((self.norms == 0).sum())
        return (f"{silent} of the filters shown are 0 everywhere.",) if silent else ()

    def drawn(self, figure: Figure) -> None:
        """Draw it on an empty figure."""
        raise NotImplementedError


def filters_of(model: Model, node: str | None, count: int, order: Order, most: Callable[[Array], int]) -> Chosen:
    """Return the filters of a node, by default those that look at the input.

    most: tells of all weights (O, C, kh, kw) how many filters have room.
    Raises SettingError if the node has no filters, NetError if there is no such node.
    """
    name = node or first_filters(model)
    weights = weights_of(model, name)
    norms = np.sqrt((weights.astype(np.float64) ** 2).sum(axis=(1, 2, 3)))
    numbers = np.argsort(-norms, kind="stable") if order == "norm" else np.arange(len(weights))
    numbers = numbers[: min(count, most(weights))]
    looks = model.net[name].inputs[0] in model.net.inputs or reads_pixels(model, name)
    colour = looks and weights.shape[1] == 3
    return Chosen(weights[numbers], numbers, norms[numbers], name, len(weights), colour)


def weights_of(model: Model, node: str) -> Array:
    """Return all filters of a node, (O, C, kh, kw); SettingError if it has none, NetError if there is no such node."""
    layer = model.net[node].layer
    if makes_channels(layer):
        return kernels.to_cpu(layer.params["weight"])
    if reads_pixels(model, node):
        return templates_at(model, node)
    raise SettingError(f"{node!r} is a {layer.type_name}, which has no filters; these have: {_listed(model)}.")


def first_filters(model: Model) -> str:
    """Return the node whose filters look at the input: the first convolution, else a linear layer; "" if none does."""
    if model.first_conv:
        return model.first_conv
    return next((node.name for node in model.net.nodes if reads_pixels(model, node.name)), "")


def has_filters(model: Model) -> str | None:
    """Return why a net has no filters: it has no convolution, and no units that read the pixels; None if it has."""
    return None if first_filters(model) else "this net has no convolution, so it has no filters to show"


def need_pixels(model: Model, chosen: Chosen, show: str) -> None:
    """Raise SettingError unless the filters look at the net's own input."""
    if model.net[chosen.node].inputs[0] not in model.net.inputs and not reads_pixels(model, chosen.node):
        raise SettingError(
            f"show={show!r} is for filters that look at the picture, but {chosen.node!r} reads "
            f"{model.net[chosen.node].inputs[0]!r}; give node={first_filters(model)!r}, or leave it out."
        )


def draw_filter(axes: Axes, weights: Array, scale: float, colour: bool) -> Any:
    """Draw one filter (C, kh, kw) as one picture: in colours around mid-grey, or each channel in red and blue."""
    if colour:
        return show_image(axes, signed_colour(weights, scale))
    if len(weights) > 1:
        return show_signed(axes, weights, scale=scale)
    return show_image(axes, weights[0], cmap="RdBu_r", vmin=-scale, vmax=scale)


def full_scale(weights: Array) -> float:
    """Return the largest magnitude of a filter; 1 if all is 0."""
    return float(np.abs(weights).max(initial=0)) or 1.0


def left_out(skipped: Sequence[str]) -> tuple[str, ...]:
    """Return a note on pictures that could not be used; none where there are none."""
    names = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
    subject, verb = ("1 picture", "was") if len(skipped) == 1 else (f"{len(skipped)} pictures", "were")
    return (f"{subject} could not be used and {verb} left out: {names}.",) if skipped else ()


def makes_channels(layer: Layer) -> bool:
    """Return whether it is a convolution with a filter for each channel that it makes.

    A transposed one has them the other way round, for each channel that it reads.
    """
    return layer.has_filters and layer.type_name == "Conv2d"


def _listed(model: Model) -> str:
    nodes = model.net.nodes
    names = [node.name for node in nodes if makes_channels(node.layer) or reads_pixels(model, node.name)]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
