"""One frame of the film: what every node holds for a few fixed images, at one moment of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, ancestors
from minitorch_viz.net import Net
from minitorch_viz.rules.relu import relus
from minitorch_viz.training.film.tiles import Grid, value_grid, weight_grid
from minitorch_viz.training.losses import Loss

BUDGET = 80_000  # values of a frame, at most: 60 such frames are a page of a few megabytes
KINDS = ("weights", "weight gradients", "activations", "activation gradients")


@dataclass(frozen=True, eq=False)
class Look:
    """Name the images and the loss that every frame of the film shows."""

    images: Array  # (N, ...) the fixed images, as the net takes them
    targets: Array  # (N, ...) what the net should answer
    shown: int  # how many of them have their activations drawn
    loss: Loss
    output: str  # the node whose output the loss reads


@dataclass(frozen=True, eq=False)
class Moment:
    """Hold the arrays of one frame."""

    loss: float  # of the fixed images
    tape: Tape  # in use, not in training: no dropout, running statistics
    grads: Mapping[str, Array]  # of the parameters
    flow: Mapping[str, Array]  # d loss / d output of each node and input


def look_at(net: Net, look: Look) -> Moment:
    """Run one forward and one backward pass with the fixed images."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        tape = net.forward(look.images, upto=look.output)
        loss, dy = look.loss(tape[look.output], look.targets)
        seeds = {look.output: dy}
        reached = ancestors(net.nodes, look.output)
        wrt = [name for name in net.names if name in reached and tape[name].dtype.kind == "f"]
        flow = net.backward(tape, seeds, wrt=wrt)
        return Moment(loss, tape, net.param_grads(tape, seeds), flow)


def grids(net: Net, look: Look, moment: Moment) -> dict[tuple[str, str], Grid]:
    """Return {(node, kind): grid} of a moment, with as many rows and columns as the budget allows; inputs first.

    A node that only rearranges (Flatten) or does nothing in use (Dropout) is left out; of a very deep net only nodes
    with filters or matrices are drawn, as many as the budget allows, spread over its depth.
    """
    fewer: dict[tuple[str, str], Grid] = {}
    for limit in (16, 12, 8, 6, 4):
        all_grids = _grids(net, look, moment, limit)
        if sum(grid.values.size for grid in all_grids.values()) <= BUDGET:
            return all_grids
    # A very deep net: only nodes with filters or matrices (no scales of batch normalizations), or some of them.
    learning = [node.name for node in net.nodes if any(value.ndim > 1 for value in node.layer.params.values())]
    for stride in range(1, len(learning) + 1):
        nodes = {*net.inputs, look.output, *learning[::stride]}
        fewer = {key: grid for key, grid in all_grids.items() if key[0] in nodes}
        if sum(grid.values.size for grid in fewer.values()) <= BUDGET:
            break
    return fewer


def _grids(net: Net, look: Look, moment: Moment, limit: int) -> dict[tuple[str, str], Grid]:
    drawn: dict[tuple[str, str], Grid | None] = {}
    for name in net.names:
        if name not in moment.tape or (name in net and net[name].layer.passes_on):
            continue
        if name in net:
            weight = f"{name}.weight"
            if weight in net.params:
                maps = _maps_before(net, moment.tape, name)
                drawn[name, "weights"] = weight_grid(net.params[weight], limit, maps)
                if weight in moment.grads:
                    drawn[name, "weight gradients"] = weight_grid(moment.grads[weight], limit, maps)
        if moment.tape[name].dtype.kind == "f":
            drawn[name, "activations"] = value_grid(moment.tape[name], look.shown, limit, name in net.inputs)
            if name in moment.flow:
                drawn[name, "activation gradients"] = value_grid(
                    moment.flow[name], look.shown, limit, name in net.inputs
                )
    return {key: grid for key, grid in drawn.items() if grid is not None}


def _maps_before(net: Net, tape: Tape, name: str) -> tuple[int, int, int] | None:
    """Return (C, H, W) of the feature maps that were flattened for this node, if they were."""
    source = net[name].inputs[0]
    while source in net and net[source].layer.passes_on:
        source = net[source].inputs[0]
    y = tape[source] if source in tape else np.empty(0)
    return (y.shape[1], y.shape[2], y.shape[3]) if y.ndim == 4 else None


def dead_share(net: Net, tape: Tape) -> dict[str, float]:
    """Return for each ReLU the share of its channels (or units) that are 0 everywhere, for every fixed image."""
    dead = {}
    for name in relus(net):
        if name in tape:
            y = tape[name]
            axes = tuple(axis for axis in range(y.ndim) if axis != (1 if y.ndim in (2, 4) else y.ndim - 1))
            dead[name] = float((y <= 0).all(axis=axes).mean())
    return dead


def update_ratios(before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, float]:
    """Return for each node with a weight the size of a step: |change of the weight| / |the weight|, both lengths."""
    ratios: dict[str, Any] = {}
    for name, value in before.items():
        node, _, param = name.rpartition(".")
        length = float(np.linalg.norm(value.astype(np.float64)))
        if param == "weight" and length > 0:
            ratios[node] = float(np.linalg.norm(after[name].astype(np.float64) - value)) / length
    return ratios
