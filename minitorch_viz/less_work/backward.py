"""Backward passes that carry boxes instead of maps, and K seeds a few at a time.

The gradient of one unit in a middle layer is zero outside the unit's receptive field. So where the seeds are zero
outside a box, only that box is carried backwards, growing from layer to layer as the windows do:

    seed    one unit        1 x 1   of 56 x 56
    conv3_3 3x3             3 x 3
    conv3_2 3x3             5 x 5
    ...
    conv1_1 3x3            40 x 40  of 224 x 224, the receptive field

Each layer runs its own backward (or the rule in its place) on crops of what it saved; its code has no part in this.
Where a layer has no window, where a rule is not marked `@local`, or where the box is most of the map anyway, the pass
goes on with whole maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Patch, Span, whole_map
from minitorch_viz.graph import Node, Route, Rule, Tape, is_local, rule_for
from minitorch_viz.layers.base import Layer
from minitorch_viz.walk import walk
from minitorch_viz_kernels.machine.zero_channels import not_zero

# Bytes that the largest map may take for all seeds of a chunk: what the processor's last cache holds, and what the C
# library still hands out again without asking the system for fresh, empty pages. Measured on SqueezeNet: 10 seeds a
# chunk take 0.6 of the time of 128 at once, and single seeds a tenth more than chunks.
CHUNK_BYTES = 32 << 20
LARGEST_BOX = 0.6  # share of a map: a larger box is not worth cutting out

# (rule, layer type): a kernel that computes the same. The arithmetic stands in the rule, a test compares.
KERNELS: dict[tuple[Rule, type[Layer]], Rule] = {}


@dataclass(frozen=True, eq=False)
class Part(Patch):
    """Hold a gradient that is zero outside its boxes."""

    size: Pair  # (H, W) of the map that it is a part of


Gradient: TypeAlias = Array | Part


def carry_back(route: Route, seeds: Mapping[str, Array], crop: bool, chunk: int | None) -> dict[str, Array]:
    """Return {goal: gradient (K, ...)}, computed `chunk` seeds at a time; None: as many as suit the cache.

    crop: carry boxes where that is less work; False: whole maps.
    """
    values = route.tape.values.values()
    count = len(next(iter(seeds.values())))
    if chunk is None:
        chunk = max(1, CHUNK_BYTES // max(1, *(value[:1].nbytes for value in values)))
    if chunk >= count or any(len(value) > 1 for value in values):  # an image's seed goes with the image
        return dict(one_pass(route, seeds, crop))
    gradients: dict[str, Array] = {}
    for start in range(0, count, chunk):
        part = {name: seed[start : start + chunk] for name, seed in seeds.items()}
        for name, dy in one_pass(route, part, crop):
            if name not in gradients:
                gradients[name] = kernels.array_module(dy).empty((count, *dy.shape[1:]), dy.dtype)
            gradients[name][start : start + chunk] = dy
    return gradients


def one_pass(route: Route, seeds: Mapping[str, Array], crop: bool) -> Iterator[tuple[str, Array]]:
    """Walk backwards and yield each goal that is reached with its complete gradient (K, ...)."""
    gradients: dict[str, Gradient] = {name: _cropped(seed) if crop else seed for name, seed in seeds.items()}
    for name, dy in walk(route.nodes, gradients, partial(_step, route), _add):
        if name in route.goals:
            yield name, _whole(dy)


def _step(route: Route, node: Node, dy: Gradient) -> list[tuple[str, Gradient]]:
    """Return the gradients of a node's inputs, by its layer's backward or the rule in its place."""
    rule = rule_for(node, route.rules)
    in_parts = rule is None or is_local(rule)
    if isinstance(rule, FunctionType):
        rule = KERNELS.get((rule, type(node.layer)), rule)
    backward = node.layer.backward if rule is None else partial(rule, node.layer)
    if in_parts and isinstance(dy, Part):
        crops = _crops(node, route.tape, dy)
        if crops is not None:
            x_boxes, size, y_part, saved = crops
            parts = route.wanted(node, backward(y_part, saved))
            return [(name, Part(values, x_boxes, size)) for name, values in parts]
    return route.wanted(node, backward(_whole(dy), route.tape.saved[node.name]))


def _crops(node: Node, tape: Tape, dy: Part) -> tuple[Boxes, Pair, Array, Any] | None:
    """Return what a layer needs for the part of its input that a signal reaches: (boxes, size of the map, dy, saved).

    None if the layer needs the whole map, or if a crop would be most of it.
    """
    sizes = {tape.like(name).shape[2:] for name in node.inputs}
    window = node.layer.window
    if window is None or len(sizes) != 1 or len(size := sizes.pop()) != 2:
        return None
    x_boxes = window.reads(dy.boxes, size)
    if x_boxes.area > LARGEST_BOX * size[0] * size[1]:
        return None
    y_boxes = window.gives(x_boxes, size, dy.size)
    saved = node.layer.crop(tape.saved[node.name], x_boxes, y_boxes)
    return None if saved is None else (x_boxes, size, dy.spread(y_boxes), saved)


def _cropped(seed: Array) -> Gradient:
    """Return the boxes (of one size) outside of which each seed (K, C, H, W) is zero; the seed itself if large."""
    if seed.ndim != 4 or seed.size == 0 or not isinstance(seed, np.ndarray):  # on a GPU, finding the box costs more
        return seed
    mask = not_zero(seed, axis=1)  # (K, H, W)
    high, wide = seed.shape[2:]
    boxes = Boxes(_span(np.any(mask, axis=2), high), _span(np.any(mask, axis=1), wide))
    return Part(boxes.take(seed), boxes, (high, wide)) if boxes.area <= LARGEST_BOX * high * wide else seed


def _span(mask: Array, length: int) -> Span:
    """Return where (K, length) is true, from first to last."""
    first, last = mask.argmax(axis=1), length - 1 - mask[:, ::-1].argmax(axis=1)
    return Span.covering(first.tolist(), (last + 1).tolist(), length)  # an empty row gives all of it


def _whole(dy: Gradient) -> Array:
    """Return a gradient as a whole map."""
    return dy.spread(whole_map(dy.size)) if isinstance(dy, Part) else dy


def _add(a: Gradient, b: Gradient) -> Gradient:
    """Return a + b, a part if both are; never in place."""
    if isinstance(a, Part) and isinstance(b, Part):
        boxes = a.boxes.union(b.boxes, a.size)
        return Part(a.spread(boxes) + b.spread(boxes), boxes, a.size)
    return kernels.add(_whole(a), _whole(b))
