"""Which layers style and content are read from, where nothing else is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import channel_axis
from minitorch_viz.layers import Dropout
from minitorch_viz.layers.kind import Kind
from minitorch_viz.techniques.explain.receptive import geometry

if TYPE_CHECKING:
    from minitorch_viz.models import Model

DEPTH = 5  # of the paper's layers: the first ReLU at each of five resolutions
FALLING = (256.0, 64.0, 16.0, 4.0, 1.0)  # the weights of a net that ends before (Crowson, style_transfer.py, 2021)


class Layers(NamedTuple):
    """Hold nodes, and how much the style of each counts, the deepest being 1."""

    style: dict[str, float]
    content: str
    words: tuple[str, ...]  # what is unlike the paper, in sentences


def places(model: Model) -> dict[str, float]:
    """Return {node: pixels from one unit to the next} of the nodes with maps after a ReLU, or what is in its place."""
    strides: dict[str, float] = {}
    for node in model.net.nodes:
        if node.layer.kind is Kind.GATES and not isinstance(node.layer, Dropout):
            shape = geometry(model, node.name)
            channels_first = channel_axis(model.net.nodes, node.name) == 1  # ConvNeXt's gates have them last
            if shape is None or not shape.size[0] > 1 or not channels_first:
                continue
            strides[node.name] = shape.stride[0]
    return strides


def first_of_each(strides: dict[str, float]) -> list[str]:
    """Return the first node at each resolution, at most five."""
    firsts: dict[float, str] = {}
    for node, stride in strides.items():
        firsts.setdefault(stride, node)
    return list(firsts.values())[:DEPTH]


def layers_of(model: Model, style: str | None, weights: str | None, content: str | None) -> Layers:
    """Return the layers that are asked for, or the paper's as far as the net has them.

    style: nodes with commas between; weights: a number for each, with commas between.
    Raises SettingError for a net without maps of features, numbers that do not fit, and unknown nodes.
    """
    strides = places(model)
    nodes = first_of_each(strides) if style is None else [_known(model, name) for name in style.split(",")]
    if not nodes:
        raise SettingError(f"{model.name} has no maps of features, so that there are no textures to compare.")
    whole = len(nodes) == DEPTH
    numbers = [1.0] * len(nodes) if whole or style is not None else list(FALLING[: len(nodes)])
    if weights is not None:
        numbers = _numbers(weights, len(nodes))
    deepest = next(number for number in reversed(numbers) if number)
    shares = {node: number / deepest for node, number in zip(nodes, numbers, strict=True)}
    words: tuple[str, ...] = ()
    if style is None and not whole:
        words = (
            f"The paper compares styles at five resolutions, up to relu5_1 of VGG-19, and content at conv4_2; "
            f"{model.name} has {len(nodes)}, up to {nodes[-1]}: its strokes and patterns are smaller, and "
            "the photo is kept closer.",
        )
    if content is None:
        deep = [node for node, stride in strides.items() if whole and stride == strides[nodes[DEPTH - 2]]]
        content = nodes[-1] if len(deep) < 2 else deep[1]  # relu4_2 of VGG-19
    return Layers(shares, _known(model, content), words)


def _known(model: Model, name: str) -> str:
    name = name.strip()
    if name not in model.net.names:
        raise SettingError(f"{model.name} has no node {name!r}; {near(name, model.net.names, 'node')}.")
    if geometry(model, name) is None:
        raise SettingError(
            f"{name} of {model.name} has no places (each of its units sees the whole picture); take one with maps, "
            f"such as {', '.join(first_of_each(places(model))) or 'none of this net'}."
        )
    return name


def _numbers(text: str, count: int) -> list[float]:
    """Return so many numbers of at least 0 from a text with commas between them."""
    return shares(text, count, "style-weights", "layer")


def shares(text: str, count: int, setting: str, noun: str) -> list[float]:
    """Return one number of at least 0 for each `noun`, from a text with commas; SettingError if they do not fit."""
    try:
        numbers = [float(part) for part in str(text).split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(0 <= number < float("inf") for number in numbers) or not sum(numbers) > 0:
        raise SettingError(
            f"{setting} needs one number of at least 0 for each {noun}, {count} in all and not all 0, with commas "
            f"between them; got {text!r}."
        )
    return numbers
