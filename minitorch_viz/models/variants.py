"""A known net changed at one place: what a file's arrays show of it, and what is assumed where they show nothing.

One mechanism for every net: the net as published is built without numbers, its parameters are compared with the file's
arrays, and each place that differs is made as the file has it:

    stem    the first convolution: other channels of the picture, a bias, small filters for small pictures
    head    all that comes after the pooling: other layers, in the order and with the widths of the file
    biases  of convolutions and linear layers, and scale and shift of normalizations: there or not

What a file cannot show (strides, activations) is assumed and said in a note, or refused in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.mapping import is_average, likely_prefix
from minitorch_viz.io.unneeded_arrays import bookkeeping
from minitorch_viz.layers import BatchNorm2d, Conv2d, Layer, Linear
from minitorch_viz.models.head_in_file import Head, is_under, with_head
from minitorch_viz.models.modules_in_file import Shape, Shapes
from minitorch_viz.models.readers import Bands, Preprocessing, Reader
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.models.stem_in_file import with_stem
from minitorch_viz.net import Net


class Variant(NamedTuple):
    """Hold the net that a file's arrays are of, without their numbers."""

    net: Net
    logits: str  # the node with the scores; "" if the net is no classifier
    classes: int
    channels: int  # of its pictures
    side: int | None  # of the pictures, where the file shows another size than the net's own
    notes: tuple[str, ...]  # what was found, and what was assumed


def as_the_file_shows(spec: ModelSpec, arrays: Mapping[str, Array], prefix: str | None) -> Variant:
    """Return the net of a spec as a file's arrays show it, all zeros.

    arrays: by the file's names, adapted to the net's. prefix: what those have in front; None finds it.
    Raises WeightsFileError where the file shows a change, but not all that it takes to build it.
    """
    side = spec.sized(arrays) if spec.sized is not None else None
    settings = {} if side is None else {"side": side}
    net = spec.build(seed=None, **settings)
    start = likely_prefix(arrays, net.state) if prefix is None else prefix
    shapes = _shapes_of_layers(arrays, start, net)
    net = net.with_layers({node.name: _as_shown(node.name, node.layer, shapes) for node in net.nodes})
    if spec.head and not _rest_fits(net, spec, shapes):  # another net altogether: what is wrong is said of this one
        shapes = {name: shape for name, shape in shapes.items() if name.startswith(f"{spec.head}.")}
    stem = with_stem(net, spec, shapes, side)
    head = with_head(stem.net, spec, shapes) if spec.head else Head(stem.net, spec.logits, 0, ())
    return Variant(head.net, head.logits, head.classes, stem.channels, stem.side, (*stem.notes, *head.notes))


def _shapes_of_layers(arrays: Mapping[str, Array], start: str, net: Net) -> dict[str, Shape]:
    """Return the shapes of a file's arrays by their names without what these have in front.

    What no layer needs ("fc.weight_ema", "fc.total_ops") would make a layer of no known kind, and is left out.
    """
    names = {name: name.removeprefix(start) for name in arrays if name.startswith(start)}
    return {
        inner: tuple(arrays[name].shape)
        for name, inner in names.items()
        if inner in net.state or not (is_average(inner) or bookkeeping(name, inner, arrays[name]))
    }


def with_head_beside(spec: ModelSpec, arrays: dict[str, Array]) -> dict[str, Array]:
    """Return a file's arrays with the head under the net's prefix, where it stands beside it.

    A module that holds a net as "encoder" and its own layer as "head" has "encoder.conv1.weight" and "head.weight", of
    which the latter becomes "encoder.head.weight". Only layers of vectors are taken for a head, and only where they fit
    what the net gives; else the arrays stay as they are.
    """
    if not spec.head:
        return arrays
    published = spec.build(seed=None)
    start, root = likely_prefix(arrays, published.state), spec.head.split(".")[0]
    beside = [name for name in arrays if not name.startswith(start)]
    if not start or not beside or any(is_under(name, f"{start}{root}") for name in arrays):
        return arrays
    if any(len(arrays[name].shape) > 2 for name in beside):  # another net's convolutions: a decoder
        return arrays
    under = {name if name.startswith(start) else f"{start}{name}": array for name, array in arrays.items()}
    try:
        return under if as_the_file_shows(spec, under, start).logits not in published else arrays
    except MinitorchVizError:  # what does not fit is said of the file as it is
        return arrays


def reader_for(reader: Reader, variant: Variant, notes: list[str]) -> Reader:
    """Return how the pictures of a variant are read, from how those of the published net are; `notes` say what changed.

    A grey picture gets the mean of the three channels' settings; other numbers of channels come from 0 to 1.
    """
    if not isinstance(reader, Preprocessing):
        return reader
    size = (variant.side, variant.side) if variant.side else reader.size
    channels = variant.channels or reader.channels
    if channels == reader.channels:
        return reader if size == reader.size else replace(reader, size=size)
    if channels in (1, 3):
        mean, std = (tuple([sum(values) / len(values)] * channels) for values in (reader.mean, reader.std))
        changed = Preprocessing(size, channels, mean, std, reader.resize)
    else:
        changed = Bands(size, channels, resize=reader.resize)
    notes.append(
        f"Its pictures have {channels} channel{'s' * (channels != 1)}; they are prepared by mean "
        f"{_listed(changed.mean)} and std {_listed(changed.std)}, which mean=, std= or a JSON file beside the weights "
        "say otherwise."
    )
    return changed


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in dict.fromkeys(values))


def _rest_fits(net: Net, spec: ModelSpec, shapes: Shapes) -> bool:
    """Return whether all but the stem and the head is in the file as the net needs it."""
    root = spec.head.split(".")[0]
    return all(
        shapes.get(name) == value.shape
        for name, value in net.state.items()
        if not is_under(name, root) and not is_under(name, spec.first_conv)
    )


def _as_shown(name: str, layer: Layer, shapes: Shapes) -> Layer:
    """Return a layer with those of its optional parameters that the file has."""
    if isinstance(layer, (Conv2d, Linear)) and f"{name}.weight" in shapes:
        return _with(layer, "bias", len(layer.weight), f"{name}.bias" in shapes)
    if isinstance(layer, BatchNorm2d) and f"{name}.running_mean" in shapes:
        features = len(layer.running_mean)
        scaled = _with(layer, "weight", features, f"{name}.weight" in shapes)
        return _with(scaled, "bias", features, f"{name}.bias" in shapes)
    return layer


def _with(layer: Layer, parameter: str, size: int, is_there: bool) -> Layer:
    if (getattr(layer, parameter) is not None) == is_there:
        return layer
    return layer.replace(**{parameter: np.broadcast_to(np.float32(0), (size,)) if is_there else None})
