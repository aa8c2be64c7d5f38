"""Slices: the loss on a plane through a trained net, point by point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.checks import check_names
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.layers import softmax_cross_entropy
from minitorch_viz.loss_surface.directions import Params, filter_normalized
from minitorch_viz.net import Net


@dataclass(frozen=True, eq=False)
class Slice:
    """Hold the loss around a net: loss[i, j] is that of net + across[i] * second + along[j] * first direction."""

    along: Array  # (G,) steps in the first direction; 0 is the net itself
    across: Array  # (G',) steps in the second direction
    loss: Array  # (G', G) mean cross-entropy in nats
    centre: float  # the loss of the net itself
    label: str = ""  # which net
    path: Array = field(default_factory=lambda: np.zeros((0, 2)))  # (E, 2) stages of training: (along, across) of each
    share: float = 1.0  # 0..1: how much of the path's movement (squared) lies in this plane


def steps_around(radius: float, grid: int) -> Array:
    """Return `grid` steps from -radius to radius, the middle one exactly 0."""
    grid = need_whole("number of grid points", grid, 3, 501)
    if grid % 2 == 0:
        raise SettingError(f"The grid needs an odd number of points, so that the net is one of them, but got {grid}.")
    if isinstance(radius, bool) or not isinstance(radius, (int, float)) or not 0 < radius < math.inf:
        raise SettingError(f"The radius must be a number above 0, in lengths of the net's filters, but got {radius!r}.")
    return np.arange(-(grid // 2), grid // 2 + 1) * (radius / (grid // 2))


def slice_around(
    net: Net,
    x: Array,
    labels: Array,
    *,
    rng: np.random.Generator,
    logits: str | None = None,
    radius: float = 1.0,
    grid: int = 21,
    label: str = "",
    after_row: Callable[[], object] = lambda: None,
) -> Slice:
    """Measure the loss around a classifier, in two random filter-normalized directions (Li et al. 2018).

    net: any net that ends in class scores; x (N, ...) what it takes; labels (N,) the right classes.
    rng: where the two directions come from. logits: the node with the scores (default: the last).
    radius: how far to go, in lengths of each filter: at 1 as much is added as there is. grid: points a side, odd.

    The middle of the slice is the net's own loss, to the bit. Raises SettingError, ShapeError or NetError.
    """
    loss, steps = loss_of(net, x, labels, logits), steps_around(radius, grid)
    first, second = (filter_normalized(net.params, rng) for _ in range(2))
    values = loss_on_grid(loss, net.params, first, second, steps, steps, after_row)
    return Slice(steps, steps, values, loss(net.params), label)


def loss_of(net: Net, x: Array, labels: Array, logits: str | None = None) -> Callable[[Params], float]:
    """Return the function parameters -> loss of a classifier on some data, which have been checked."""
    if not isinstance(net, Net) or not net.params:
        raise SettingError(f"A loss surface needs a Net with parameters, but got {net!r:.60}.")
    goal = net.output if logits is None else check_names(logits, net.names, "logits")[0]
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or len(labels) == 0:
        raise ShapeError(f"labels must be an array of class numbers (N,), at least one, but got {labels!r:.60}.")
    if not isinstance(x, np.ndarray) or x.shape[:1] != labels.shape:
        raise ShapeError(f"x must be an array of as many inputs as labels, {len(labels)}, but got {x!r:.60}.")

    def loss(params: Params) -> float:
        return softmax_cross_entropy(net.with_params(params).predict(x, upto=goal), labels)[0]

    loss(net.params)  # what does not fit is told now
    return loss


def loss_on_grid(
    loss: Callable[[Params], float],
    centre: Params,
    first: Params,
    second: Params,
    along: Array,
    across: Array,
    after_row: Callable[[], object] = lambda: None,
) -> Array:
    """Return (len(across), len(along)): the loss at centre + across[i] * second + along[j] * first."""
    values = np.empty((len(across), len(along)))
    with np.errstate(over="ignore"):
        for i, b in enumerate(across.tolist()):
            for j, a in enumerate(along.tolist()):
                values[i, j] = loss(
                    {name: value + a * first[name] + b * second[name] for name, value in centre.items()}
                )
            after_row()
    return values
