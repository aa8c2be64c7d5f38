"""What the microscope's page must know of each sort of layer, to take a unit's arithmetic apart again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz.graph import Node, Tape, nearest
from minitorch_viz.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Softmax,
)

Card = dict[str, Any]


def card_of(node: Node, tape: Tape) -> Card:
    """Return what the page must know of one node to take its units apart; kind "Other": only their values are shown."""
    card: Card = {"kind": "Other", "inputs": node.inputs, "words": repr(node.layer)}
    of_layer = nearest(node.layer, CARDS)
    return card if of_layer is None else card | (of_layer(node.layer, tape.saved.get(node.name)) or {})


def _convolution(layer: Conv2d, saved: object) -> Card | None:  # noqa: ARG001 (every card has this signature)
    settings = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
    plain = layer.padding_mode == "zeros" and len(layer.padding) == 2 and layer.groups == 1
    return {"kind": "Conv2d", "weight": layer.weight, "bias": layer.bias, **settings} if plain else None


def _max_pool(layer: MaxPool2d, saved: MaxPool2d.Saved | None) -> Card | None:
    settings = {"kernel": layer.kernel, "stride": layer.stride, "padding": layer.padding}
    plain = saved is not None and layer.dilation == (1, 1)
    return (
        None if saved is None or not plain else {"kind": "MaxPool2d", "won": kernels.to_cpu(saved.won)[0], **settings}
    )


def _batch_norm(layer: BatchNorm2d, saved: object) -> Card:  # noqa: ARG001
    scale = 1 / np.sqrt(layer.running_var + layer.eps)
    scale = scale if layer.weight is None else scale * layer.weight
    shift = (0 if layer.bias is None else layer.bias) - layer.running_mean * scale
    return {"kind": "BatchNorm2d", "weight": scale, "bias": shift}


def _concat(layer: Concat, saved: Concat.Saved | None) -> Card | None:
    return {"kind": "Concat", "ends": saved.ends} if saved is not None and layer.axis == 1 else None


def _average_pool(layer: AvgPool2d, saved: object) -> Card | None:  # noqa: ARG001
    plain = not layer.ceil_mode and not any(layer.padding)
    return {"kind": "AvgPool2d", "kernel": layer.kernel, "stride": layer.stride, "padding": (0, 0)} if plain else None


def _by_name(name: str) -> Callable[[Layer, object], Card]:
    """Return the card of a layer whose arithmetic needs no numbers of its own."""
    return lambda layer, saved: {"kind": name}  # noqa: ARG005


# What the page's own arithmetic knows, by layer type: (layer, what its forward saved or None) -> its part of the card.
CARDS: Mapping[type[Layer], Callable[[Any, Any], Card | None]] = {
    Conv2d: _convolution,
    Linear: lambda layer, _: {"kind": "Linear", "weight": layer.weight, "bias": layer.bias},
    MaxPool2d: _max_pool,
    BatchNorm2d: _batch_norm,
    Concat: _concat,
    AvgPool2d: _average_pool,
    **{cls: _by_name(cls.__name__) for cls in (ReLU, Dropout, Add, Flatten, GlobalAvgPool2d, Softmax)},
}
