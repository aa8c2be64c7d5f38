"""The walk backwards through a net: from the seeds to the goals, over the nodes in between.

The gradient of one unit in a middle layer is zero outside the unit's receptive field. So where the seeds are zero
outside a box, only that box is carried backwards, growing from layer to layer as the windows do:

    seed    one unit        1 x 1   of 56 x 56
    conv3_3 3x3             3 x 3
    conv3_2 3x3             5 x 5
    ...
    conv1_1 3x3            40 x 40  of 224 x 224, the receptive field

Each layer runs its own backward (or the rule in its place) on crops of what it saved; it does not notice. Where a layer
has no window, where a rule is not marked `@local`, or where the box is most of the map anyway, the pass goes on with
whole maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.boxes import Boxes, Patch, Span, whole_map
from minitorch_viz.graph import Key, Node, Rule, Rules, Tape, is_local, rule_for
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.few import not_zero

# Bytes that the largest map may take for all seeds of a chunk: what the processor's last cache holds, and what the C
# library still hands out again without asking the system for fresh, empty pages. Measured on SqueezeNet: 10 seeds a
# chunk take 0.6 of the time of 128 at once, and single seeds a tenth more than chunks.
CHUNK = 32 << 20
MOST = 0.6  # of a map: a larger box is not worth cutting out

Gradient = Array | Patch  # a whole map, or the box outside of which it is zero


def sweep(
    nodes: Iterable[Node], tape: Tape, seeds: Mapping[str, Array], goals: set[str], rules: Rules, crop: bool
) -> Iterator[tuple[str, Array]]:
    """Walk backwards through `nodes` and yield each goal that is reached with its complete gradient (K, ...).

    seeds and rules have been checked. crop: carry boxes where that is less work; False: whole maps.
    """
    grads: dict[str, Gradient] = {name: _cropped(seed) if crop else seed for name, seed in seeds.items()}
    nodes = [node for node in nodes if node.name in tape.saved]
    leads = set(goals)  # names from which some goal can still be reached
    for node in nodes:
        if not leads.isdisjoint(node.inputs):
            leads.add(node.name)
    for node in reversed(nodes):
        dy = grads.pop(node.name, None)
        if dy is None:
            continue
        if node.name in goals:
            yield node.name, _whole(dy, tape.like(node.name))
        if leads.isdisjoint(node.inputs):
            continue
        for name, dx in zip(node.inputs, _backward(node, tape, dy, rules), strict=False):
            if name in leads:
                grads[name] = _sum(grads[name], dx, tape.like(name)) if name in grads else dx  # forks add up
    for name, dy in grads.items():  # what is left has reached the net's inputs, or lies on no way to a goal
        if name in goals:
            yield name, _whole(dy, tape.like(name))


def sweep_in_chunks(
    nodes: Iterable[Node],
    tape: Tape,
    seeds: Mapping[str, Array],
    goals: set[str],
    rules: Rules,
    crop: bool,
    chunk: int | None,
) -> dict[str, Array]:
    """{goal: gradient (K, ...)}, computed `chunk` seeds at a time; None: as many as suit the cache."""
    count = len(next(iter(seeds.values())))
    if chunk is None:
        chunk = max(1, CHUNK // max(1, *(value[:1].nbytes for value in tape.values.values())))
    if chunk >= count or any(len(value) > 1 for value in tape.values.values()):  # an image's seed goes with the image
        return dict(sweep(nodes, tape, seeds, goals, rules, crop))
    found: dict[str, Array] = {}
    for start in range(0, count, chunk):
        part = {name: seed[start : start + chunk] for name, seed in seeds.items()}
        for name, dy in sweep(nodes, tape, part, goals, rules, crop):
            if name not in found:
                found[name] = kernels.array_module(dy).empty((count, *dy.shape[1:]), dy.dtype)
            found[name][start : start + chunk] = dy
    return found


def sweep_params(nodes: Iterable[Node], tape: Tape, seeds: Mapping[str, Array], rules: Rules) -> dict[str, Array]:
    """{"node.parameter": gradient, summed over the batch} of all parameters that the seeds depend on.

    Where the walk goes on beyond a layer and no rule takes its place, `backward_and_grads` gives both at once.
    """
    layers = {node.name: node.layer for node in nodes if node.layer.params and node.name in tape.saved}
    grads: dict[str, Array] = {}
    reached: dict[str, Array] = {}  # the gradient of a layer's output, until its parameters have theirs

    def keep(name: str, found: Mapping[str, Array]) -> None:
        grads.update({f"{name}.{param}": grad for param, grad in found.items()})

    def both(name: str, layer: Layer, dy: Array, saved: Any) -> Any:
        dx, found = layer.backward_and_grads(dy, saved)
        keep(name, found)
        del reached[name]
        return dx

    def others() -> None:  # whom the walk has passed by a rule, or where it ended
        for name in list(reached):
            keep(name, layers[name].param_grads(reached.pop(name), tape.saved[name]))

    joint: dict[Key, Rule] = {
        node.name: partial(both, node.name) for node in nodes if node.name in layers and not rule_for(node, rules)
    }
    for name, dy in sweep(nodes, tape, seeds, set(layers), {**rules, **joint}, crop=False):
        others()
        reached[name] = dy
    others()
    return grads


def _backward(node: Node, tape: Tape, dy: Gradient, rules: Rules) -> tuple[Gradient, ...]:
    """The gradients of a node's inputs, by its layer's backward or the rule in its place."""
    rule = rule_for(node, rules)
    backward = node.layer.backward if rule is None else partial(rule, node.layer)
    if isinstance(dy, Patch) and (rule is None or is_local(rule)):
        dxs = _backward_of_patch(node, tape, dy, backward)
        if dxs is not None:
            return dxs
    dx = backward(_whole(dy, tape.like(node.name)), tape.saved[node.name])
    return dx if isinstance(dx, tuple) else (dx,)


def _backward_of_patch(
    node: Node, tape: Tape, dy: Patch, backward: Callable[[Array, Any], Any]
) -> tuple[Patch, ...] | None:
    """The same on crops; None if the layer must see the whole map, or if a crop would be most of it."""
    sizes = {tape.like(name).shape[2:] for name in node.inputs}
    window = node.layer.window
    if window is None or len(sizes) != 1 or len(in_size := sizes.pop()) != 2:
        return None
    x_boxes = window.reads(dy.boxes, in_size)
    if x_boxes.area > MOST * in_size[0] * in_size[1]:
        return None
    y_boxes = window.gives(x_boxes, in_size, tape.like(node.name).shape[2:])
    saved = node.layer.crop(tape.saved[node.name], x_boxes, y_boxes)
    if saved is None:
        return None
    dx = backward(dy.spread(y_boxes), saved)
    return tuple(Patch(one, x_boxes) for one in (dx if isinstance(dx, tuple) else (dx,)))


def _cropped(seed: Array) -> Gradient:
    """The boxes (of one size) outside of which each seed (K, C, H, W) is zero; the seed itself if they are large."""
    if seed.ndim != 4 or seed.size == 0 or not isinstance(seed, np.ndarray):  # on a GPU, finding the box costs more
        return seed
    where = not_zero(seed, axis=1)  # (K, H, W)
    size = seed.shape[2:]
    rows, columns = (_span(np.any(where, axis=2 - a), size[a]) for a in (0, 1))
    boxes = Boxes(rows, columns)
    return Patch(boxes.take(seed), boxes) if boxes.area <= MOST * size[0] * size[1] else seed


def _span(where: Array, length: int) -> Span:
    """Where (K, length) is true, from first to last."""
    first, last = where.argmax(axis=1), length - 1 - where[:, ::-1].argmax(axis=1)
    return Span.covering(first.tolist(), (last + 1).tolist(), length)  # an empty row gives all of it


def _whole(dy: Gradient, like: Array) -> Array:
    return dy.spread(whole_map(like.shape[2:])) if isinstance(dy, Patch) else dy


def _sum(a: Gradient, b: Gradient, like: Array) -> Gradient:
    """a + b, as a patch if both are; never in place."""
    if isinstance(a, Patch) and isinstance(b, Patch):
        boxes = a.boxes.union(b.boxes, like.shape[2:])
        return Patch(a.spread(boxes) + b.spread(boxes), boxes)
    return kernels.add(_whole(a, like), _whole(b, like))
