"""Coarse maps, a value at each place of a node in the middle of the net: what the class maps here share.

A map of 14 x 14 places is enlarged bilinearly to the pixels, each value standing at the centre of its patch of pixels
(PyTorch's align_corners=False), and laid over the photo. Maps of several classes are drawn on one scale, or each on its
own, so that a weak class is seen beside a strong one; the figure says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import DARK, SIDE, Sheet, in_rows, panels, resize, show_blank, show_image
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Tape, ancestors, channel_axis, last_common_maps
from minitorch_viz.layers import Conv1d
from minitorch_viz.models.features import last_features
from minitorch_viz.models.readers import Numbers
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.techniques.explain.blank import drawable
from minitorch_viz.techniques.explain.tokens import grid_of, last_tokens
from minitorch_viz.techniques.explain.unit import reading_of, value_of
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, proportions_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Scaling = Literal["one", "each"]

FAINT = 0.15  # of the full scale: what stays below it can hardly be seen over the photo


@dataclass(frozen=True, eq=False)
class LayerMaps(PhotoResult):
    """Hold a map for each of T targets, at the places of one node."""

    quantity: ClassVar[str] = "value"  # the colour bar's label

    signed: Array  # (T, h', w'): at each place of `layer`, for (+) and against (-) the target
    layer: str  # the node whose places these are
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    labels: tuple[str, ...]  # the targets, in words
    values: tuple[float, ...]  # what they give for this photo
    blanks: tuple[str, ...]  # for each target why there is nothing to draw; "" if there is something
    readings: tuple[str, ...] = field(default=(), kw_only=True)  # the values in a caption's words
    without_place: int | None = field(default=None, kw_only=True)  # of tokens: how many before the patches'; None: maps
    scaling: Scaling = field(default="one", kw_only=True)  # whether all maps are drawn on one scale, or each on its own

    @property
    def drawn(self) -> Array:
        """Return (T, h', w'): `signed`, all zero where there is a reason not to draw it."""
        return np.stack([drawable(signed, why) for signed, why in zip(self.signed, self.blanks, strict=True)])

    @property
    def maps(self) -> Array:
        """Return (T, h', w'), nonnegative: what speaks for the targets, at the node's resolution."""
        return np.maximum(self.drawn, 0)

    def map(self, index: int = 0) -> Array:
        """Return (h, w), nonnegative: one target's map, enlarged to the pixels."""
        return self.spread(self.maps[index])

    def spread(self, coarse: Array) -> Array:
        """Return a map of the layer's places at the pixels (h, w), of a series (T',) in the series' own shape."""
        if self.of_numbers is None:
            return enlarged(coarse, self.picture.shape[:2])
        return self.of_numbers.over_steps(enlarged(coarse, (self.picture.shape[self.of_numbers.steps],)))

    @property
    def places(self) -> str:
        """Say how many places the layer has: "7 x 7", of a series "12"."""
        return " x ".join(map(str, self.signed.shape[1:]))

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the targets' maps over the steps of a series."""
        return [
            NumberMap(title, self.map(i), False, why)
            for i, (title, why) in enumerate(zip(self.number_titles(self.quantity), self.blanks, strict=True))
        ]

    def number_titles(self, words: str) -> list[str]:
        """Return the title of each target's map; where there is one target the heading names it."""
        return [words] if len(self.heads) == 1 else [f"{head}: {words}" for head in self.heads]

    @property
    def heat(self) -> Array:
        """Return (h, w), nonnegative: the first target's map."""
        return self.map()

    @property
    def scale(self) -> float:
        """Return the largest value of all maps; 1 if all are blank."""
        return float(self.maps.max()) or 1.0

    @property
    def scales(self) -> tuple[float, ...]:
        """Return for each map the value at full scale: the largest of all maps, or its own; 1 for a blank map."""
        if self.scaling == "one":
            return (self.scale,) * len(self.labels)
        return tuple(float(values.max()) or 1.0 for values in self.maps)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.given_notes + self.blank_notes + self.faint_notes

    @property
    def blank_notes(self) -> tuple[str, ...]:
        """Return why a map is blank."""
        reasons = zip(self.labels, self.blanks, strict=True)
        return tuple(f"The map of {label} is blank because {why}." for label, why in reasons if why)

    @property
    def faint_notes(self) -> tuple[str, ...]:
        """Return which map can hardly be seen beside the strongest."""
        rows = zip(self.labels, self.maps, self.scales, strict=True)
        tops = [(label, float(values.max()), scale) for label, values, scale in rows]
        return tuple(
            f"The map of {label} is too faint to see beside the strongest: its largest value is {top:.3g}, full scale "
            f"{scale:.3g}. With scale each it has a scale of its own."
            for label, top, scale in tops
            if 0 < top < FAINT * scale
        )

    @property
    def facts(self) -> tuple[str, ...]:
        return (*self.labels, self.layer, self.places)

    @property
    def explains(self) -> str:
        """Begin a caption: what is explained, and its value."""
        return f"Explains {'; '.join(self.heads)}."

    @property
    def heads(self) -> tuple[str, ...]:
        """Return each target and what the net says of it: 'class "dog" (0), score -4, probability 0.018'."""
        readings = self.readings or tuple(f"value {value:.4g}" for value in self.values)
        return tuple(f"{label}, {reading}" for label, reading in zip(self.labels, readings, strict=True))

    @property
    def legend(self) -> str:
        """End a caption: the resolution, and the one scale, or each map's own."""
        if self.of_numbers is not None:
            return (
                f"The {self.places} steps of {self.layer} are stretched to the series; colours behind the curves go "
                f"from 0 to the largest value, {max(self.scales):.3g}."
            )
        scaling = {"one": "one scale for all maps, ", "each": "each map has its own, "}[self.scaling]
        tops = ", ".join(f"{scale:.3g}" for scale in dict.fromkeys(self.scales))
        tokens = f" ({self._tokens})" if self.without_place is not None else ""
        return (
            f"The {self.places} places of {self.layer}{tokens} are enlarged bilinearly to the photo, each at the "
            f"centre of its patch. Colour scale: {scaling if len(self.labels) > 1 else ''}0 (dark, over the photo "
            f"transparent) to {tops} (bright), the largest value."
        )

    @property
    def _tokens(self) -> str:
        high, wide = self.signed.shape[1:]
        before = f"; of the {self.without_place} before them nothing is shown" if self.without_place else ""
        return f"its tokens of {high * wide} patches in rows{before}"


def without_place(net: Net, tape: Tape, layer: str) -> int | None:
    """Return how many tokens of a sequence come before those of the patches; None for a node with maps."""
    grid = grid_of(net, tape, layer)
    return None if grid is None else grid.first


def enlarged(coarse: Array, size: Sequence[int]) -> Array:
    """Return a map (h', w') as (h, w), bilinear with align_corners=False; smaller maps are only thinned out."""
    return resize(coarse, size)


class InWords(NamedTuple):
    """Say what is explained, for a reader; one entry an objective."""

    labels: tuple[str, ...]
    values: tuple[float, ...]
    readings: tuple[str, ...]


def in_words(model: Model, tape: Tape, units: Sequence[Objective]) -> InWords:
    """Return what objectives are called, and what they are on a tape of one image."""
    values = tuple(value_of(unit, tape) for unit in units)
    return InWords(tuple(unit.label for unit in units), values, tuple(reading_of(model, tape, unit) for unit in units))


def need_scaling(scale: object) -> Scaling:
    """Return a setting scale= as it must be; SettingError if it is not."""
    for choice in get_args(Scaling):
        if scale == choice:
            return choice  # type: ignore[no-any-return]  # get_args forgets that it is one of the literals
    raise SettingError(f"There is no scale {scale!r}; {near(scale, get_args(Scaling), 'scale')}.")


def before(net: Net, name: str) -> list[str]:
    """Return the nodes (and inputs) that `name` depends on, in the order of the net, without itself."""
    wanted = ancestors(net.nodes, name)
    return [other for other in net.names if other in wanted and other != name]


def lowest(net: Net, objectives: Sequence[Objective]) -> str:
    """Return the first in the order of the net of the nodes that objectives read."""
    nodes = {node for objective in objectives for node in objective.nodes}
    return next(name for name in net.names if name in nodes)


def chosen_layer(model: Model, tape: Tape, node: str, layer: str | None) -> str:
    """Return the node whose maps are meant: `layer`, or by default the last before `node` with maps of features.

    Of a vision transformer it is the sequence whose patches are read last. Otherwise it is the model's `last_conv` if
    `node` comes after it on the way to the net's answer; else the last node that every path to `node` runs through and
    that has maps. Of a unit behind a gate it is the last before the sum that is gated, whose maps are the unit's own;
    of another head that ends in maps the last features that it is made of.

    Raises SettingError if `layer` has no maps or does not lead to `node`, NetError if unknown.
    """
    if _looks_at_a_row(model):
        raise SettingError(
            f"{model.name} looks at a row, whose columns have no places to show; saliency and occlusion need none."
        )
    names = before(model.net, node)
    if layer is None:
        of_head = is_head(model, node)
        if tokens := last_tokens(model.net, tape, node):
            return tokens
        if model.last_conv in names and is_map(model.net, tape, model.last_conv) and not of_head:
            return model.last_conv
        shapes = {name: value.shape for name, value in tape.values.items()}
        features = last_features(model.net.nodes, model.net.inputs, node, shapes) if of_head else None
        name = features or last_common_maps(model.net.nodes, model.net.inputs, _behind_gates(model.net, node), shapes)
        if name is None:
            raise SettingError(
                f"{node!r} reads no maps (C, H, W), so there are no places to show; saliency and occlusion need none."
            )
        return name
    if layer not in model.net.inputs:
        model.net[layer]  # NetError with near names
    if layer not in names:
        shown = [name for name in names if is_map(model.net, tape, name)][-6:]
        raise SettingError(f"layer {layer!r} does not lead to {node!r}; these do: {', '.join(shown)}.")
    if not is_map(model.net, tape, layer):
        raise SettingError(
            f"layer {layer!r} gives an array of shape {tape[layer].shape[1:]}, no maps (C, H, W); name one before it."
        )
    return layer


def is_head(model: Model, node: str) -> bool:
    """Return whether a node lies on no way to the net's answer, nor behind it: another head."""
    answer = model.logits or model.maps
    return bool(answer) and node not in {*before(model.net, answer), answer} and answer not in before(model.net, node)


def is_map(net: Net, tape: Tape, name: str) -> bool:
    """Return whether a node gives maps (C, H, W), tokens of patches, or over a series (D, T) maps (C, T)."""
    if tape[name].ndim == 4 or grid_of(net, tape, name) is not None:
        return True
    of_series = all(tape[each].ndim == 3 for each in net.inputs if each in tape.values)
    return tape[name].ndim == 3 and of_series and channel_axis(net.nodes, name) == 1


def _behind_gates(net: Net, name: str) -> str:
    """Return the node whose values the gates, scales and dropouts that end in `name` were applied to."""
    while name in net and net[name].layer.pixelwise and len(net[name].inputs) == 1:
        name = net[name].inputs[0]
    return name


def _looks_at_a_row(model: Model) -> bool:
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    return isinstance(reader, Numbers) and len(reader.shape) == 1


def has_maps(model: Model) -> str | None:
    """Return None for a net with maps of features in it, else why there is nothing to show."""
    if _looks_at_a_row(model):
        why = "it looks at a row, whose columns have no places"
    elif any(node.layer.has_filters or isinstance(node.layer, Conv1d) for node in model.net.nodes):
        return None
    else:
        why = "this net has no convolution"
    return f"{why}, so there are no maps to show; take saliency, integrated-gradients or occlusion"


def plot_coarse(result: LayerMaps, figure: Figure) -> None:
    """Draw the photo, and each map over it; a single map is shown alone too, in its own places."""
    draw_coarse(result, figure)


def draw_coarse(result: LayerMaps, figure: Figure) -> list[Axes]:
    """Do the same, and return the axes of each map over the photo, for what else is drawn there."""
    count, tall = len(result.labels), proportions_of(result)
    if count == 1:
        high, wide = result.signed.shape[1:]
        titles = (result.heads[0], f"the {high} x {wide} places of {result.layer}", "enlarged, over the photo")
        sheet = panels(figure, [titles], tall, bars=() if result.blanks[0] else (2,))
        photo, places, over = sheet.axes[0]
        draw_photo(photo, result)
        if result.blanks[0]:
            show_blank(places, (high, wide), result.blanks[0], pixel_aspect=aspect_of(result))
            show_blank(over, result.picture.shape[:2], result.blanks[0], pixel_aspect=result.pixel_aspect)
            return [over]
        colours: dict[str, Any] = {"cmap": "inferno", "vmin": 0, "vmax": result.scale}
        show_image(places, result.maps[0], pixel_aspect=aspect_of(result), **colours)
        over_grey(over, result, result.map(), result.scale, sheet)
        return [over]
    columns = 2 if count == 3 else min(3, count + 1)
    rows = -(-(count + 1) // columns)
    each = result.scaling == "each"
    words = "each map has a scale of its own" if each else "one scale for all maps"
    sheet = panels(
        figure,
        in_rows(["the photo", *result.heads], columns),
        tall,
        heading=f"{result.quantity}: {words}",
        bars=range(columns) if each else (columns - 1,),
        side=SIDE if rows == 1 else 2.7,
    )
    axes = sheet.axes.flat
    draw_photo(axes[0], result)
    for index in range(count):
        barred = each or index + 1 == columns - 1  # one scale: a bar at the end of the first row
        over_photo(axes[index + 1], result, index, sheet if barred else None)
    return list(axes[1 : count + 1])


def aspect_of(result: LayerMaps) -> float:
    """Return a place's height over its width, so that the map has the photo's proportions."""
    high, wide = result.picture.shape[:2]
    rows, columns = result.signed.shape[1:]
    return result.pixel_aspect * float((high / rows) / (wide / columns))


def over_photo(axes: Axes, result: LayerMaps, index: int, sheet: Sheet | None = None) -> None:
    """Draw one map over the photo in grey, on its scale; sheet: the figure's, if a colour bar is wanted."""
    if result.blanks[index]:
        show_blank(axes, result.picture.shape[:2], result.blanks[index], pixel_aspect=result.pixel_aspect)
        return
    over_grey(axes, result, result.map(index), result.scales[index], sheet)


def over_grey(axes: Axes, result: LayerMaps, heat: Array, scale: float, sheet: Sheet | None = None) -> None:
    """Draw a nonnegative map (h, w) over the photo in grey, which shows through where the map is small."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    draw_photo(axes, result, grey=DARK)
    strength = 0.8 * np.sqrt(np.clip(heat / scale, 0, 1))
    colours: dict[str, Any] = {"cmap": "inferno", "vmin": 0, "vmax": scale}
    show_image(axes, heat, pixel_aspect=result.pixel_aspect, **colours, alpha=strength)
    if sheet is not None:  # the colours at full strength
        sheet.bar(ScalarMappable(Normalize(0, scale), "inferno"), axes, result.quantity)
