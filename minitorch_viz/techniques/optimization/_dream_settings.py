"""What a dream begins with: the picture at its size, the node that is climbed, the octaves; each setting checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.graph import Tape, channel_axis, on_every_path
from minitorch_viz.io.images import resize_image
from minitorch_viz.layers.kind import Kind
from minitorch_viz.models.readers import Bands, Preprocessing
from minitorch_viz.models.readers.preprocessing import LUMA
from minitorch_viz.optimize.octaves import octave_sizes
from minitorch_viz.optimize.score import own_size, takes
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.optimization._dreaming import Recipe, Sought

if TYPE_CHECKING:
    from minitorch_viz.models import Model

GOOGLENETS = "inception_4c/output"  # of the node that became famous
DEPTH = 0.6  # of other nets' nodes the one so far up
LONGER_SIDE = 512  # pixels
TIMES = 8  # what a net takes: so large is the picture of a small one
SMALL = 128  # pixels a side: of nets that take less
STARTS = ("photo", "noise")


def dreams_on(model: Model) -> str | None:
    """Return why a net cannot dream, in words; None if it can."""
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if not isinstance(reader, Preprocessing) or isinstance(reader, Bands):
        return "a dream is a photo, in colours or grey, and the net takes something else"
    return None if _nodes(model) else f"{model.name} has no maps behind a ReLU that could fire more"


def default_node(model: Model) -> str:
    """Return the node that is climbed where none is named."""
    if GOOGLENETS in model.net.names:
        return GOOGLENETS
    nodes = _nodes(model)
    if not nodes:
        raise SettingError(f"deep-dream does not apply to {model.name}: {dreams_on(model)}.")
    return nodes[int(np.ceil(DEPTH * (len(nodes) - 1)))]


def _nodes(model: Model) -> list[str]:
    """Return the nodes that fire, or put together what fires, on every path through the net's maps."""
    ends = set(on_every_path(model.net.nodes, model.net.inputs, model.last_conv or model.net.output))
    goals = [
        node.name
        for node in model.net.nodes
        if node.name in ends and (node.layer.kind is Kind.GATES or len(node.inputs) > 1)
    ]
    tape = blank_tape(model, tuple(goals)) if goals else Tape({}, {})
    return [name for name in goals if _has_maps(model, name, tape[name].shape)]


def _has_maps(model: Model, name: str, shape: tuple[int, ...]) -> bool:
    """Return whether a node gives maps (N, C, h, w) of more than one place."""
    return len(shape) == 4 and shape[2] * shape[3] > 1 and channel_axis(model.net.nodes, name) == 1


def pixels_at(model: Model, image: Any, longer: int) -> Array:
    """Return a photo (h, w, 3) uint8 in its proportions, its longer side as long as asked."""
    reader = model.preprocessing
    tensor = reader.prepared(image)
    pixels = reader.load(image) if tensor is None else reader.restore(tensor)
    height, width = pixels.shape[:2]
    share = longer / max(height, width)
    size = (max(1, round(share * height)), max(1, round(share * width)))
    return pixels if size == (height, width) else resize_image(pixels, size)


def as_x(model: Model, pixels: Array) -> Array:
    """Return pixels (h, w, 3) as the net's picture (1, C, h, w): pixel - mean, in steps of 0..255."""
    units = Units.of(model.reader())
    levels = pixels.astype(model.dtype)
    if units.channels == 1:
        levels = np.clip(levels @ np.array(LUMA, model.dtype), 0, 255)[..., None]
    return units.picture(np.ascontiguousarray(levels.transpose(2, 0, 1))[None])


def start_of(model: Model, image: Any, start: str, size: int | None, seed: int) -> Array:
    """Return what is dreamt on, (1, C, H, W), pixel - mean."""
    if start not in STARTS:
        raise SettingError(f"There is no start {start!r}; {near(start, STARTS, 'start')}.")
    need_whole("seed", seed, 0)
    own = max(own_size(model))
    longer = min(LONGER_SIDE, TIMES * own) if size is None else need_whole("size", size, 8, 8192)
    pixels = pixels_at(model, image, longer)
    if start == "photo":
        return as_x(model, pixels)
    # TensorFlow's notebook: a little above 100, of 255, everywhere.
    levels = 100 + np.random.default_rng(seed).random((1, Units.of(model.reader()).channels, *pixels.shape[:2]))
    return Units.of(model.reader()).picture(levels.astype(model.dtype))


def sought_of(
    model: Model, size: Pair, node: str | None, channel: int | None, position: Pair | None, guide: Any
) -> tuple[Sought, Array | None]:
    """Return what is climbed, and the guide's picture (h, w, 3) uint8.

    size: (H, W) of the picture. Raises NetError for an unknown node, SettingError for one without maps, an unknown
    channel, a position outside.
    """
    name = default_node(model) if node is None else node
    model.net[name]  # NetError with near names
    shape = blank_tape(model, name)[name].shape
    if not _has_maps(model, name, shape):
        raise SettingError(
            f"A dream climbs a node with maps, but {name!r} gives {shape[1:]}; near the middle {default_node(model)!r}."
        )
    if channel is not None:
        channel = need_whole(f"channel of {name!r}", channel, 0, shape[1] - 1)
    place = None
    if position is not None:
        if not isinstance(position, (tuple, list)) or len(position) != 2:
            raise SettingError(f"A position is a row and a column of the picture, but got {position!r}.")
        row, column = (
            need_whole(f"position's {axis}", number, 0, side - 1)
            for axis, number, side in zip(("row", "column"), position, size, strict=True)
        )
        place = ((row + 0.5) / size[0], (column + 0.5) / size[1])
    if guide is None:
        return Sought(name, channel, place), None
    if channel is not None or position is not None:
        raise SettingError("A guide says at each place what is climbed: leave out channel= and position=.")
    pixels = pixels_at(model, guide, max(own_size(model)))
    x = kernels.to_device(Units.of(model.reader()).net(as_x(model, pixels)), model.net.device)
    answer = kernels.to_cpu(model.net.predict(x, upto=name))[0]
    return Sought(name, columns=np.ascontiguousarray(answer.reshape(len(answer), -1))), pixels


def recipe_of(model: Model, sought: Sought, final: Pair, settings: Mapping[str, Any]) -> tuple[Recipe, tuple[str, ...]]:
    """Return the settings of the steps, each checked, and a sentence where fewer octaves are possible.

    final: (H, W) of the picture. settings: those of `deep_dream`, by name.
    """
    octaves = need_whole("number of octaves", settings["octaves"], 1, 20)
    scale = _number("scale", settings["scale"], 1.01, 10)
    limits = {"iterations": (1, 10_000), "jitter": (0, 8192), "laplacian": (0, 20), "zoom": (0, 10_000)}
    limits["tile"] = (16, 8192)
    whole = {name: need_whole(name, settings[name], *limits[name]) for name in limits}
    step, blur = _number("step", settings["step"], 0, 255), _number("blur", settings["blur"], 0, 100)
    sizes, remarks = octave_sizes(final, octaves, scale), []
    probe = sought.objective()
    while len(sizes) > 1 and not takes(model, probe, sizes[0]):
        sizes = sizes[1:]
    if len(sizes) < octaves:
        remarks.append(
            f"Only {len(sizes)} of {octaves} octaves: {model.name} takes no pictures as small as the others are."
        )
    if not takes(model, probe, sizes[-1]):
        raise SettingError(
            f"{model.name} does not take a picture of {final[0]} x {final[1]} pixels as far as {sought.node!r}; give "
            f"another size, or a node before its first Linear layer, such as {default_node(model)!r}."
        )
    own = own_size(model)
    if max(own) < SMALL:
        remarks.append(
            f"{model.name} was made for pictures of {own[0]} x {own[1]} pixels: it dreams of edges, textures and "
            "parts, not of whole animals."
        )
    shape = geometry(model, sought.node)
    stride = (1, 1) if shape is None else (max(1, int(np.ceil(shape.stride[0]))), max(1, int(np.ceil(shape.stride[1]))))
    if max(final) > whole["tile"] and sought.place is None:
        remarks.append(
            f"The picture is looked at in tiles of about {whole['tile']} pixels a side; at their seams, which wander, "
            "the gradient is that of two pictures."
        )
    return Recipe(sizes=tuple(sizes), step=step, blur=blur, stride=stride, **whole), tuple(remarks)


def _number(label: str, value: Any, least: float, most: float) -> float:
    valid = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not valid or not least <= value <= most:
        raise SettingError(f"The {label} must be a number from {least:g} to {most:g}, but got {value!r}.")
    return float(value)
