"""The score of pictures, and which way it rises: one forward pass, one backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.graph import Rules
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.units import Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def score_and_gradient(
    model: Model, objective: Objective, x: Array, rules: Rules | None = None, batch: int = 16
) -> tuple[Array, Array]:
    """Return the objective of pictures x (N, C, H, W), pixel - mean, as (N,), and its gradient by x (N, C, H, W).

    rules: backward rules in place of the gradient's own, such as `redirected_relus()`. batch: pictures a pass.
    Raises ShapeError where the net does not take pictures of this size.
    """
    units = Units.of(model.reader())
    scores, gradients = [], []
    for begin in range(0, len(x), batch):
        part = slice(begin, begin + batch)
        goal = objective.of_images(part)
        images = kernels.to_device(units.net(x[part]), model.net.device)
        tape = model.net.forward(images, upto=goal.nodes, fuse=True)
        scores.append(kernels.to_cpu(goal.value(tape)))
        dx = model.net.backward(tape, goal.seeds(tape), rules=rules, wrt=(model.input,))[model.input]
        gradients.append(units.gradient(kernels.to_cpu(dx)))
    return np.concatenate(scores), np.concatenate(gradients)


def score_of(model: Model, objective: Objective, x: Array, batch: int = 16) -> Array:
    """Return the objective of pictures x (N, C, H, W), pixel - mean, as (N,): a forward pass alone."""
    units, scores = Units.of(model.reader()), []
    for begin in range(0, len(x), batch):
        part = slice(begin, begin + batch)
        goal = objective.of_images(part)
        images = kernels.to_device(units.net(x[part]), model.net.device)
        scores.append(kernels.to_cpu(goal.value(model.net.forward(images, upto=goal.nodes, fuse=True))))
    return np.concatenate(scores)


def takes(model: Model, objective: Objective, size: Pair) -> bool:
    """Return whether the net takes pictures of this size (H, W), as far as the objective reads it."""
    units = Units.of(model.reader())
    if size == own_size(model):
        return True
    try:
        score_of(model, objective.of_images(slice(1)), np.zeros((1, units.channels, *size), model.dtype))
    except MinitorchVizError:
        return False
    return True


def seen_size(model: Model, objective: Objective, size: Pair) -> Pair:
    """Return the size (H, W) at which the net looks at pictures of a size: their own, or else its own."""
    return size if takes(model, objective, size) else own_size(model)


def own_size(model: Model) -> Pair:
    """Return the size (H, W) of the pictures that the net was made for."""
    height, width = model.reader().blank(model.dtype).shape[-2:]
    return int(height), int(width)
