"""Patches: what a unit sees of a picture, cut out, and beside it which of these pixels its answer came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.drawing import robust_max, show_blank, show_image, signed_colour
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.rules.relu import ReluMode, relu_mode
from minitorch_viz.techniques.explain.receptive import Field, Geometry, geometry
from minitorch_viz.techniques.explain.view import View, view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minitorch_viz.models import Model

Beside = Literal["guided", "deconvnet", "none"]

MARGIN = 0.15  # of the field's sides, left around it at either side
LARGE = 0.7  # of the picture's sides: where field and margin are larger, the whole picture is shown
CORE = 0.9  # of the energy of what came back
GREY = 128  # beyond the picture's border
FRAME, CORE_FRAME = (255, 255, 255), (230, 159, 0)  # white; orange, which is told from it without colours, too


class Patch(NamedTuple):
    """Hold what one unit sees of one picture, in pixels of the net's input."""

    crop: Array  # (h, w, 3) uint8: the field with a margin, or the whole picture where the field is large
    part: Field  # where the crop lies in the picture; beyond the picture's border it is grey
    field: Field  # the unit's receptive field, inside the picture
    value: float  # the unit's answer; NaN if it was not told
    number: int  # of the picture
    title: str  # of the picture
    label: str  # its class; "" if it has none
    position: Pair | int | None  # the unit's place in its map
    pixel_aspect: float
    beside: Array | None = None  # (h, w, 3) uint8: what came back to these pixels; None: nothing was asked for
    scale: float = 1.0  # its value at full colour
    blank: bool = False  # whether nothing came back
    core: Field | None = None  # the smallest box around its middle that holds 90 % of what came back

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Return the field as (top, left, bottom, right) in pixels of the crop."""
        top, left = self.part[:2]
        return self.field.top - top, self.field.left - left, self.field.bottom - top, self.field.right - left

    @property
    def is_whole(self) -> bool:
        """Return whether the unit can see all that is shown, so that a frame says nothing."""
        return self.frame == (0, 0, *self.crop.shape[:2])


class Answer(NamedTuple):
    """Name one answer of a unit in a picture."""

    channel: int
    position: Pair | int | None  # None: of a node without places
    value: float = float("nan")


def patch_of(model: Model, pictures: Pictures, node: str, number: int, position: Pair | int | None) -> Patch:
    """Return what the unit of `node` at `position` sees of picture `number`.

    Raises ImageFileError if the picture cannot be read, NetError for an unknown node.
    """
    (patch,) = patches_of(model, pictures, node, number, [Answer(0, position)])
    return patch


def patches_of(
    model: Model, pictures: Pictures, node: str, number: int, answers: Sequence[Answer], beside: Beside = "none"
) -> list[Patch]:
    """Return the patches of several units of a node in one picture, which is read and looked at once.

    beside: "guided" or "deconvnet": what of the pixels the unit's answer came from. Of an answer below 0 it is what
        lowers it.

    Raises ImageFileError if the picture cannot be read, NetError for an unknown node.
    """
    seen = view(model, pictures[number])
    signals: Sequence[Array | None] = [None] * len(answers)
    if beside != "none":
        tape = model.net.forward(seen.x, upto=node)
        signals = list(signals_of(model, tape, node, answers, beside))
    return patches_in(model, pictures, seen, node, number, answers, signals)


def patches_in(
    model: Model,
    pictures: Pictures,
    seen: View,
    node: str,
    number: int,
    answers: Sequence[Answer],
    signals: Sequence[Array | None],
) -> list[Patch]:
    """Return the patches of answers in a picture that was looked at, with what came back to its pixels, if anything."""
    fields, size = geometry(model, node), seen.picture.shape[:2]
    label = pictures.label(number)
    patches = []
    for answer, signal in zip(answers, signals, strict=True):
        field, part = field_and_part(fields, answer.position, size)
        patch = Patch(
            cut(seen.picture, part, GREY), part, field, answer.value, number, pictures.title(number),
            "" if label is None else pictures.class_names[label], answer.position, seen.pixel_aspect,
        )  # fmt: skip
        if signal is not None:
            inside = signal[:, field.top : field.bottom, field.left : field.right]
            blank = not (np.isfinite(signal).all() and inside.any())
            scale = 1.0 if blank else robust_max(inside)
            drawn = np.full((*size, 3), 235, np.uint8) if blank else signed_picture(signal, scale)
            core = None if blank else core_of(signal)
            patch = patch._replace(beside=cut(drawn, part, GREY), scale=scale, blank=blank, core=core)
        patches.append(patch)
    return patches


def signals_of(model: Model, tape: Tape, node: str, answers: Sequence[Answer], mode: ReluMode) -> Array:
    """Return what came back to the pixels, (K, C, h, w), for K answers on a tape of one image."""
    axis, shape = channel_axis(model.net.nodes, node), tape[node].shape[1:]
    seed = np.zeros((len(answers), *shape), kernels.to_cpu(tape[node]).dtype)
    by_channel = np.moveaxis(seed, axis, 1)  # a view: (K, C, ...)
    for row, (channel, position, value) in enumerate(answers):
        places = () if position is None else tuple(np.atleast_1d(position).tolist())
        by_channel[(row, channel, *places)] = -1 if value < 0 else 1
    seeds = {node: kernels.to_device(seed, model.net.device)}
    signals: Array = kernels.to_cpu(model.net.backward(tape, seeds, rules=relu_mode(mode))[model.input])
    return signals


def core_of(signal: Array, share: float = CORE) -> Field:
    """Return the smallest rectangle around the middle of what came back (C, h, w) that holds a share of its energy.

    The middle is the mean place by energy, and the sides are as far from it as the energy spreads in either direction.
    """
    energy = (signal.astype(np.float64) ** 2).sum(axis=0)
    energy /= energy.sum()
    middle, spread = [], []
    for axis in (1, 0):
        line, places = energy.sum(axis=axis), np.arange(energy.shape[1 - axis])
        middle.append(float(line @ places))
        spread.append(max(float(np.sqrt(line @ (places - middle[-1]) ** 2)), 0.5))
    rows, columns = (
        np.abs(np.arange(side) - centre) / deviation
        for side, centre, deviation in zip(energy.shape, middle, spread, strict=True)
    )
    distance = np.maximum(rows[:, None], columns)  # in standard deviations: a rectangle's border is one distance
    order = np.argsort(distance, axis=None)
    enough = distance.ravel()[order[np.searchsorted(energy.ravel()[order].cumsum(), share)]]
    inside_rows, inside_columns = np.flatnonzero(rows <= enough), np.flatnonzero(columns <= enough)
    return Field(int(inside_rows[0]), int(inside_columns[0]), int(inside_rows[-1]) + 1, int(inside_columns[-1]) + 1)


def field_and_part(fields: Geometry | None, position: Pair | int | None, size: Sequence[int]) -> tuple[Field, Field]:
    """Return a unit's field inside a picture (h, w), and what is shown: that and a margin, or the whole picture."""
    whole = Field(0, 0, *size)
    if fields is None or not isinstance(position, tuple):
        return whole, whole
    box = fields.box(position)
    field = Field(max(box.top, 0), max(box.left, 0), min(box.bottom, size[0]), min(box.right, size[1]))
    down, across = (max(1, round(MARGIN * side)) for side in (box.bottom - box.top, box.right - box.left))
    part = Field(box.top - down, box.left - across, box.bottom + down, box.right + across)
    if part.bottom - part.top > LARGE * size[0] or part.right - part.left > LARGE * size[1]:
        return field, whole
    return field, part


def cut(picture: Array, part: Field, beyond: int) -> Array:
    """Return a part of a picture (h, w, 3); `beyond` is the level of what lies beyond its border."""
    result = np.full((part.bottom - part.top, part.right - part.left, *picture.shape[2:]), beyond, picture.dtype)
    top, left = max(part.top, 0), max(part.left, 0)
    inside = picture[top : part.bottom, left : part.right]
    result[top - part.top : top - part.top + len(inside), left - part.left :][:, : inside.shape[1]] = inside
    return result


def signed_picture(x: Array, scale: float) -> Array:
    """Return a signed (C, h, w) as a picture (h, w, 3) uint8: three colours around mid-grey, else red + and blue -."""
    if len(x) == 3:
        return np.round(255 * signed_colour(x, scale)).astype(np.uint8)
    from matplotlib import colormaps

    total = np.clip(0.5 + x.sum(axis=0) / (2 * scale), 0, 1)
    colours: Array = np.round(255 * np.asarray(colormaps["RdBu_r"](total))[..., :3]).astype(np.uint8)
    return colours


def frames(patch: Patch) -> list[tuple[tuple[int, int, int, int], tuple[int, int, int]]]:
    """Return what is framed, (top, left, bottom, right) in pixels of the crop, and the colour of each.

    The field is white. Where it is so large that the whole picture is shown, the core of what came back is orange.
    """
    core = patch.core
    if core is None or patch.part[:2] != (0, 0) or patch.field == core:
        return [(patch.frame, FRAME)]
    return [(patch.frame, FRAME), ((core.top, core.left, core.bottom, core.right), CORE_FRAME)]


def draw_patch(axes: Axes, patch: Patch) -> None:
    """Draw a patch, the unit's field in white, and in a whole picture the core of what came back in orange."""
    from matplotlib.patches import Rectangle

    show_image(axes, patch.crop, pixel_aspect=patch.pixel_aspect)
    for (top, left, bottom, right), colour in frames(patch):
        for edge, width in ((np.zeros(3), 2.2), (np.array(colour) / 255, 1.2)):  # white is seen on white, too
            box: dict[str, Any] = {"facecolor": "none", "edgecolor": edge, "lw": width}
            axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **box))


def draw_beside(axes: Axes, patch: Patch) -> None:
    """Draw what came back to the pixels of a patch, on its own scale."""
    if patch.beside is None or patch.blank:
        show_blank(axes, patch.crop.shape[:2], "nothing came back", pixel_aspect=patch.pixel_aspect)
    else:
        show_image(axes, patch.beside, pixel_aspect=patch.pixel_aspect)


def framed(patch: Patch, side: int) -> Array:
    """Return a patch as pixels for a page, (h, w, 3) uint8, of `side` pixels in width, the unit's field in white."""
    picture = _sized(patch.crop, patch, side).copy()
    for frame, colour in frames(patch):
        _paint(picture, patch, frame, colour)
    return picture


def _sized(picture: Array, patch: Patch, side: int) -> Array:
    from PIL import Image

    tall = max(1, round(side * patch.pixel_aspect * picture.shape[0] / picture.shape[1]))
    how = Image.Resampling.NEAREST if picture.shape[1] < side else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize((side, tall), how))


def beside_pixels(patch: Patch, side: int) -> Array:
    """Return what came back to a patch as pixels for a page."""
    return _sized(patch.crop if patch.beside is None else patch.beside, patch, side)


def _paint(picture: Array, patch: Patch, frame: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    """Draw a frame of one pixel into a picture, and inside it one in black."""
    high, wide = picture.shape[:2]
    down, across = high / patch.crop.shape[0], wide / patch.crop.shape[1]
    top, left, bottom, right = frame
    rows, columns = (round(top * down), round(bottom * down) - 1), (round(left * across), round(right * across) - 1)
    for inset, level in ((0, colour), (1, (0, 0, 0))):
        first, last = (min(max(row, 0), high - 1) for row in (rows[0] + inset, rows[1] - inset))
        begin, end = (min(max(column, 0), wide - 1) for column in (columns[0] + inset, columns[1] - inset))
        if first >= last or begin >= end:
            break
        picture[[first, last], begin : end + 1] = level
        picture[first : last + 1, [begin, end]] = level
