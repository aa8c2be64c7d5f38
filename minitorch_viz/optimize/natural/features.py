"""The features of real pictures: which pictures, which nodes, their sorted values, and the channels that matter."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.picture_base import Pictures
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.graph import Tape, ancestors
from minitorch_viz.objectives import Objective, Unit
from minitorch_viz.optimize.units import Units
from minitorch_viz.rules.presets import composite

if TYPE_CHECKING:
    from minitorch_viz.models import Model

BATCH = 16
SHARE = 0.75


def real_pictures(model: Model, objective: Objective, source: Any, most: int = 50) -> Array:
    """Return what the net takes for the pictures (n, C, H, W), n <= most, that show what is climbed.

    Of a class whose name the labelled pictures have they are its first ones; else those with the highest values, of one
    pass over all: as far as they are at least 3/4 of the highest, where that is above 0.
    Raises DataFileError where no picture can be read.
    """
    pictures = as_pictures(source)
    numbers = _of_class(model, objective, pictures)
    if not numbers:
        values = _values(model, objective, pictures)
        bar = SHARE * np.nanmax(values, initial=-np.inf)
        numbers = [number for number in np.argsort(-values, kind="stable").tolist() if values[number] >= bar > 0]
        numbers = numbers or np.argsort(-values, kind="stable").tolist()  # NaN, of broken ones, comes last
    images = []
    for number in numbers:
        try:
            images.append(model.preprocess(pictures[number]))
        except ImageFileError:
            continue
        if len(images) == most:
            break
    if not images:
        raise DataFileError(f"None of the pictures of {pictures.name} can be read; give a folder with pictures.")
    return np.concatenate(images)


def _of_class(model: Model, objective: Objective, pictures: Pictures) -> list[int]:
    """Return the numbers of the pictures of the class that is climbed, where they have labels of that name."""
    unit = getattr(objective, "unit", objective)
    if not isinstance(unit, Unit) or unit.node != model.logits or unit.sign < 0 or not pictures.class_names:
        return []
    name = model.class_names[unit.index[0]]
    return [
        i
        for i in range(len(pictures))
        if (label := pictures.label(i)) is not None and pictures.class_names[label] == name
    ]


def _values(model: Model, objective: Objective, pictures: Pictures) -> Array:
    """Return (n,): what is climbed for each picture; NaN for broken ones."""
    if objective.nodes == (model.logits,):
        return _of_answers(objective, _answers(model, pictures))
    return np.concatenate([_of_answers(objective, part) for part in _passes(model, objective.nodes, pictures)])


def _of_answers(objective: Objective, answers: dict[str, Array]) -> Array:
    return kernels.to_cpu(objective.value(Tape(answers, {}))).astype(float)


_KNOWN: weakref.WeakKeyDictionary[Model, tuple[str, dict[str, Array]]] = weakref.WeakKeyDictionary()


def _answers(model: Model, pictures: Pictures) -> dict[str, Array]:
    """Return the class scores (n, K) of all pictures: several classes share the pass, as long as the model lives."""
    fingerprint = pictures.fingerprint
    if model not in _KNOWN or _KNOWN[model][0] != fingerprint:
        parts = list(_passes(model, (model.logits,), pictures))
        _KNOWN[model] = fingerprint, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _KNOWN[model][1]


def _passes(model: Model, nodes: Sequence[str], pictures: Pictures) -> Any:
    """Yield what nodes give for the pictures, some at a time; NaN for broken ones."""
    blank = np.full_like(model.reader().blank(model.dtype), np.nan)
    for begin in range(0, len(pictures), BATCH):
        images = [_read(model, pictures, i, blank) for i in range(begin, min(begin + BATCH, len(pictures)))]
        with np.errstate(invalid="ignore"):
            tape = model.net.forward(kernels.to_device(np.concatenate(images), model.net.device), upto=nodes, fuse=True)
        yield {node: kernels.to_cpu(tape[node]) for node in nodes}


def _read(model: Model, pictures: Pictures, number: int, broken: Array) -> Array:
    try:
        return model.preprocess(pictures[number])
    except ImageFileError:
        return broken


def telling_nodes(model: Model, objective: Objective) -> tuple[str, ...]:
    """Return the last node of each size of maps that what is climbed depends on, the finest first."""
    nodes, goal = model.net.nodes, objective.nodes[0]
    below = {*ancestors(nodes, goal), goal}
    tape = model.net.forward(model.reader().blank(model.dtype), upto=(goal,))
    last: dict[tuple[int, ...], str] = {}
    for node in nodes:
        shape = tape[node.name].shape if node.name in below else ()
        if len(shape) == 4 and shape[2] * shape[3] > 1:
            last[shape[2:]] = node.name
    return tuple(last.values())


def sorted_means(model: Model, nodes: Sequence[str], images: Array) -> dict[str, Array]:
    """Return for each node (C, P) the mean over pictures of each channel's sorted values."""
    totals: dict[str, Array] = {}
    for begin in range(0, len(images), BATCH):
        part = kernels.to_device(images[begin : begin + BATCH], model.net.device)
        tape = model.net.forward(part, upto=tuple(nodes), fuse=True)
        for node in nodes:
            maps = kernels.to_cpu(tape[node])
            total = np.sort(maps.reshape(*maps.shape[:2], -1), axis=2).sum(axis=0, dtype=float)
            totals[node] = totals.get(node, 0) + total
    return {node: total / len(images) for node, total in totals.items()}


def relevant_channels(model: Model, objective: Objective, nodes: Sequence[str], images: Array) -> dict[str, Array]:
    """Return for each node (C,) how relevant its channels are: 1 on average.

    What counts is the relevance for what is climbed, of layer-wise relevance propagation (the composite), summed over
    places where it is positive, and meaned over the pictures. All count alike for objectives that are no sum of units.
    """
    shapes = model.net.forward(images[:1].astype(model.dtype), upto=tuple(nodes))
    totals = {node: np.zeros(shapes[node].shape[1]) for node in nodes}
    if objective.is_sum:
        wide = model.astype(np.float64)
        units = Units.of(model.reader())
        low, high = (units.net(bound[None])[0] for bound in units.bounds(np.float64))
        for image in images.astype(np.float64):
            tape = wide.net.forward(image[None])
            rules = composite(wide.net, tape, np.minimum(low, 0), np.maximum(high, 0))
            seeds = {name: seed * tape[name] for name, seed in objective.seeds(tape).items()}
            relevance = wide.net.backward(tape, seeds, rules=rules, wrt=tuple(nodes))
            for node in nodes:
                totals[node] += np.maximum(kernels.to_cpu(relevance[node])[0], 0).sum(axis=(1, 2))
    return {node: total / total.mean() if total.any() else np.ones_like(total) for node, total in totals.items()}
