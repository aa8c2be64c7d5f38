"""Nets whose scores are made of the means of maps, and of nothing else: there a score is a sum over places.

A score is then z = sum_k w_k mean(A_k) + b = mean over the places of sum_k w_k A_k, + b: the map in that mean is the
class activation map of Zhou et al. 2016, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import Kind, Layer
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.techniques.explain.nothing import blank_input

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Averaged(NamedTuple):
    """Name where the maps of a net are averaged on the way to its scores."""

    maps: str  # the node (N, C, h, w), or over a series (N, C, T), that is averaged
    pool: str  # the node that takes the mean
    weighted: bool  # whether weights come after it; without, each map is a class's own


def averaged_maps(model: Model, answer: str, label: str) -> Averaged:
    """Return where the maps are averaged that a node is made of; SettingError with what to do where none are."""
    averaged = find_averaged(model, answer)
    if isinstance(averaged, str):
        raise SettingError(f"{label} is no sum over places: {averaged}; {cure(model, answer)}.")
    return averaged


def find_averaged(model: Model, answer: str | None = None) -> Averaged | str:
    """Return where a net's maps are averaged, or a clause on why its scores are no sum over places.

    answer: the node with the scores, by default the net's own.

    Between the mean and the scores may stand weights, and what passes values on (Flatten, Dropout): nothing that bends
    them. A gate before the mean, such as SqueezeNet's, belongs to the maps.
    """
    net, name = model.net, answer or model.logits
    if not name:
        return "it gives no class scores"
    weighted = False
    while name in net:
        node = net[name]
        if len(node.inputs) != 1:
            return f"the scores are joined of several nodes at {name}, and not of one that averages maps"
        source, layer = node.inputs[0], node.layer
        if _averages(model, layer, source):
            return Averaged(source, name, weighted)
        if layer.kind is Kind.WEIGHS and (not layer.has_filters or layer.params["weight"].shape[2:] == (1, 1)):
            weighted = True
        elif not layer.passes_on:
            return f"{name} ({layer.type_name}) stands where the mean of each map would have to be"
        name = source
    return "no maps are averaged before the scores"


def _averages(model: Model, layer: Layer, source: str) -> bool:
    """Return whether a layer leaves one number a channel, the mean of its map."""
    if layer.kind is not Kind.SUMS:
        return False
    if layer.window is None:
        return any(_leaves_one(layer, shape) for shape in ((1, 1, 5, 7), (1, 1, 5)))
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if source not in model.net or not isinstance(reader, Preprocessing):
        return False
    return _leaves_one(layer, (1, 1, *model.net.predict(blank_input(model), upto=source).shape[2:]))


def _leaves_one(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Return whether a layer turns maps of a shape into the mean of each: one number, every place counted alike."""
    try:
        y, saved = layer.forward(np.zeros(shape, np.float32))
    except ShapeError:
        return False
    if y.size != 1:
        return False
    shares = kernels.to_cpu(layer.backward(np.ones_like(y), saved))
    return bool(np.allclose(shares, 1 / shares.size, rtol=1e-4))


def cure(model: Model, answer: str) -> str:
    """Say what gives such a net: another head; of a node inside it, or where there are no maps, another technique."""
    if not model.last_conv:
        return "saliency and occlusion need no maps"
    if answer != model.logits:
        return "grad-cam explains any unit"
    return (
        f"minitorch-viz train FOLDER --from {model.name} --head gap makes a net of it that averages its last maps, and "
        "grad-cam needs none"
    )
