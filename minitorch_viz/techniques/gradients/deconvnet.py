"""The deconvnet: what in the photo made a unit fire, projected down to the pixels, for one photo or for several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    NUMBER_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    panels,
    picture_size,
    proportions,
    robust_max,
    show_blank,
    show_photo,
    show_signed,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape, ancestors, channel_axis
from minitorch_viz.layers.kind import Kind
from minitorch_viz.objectives import ChannelSum, Objective, Unit
from minitorch_viz.rules.relu import relu_mode, relus
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.blank import drawable, why_blank
from minitorch_viz.techniques.explain.gates import gates_note, has_relus
from minitorch_viz.techniques.explain.layer_maps import is_head
from minitorch_viz.techniques.explain.maps import COLOUR_SIGN, GREY_SIGN, one_map, sentence
from minitorch_viz.techniques.explain.receptive import Field, receptive_field
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which, need_sum
from minitorch_viz.techniques.explain.view import several
from minitorch_viz.techniques.options import Images, spelled_out
from minitorch_viz.techniques.subject import PHOTOS, need_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_PHOTOS = 36  # photos on one figure


@dataclass(frozen=True, eq=False)
class Projections(Result):
    """Hold one activation of each photo, projected down to its pixels; every tuple has one entry a photo."""

    signals: tuple[Array, ...]  # (C, h, w) each: the projection
    pictures: tuple[Array, ...]  # (h, w, 3) uint8 each: what the net saw
    pixel_aspects: tuple[float, ...]
    fields: tuple[Field, ...]  # the receptive field: (top, left, bottom, right) in pixels
    labels: tuple[str, ...]  # what was projected, in words
    values: tuple[float, ...]  # the activation
    blanks: tuple[str, ...]  # why there is nothing to draw; "" if there is something
    readings: tuple[str, ...] = ()  # the activations in a caption's words
    photos: tuple[Array, ...] = ()  # (H, W, 3) uint8 each: the photos' own pixels; none: `pictures`
    switches: bool = True  # whether a pooling on the way says where its maxima were
    remark: str = ""  # what the deconvnet is where not all gates on the way are ReLUs

    @property
    def facts(self) -> tuple[str, ...]:
        count = len(self.signals)
        return (_common(self.labels), f"{count} photo{'s' if count > 1 else ''}")

    @property
    def heat(self) -> Array | None:
        """Return (h, w), nonnegative, max_c |signal|, if there is one photo."""
        if len(self.signals) > 1:
            return None
        return drawable(one_map(self.signals[0], "gradient"), self.blanks[0])

    def seen(self, number: int) -> tuple[slice, slice]:
        """Return the receptive field of a photo's unit, as rows and columns."""
        top, left, bottom, right = self.fields[number]
        return slice(top, bottom), slice(left, right)

    def scale(self, number: int) -> float:
        """Return the value at full scale of a photo's projection."""
        return robust_max(drawable(self.signals[number], self.blanks[number])[:, *self.seen(number)])

    @property
    def caption(self) -> str:
        grey = len(self.signals[0]) == 1
        activation = f"{self.labels[0]}, {self.readings[0] if self.readings else f'value {self.values[0]:.4g}'}"
        if len(self.signals) > 1:
            values = ", ".join(f"{value:.3g}" for value in self.values)
            activation = f"{_common(self.labels)} of {len(self.signals)} photos, values {values}"
        scales = ", ".join(f"{self.scale(number):.3g}" for number in range(len(self.signals)))
        way = "through the pooling switches and the deconvnet's ReLUs"
        if not self.switches:
            way = (
                "through the deconvnet's ReLUs alone, since no pooling on the way says where in the photo its maxima "
                "were: the projection is the same for every photo, up to its strength"
            )
        return (
            f"Keeps one activation, {activation}, and sets the rest to 0: the signal goes down {way}, beside what the "
            f"unit can see of the photo. "
            f"{sentence(GREY_SIGN if grey else COLOUR_SIGN)}. Each projection has a scale of its own, full scale "
            f"(99.5th percentile inside the receptive field) at {scales}."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        many = len(self.blanks) > 1
        blank = tuple(
            f"The map {f'of photo {number} ' if many else ''}is blank because {why}."
            for number, why in enumerate(self.blanks, 1)
            if why
        )
        return blank + ((self.remark,) if self.remark else ())


@spelled_out
def deconvnet(model: Model, image: Images, **choice: Unpack[Which]) -> Projections:
    """Project one activation down to the pixels: what in the photo made a unit fire.

    All other activations of the layer are set to 0. The signal then goes down through transposed filters, to where
    each pooling found its maximum (its switches), and through ReLUs that let positive signals pass. For several photos
    the projections of one channel stand beside the parts of the photos that the unit sees: what they have in common
    is what it looks for.

    Args:
        target: project a class score, by number or name; one photo alone: by default the most probable class
        node: project a unit of this node; several photos: by default the ReLU in the middle of the net
        channel: the unit's channel; by default the strongest, of several photos by its mean over them
        position: the unit's row and column; by default where the channel is strongest in each photo

    The seed is the activation itself, as in the paper (a unit that did not fire gives nothing), and 1 for a class.

    Returns Projections with signals (C, h, w) and receptive fields, one a photo.
    Raises SettingError for an unknown class or channel, NetError for an unknown node, ImageFileError for a bad image.

    Paper: Zeiler, Fergus 2013.
    """
    need_picture(model, "deconvnet")
    images = several(image, MOST_PHOTOS)
    if len(images) > 1 and choice.get("target") is None:
        choice["node"] = node = choice.get("node") or _middle(model)
        if choice.get("channel") is None:
            choice["channel"] = _strongest(model, images, node)
    rules = relu_mode("deconvnet")
    signals, blanks, fields, starts = [], [], [], []
    for photo in images:
        _, tape, unit, *_ = begun = start_any(model, photo, **choice)
        need_sum(unit)
        seeds = {name: _activation(model, name, seed, tape[name]) for name, seed in unit.seeds(tape).items()}
        signals.append(kernels.to_cpu(model.net.backward(tape, seeds, rules=rules)[model.net.inputs[0]])[0])
        blanks.append(_silent(model, seeds) or why_blank(model, tape, unit, signals[-1], rules))
        fields.append(_field(model, tape, unit))
        starts.append(begun)
    return Projections(
        tuple(signals),
        tuple(begun.seen.picture for begun in starts),
        tuple(begun.seen.pixel_aspect for begun in starts),
        tuple(fields),
        tuple(begun.unit.label for begun in starts),
        tuple(begun.value for begun in starts),
        tuple(blanks),
        tuple(begun.reading for begun in starts),
        tuple(begun.seen.area for begun in starts),
        _steered(model, starts[0].unit.nodes[0]),
        gates_note(model.net, starts[0].tape, ("deconvnet",)),
    )


def _steered(model: Model, node: str) -> bool:
    """Return whether a layer on the way down lets anything of the photo steer the signal, besides ReLUs."""
    blind, gates = (Kind.WEIGHS, Kind.SUMS), set(relus(model.net))
    return any(
        not (layer.kind in blind or name in gates or layer.passes_on)
        for name in ancestors(model.net.nodes, node)
        if name in model.net and (layer := model.net[name].layer)
    )


def _activation(model: Model, node: str, seed: Array, output: Array) -> Array:
    """Return what is projected: of a unit inside the net what fired, of the net's answer as much as it counts."""
    is_answer = node in (model.logits, model.maps) or (node in model.net.outputs and is_head(model, node))
    return seed if is_answer else seed * np.maximum(output, 0)


def _field(model: Model, tape: Tape, unit: Objective) -> Field:
    """Return the pixels that the units which count can see; of several nodes the whole picture."""
    (node, *others), place = unit.nodes, None
    maps = tape[node].ndim == 4 and channel_axis(model.net.nodes, node) == 1
    if isinstance(unit, Unit) and maps:
        place = Field(unit.index[1], unit.index[2], unit.index[1] + 1, unit.index[2] + 1)
    elif isinstance(unit, ChannelSum) and maps and unit.where is not None:
        rows, columns = (np.flatnonzero(unit.where.any(axis=axis)) for axis in (1, 0))
        place = Field(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    return receptive_field(model.net, tape, node, None if others else place)


def _silent(model: Model, seeds: Mapping[str, Array]) -> str:
    """Return why there is nothing to project; "" if there is, or if it is a ReLU that did not fire."""
    fires = any(seed.any() or node in relus(model.net) for node, seed in seeds.items())
    return "" if fires else "the unit's value is not above 0, so that there is no activation to project"


def _middle(model: Model) -> str:
    """Return the ReLU with maps in the middle of the net."""
    names = relus(model.net)
    if not names:
        raise SettingError(f"{model.name} has no ReLU to choose a unit from; name a node with node=.")
    return names[(len(names) - 1) // 2]


def _strongest(model: Model, images: Sequence[Any], node: str) -> int:
    """Return the channel of the largest peak, on average over the photos."""
    peaks = []
    for image in images:
        maps = kernels.to_cpu(model.net.predict(model.preprocess(image), upto=node))[0]
        peaks.append(maps.reshape(len(maps), -1).max(axis=1))
    return int(np.argmax(np.mean(peaks, axis=0)))


def _common(labels: Sequence[str]) -> str:
    """Return what labels begin with: 'relu3 channel 5' of several places."""
    return labels[0].split(" at row")[0] if len(set(labels)) > 1 else labels[0]


def plot(result: Projections, figure: Figure) -> None:
    """Draw one photo with its receptive field, the whole projection and the part seen; of several photos two grids."""
    if len(result.signals) == 1:
        _plot_one(result, figure)
    else:
        _plot_several(result, figure)


def _plot_several(result: Projections, figure: Figure) -> None:
    """Draw all projections in a square, and at its right what the unit sees of each photo."""
    count = len(result.signals)
    columns = math.ceil(math.sqrt(count))
    apart = 3 * GAP  # between the two squares
    room = (WIDTH - 2 * GAP - apart - 2 * (columns - 1) * GAP) / (2 * columns)
    shapes = [proportions(result.pictures[i][result.seen(i)], result.pixel_aspects[i]) for i in range(count)]
    wide, high = picture_size(float(np.median(shapes)), 2.6, room)
    half = columns * (wide + GAP) - GAP
    heads = [wrapped(text, half) for text in ("what is projected down, at its value", "what the unit sees of each")]
    heading = wrapped(f"{_common(result.labels)} of {count} photos", 2 * half, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + GAP + max(text_height(head) for head in heads) + PAD
    step = high + text_height("5", NUMBER_SIZE) + PAD + GAP
    width, height = 2 * (half + GAP) + apart, top + -(-count // columns) * step
    start_sheet(figure, width, height, heading)
    centred: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": TITLE_SIZE}
    for head, left, projection in zip(heads, (GAP, GAP + half + apart), (True, False), strict=True):
        figure.text((left + half / 2) / width, 1 - (top - PAD) / height, head, **centred)
        for number in range(count):
            down, across = divmod(number, columns)
            place = (left + across * (wide + GAP), top + (down + 1) * step - high - GAP, wide, high)
            axes = axes_at(figure, *place)
            axes.set_anchor("N")
            _draw(result, number, axes, projection)
            if projection:
                axes.set_title(f"{result.values[number]:.3g}", fontsize=NUMBER_SIZE, pad=72 * PAD / 2)


def _draw(result: Projections, number: int, axes: Axes, projection: bool) -> None:
    """Draw the receptive field of one photo: its projection, or its pixels."""
    rows, columns = result.seen(number)
    aspect, why, picture = result.pixel_aspects[number], result.blanks[number], result.pictures[number]
    if not projection:
        photo = (result.photos or result.pictures)[number]
        show_photo(axes, photo, picture.shape[:2], pixel_aspect=aspect, part=result.fields[number])
    elif why:
        show_blank(axes, picture[rows, columns].shape[:2], why, pixel_aspect=aspect)
    else:
        show_signed(axes, result.signals[number][:, rows, columns], pixel_aspect=aspect, scale=result.scale(number))


def _plot_one(result: Projections, figure: Figure) -> None:
    from matplotlib.patches import Rectangle

    top, left, bottom, right = result.fields[0]
    picture, aspect, why = result.pictures[0], result.pixel_aspects[0], result.blanks[0]
    everything = (bottom - top, right - left) == picture.shape[:2]
    sign = "grey is 0" if len(result.signals[0]) == 3 else "red +, blue -"
    titles = [result.labels[0], "the projection" if why else f"the projection: {sign}, full at ±{result.scale(0):.2g}"]
    if not everything:
        titles += [f"in the receptive field, {bottom - top} x {right - left} pixels", "what the unit sees"]
    sheet = panels(figure, [titles], proportions(picture, aspect), side=3.0 if everything else 2.7)
    photo, whole, *parts = sheet.axes[0]
    show_photo(photo, (result.photos or result.pictures)[0], picture.shape[:2], pixel_aspect=aspect)
    if why:
        show_blank(whole, picture.shape[:2], why, pixel_aspect=aspect)
    else:
        show_signed(whole, result.signals[0], pixel_aspect=aspect, scale=result.scale(0))
    if everything:
        return
    for panel in (photo, whole):
        corner = (left - 0.5, top - 0.5)
        panel.add_patch(
            Rectangle(corner, right - left, bottom - top, facecolor="none", edgecolor="#e69f00", lw=2, clip_on=False)
        )
    _draw(result, 0, parts[0], projection=True)
    _draw(result, 0, parts[1], projection=False)


def example() -> Projections:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return deconvnet(load_model("digits"), sample_digit(), node="relu2")


TECHNIQUE = Technique(
    name="deconvnet",
    compute=deconvnet,
    plot=plot,
    title="Deconvnet: what in the photo made a unit fire",
    paper="Zeiler, Fergus 2013",
    example=example,
    chapter="pixels",
    level=40,
    applies=has_relus,
    subject=PHOTOS,
    explains=True,
    in_report=lambda model: [{"node": _middle(model)}],
)
