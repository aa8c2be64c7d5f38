"""Occlusion of a picture: a square at one place after another, and only what it can reach computed anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.boxes import whole_map
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.techniques.activations._occlusion_fills import Filling
from minitorch_viz.techniques.activations._occlusion_reading import Measured, filled
from minitorch_viz.techniques.activations._occlusion_squares import covered, middle_of
from minitorch_viz.techniques.activations._occlusion_strongest import (
    Search,
    StrongestMap,
    layer_of,
    projected,
    searched,
    strongest_channel,
    totals,
)
from minitorch_viz.techniques.explain.view import picture_of
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.activations.occlusion import OcclusionMap
    from minitorch_viz.techniques.explain.view import View


def over_photo(
    frame: OcclusionMap,
    run: Measured,
    x: Array,
    shown: Filling,
    batch: int,
    others: Pictures | None,
    state: State | None,
) -> Iterator[OcclusionMap]:
    """Cover x (1, C, h, w) at every place of the frame's grid, then search other pictures for the strongest map's."""
    if others is not None:
        frame = replace(frame, search=Search(0, len(others), (), ()))
    # A batch stays in one row of places: the parts that alike places reach have nearly one size.
    rows = [[(int(top), int(left)) for left in frame.lefts] for top in frame.tops]
    batches = [row[begin : begin + batch] for row in rows for begin in range(0, len(row), batch)]
    done, pace = run.go_on(state), Pace()
    todo = [places for places, end in zip(batches, accumulate(map(len, batches)), strict=True) if end > done]
    for places in todo:
        changed = _changed(run, {run.model.net.inputs[0]: covered(x, places, frame.size, shown)})
        now = slice(done, done + len(places))
        run.outputs[now] = run.read(changed)
        if run.strongest is not None:
            run.totals[now] = totals(changed[run.strongest.layer], run.strongest.channel)
        done += len(places)
        if done == frame.values.size or pace.due():
            yield filled(frame, run, done)
    if not todo:
        yield filled(frame, run, done)
    if others is not None and run.strongest is not None:
        whole = filled(frame, run, done)
        for search in searched(run.model, others, run.strongest.layer, run.strongest.channel):
            yield replace(whole, search=search, done=done + search.done)


def _changed(run: Measured, squares: dict[str, Any]) -> dict[str, Array]:
    """Return what the nodes that are read answer with the squares there."""
    net, nodes = run.model.net, run.nodes
    if len(nodes) == 1:
        return {nodes[0]: net.predict_changed(run.tape, squares, nodes[0])}
    return net.predict_changed(run.tape, squares, nodes)


def watching(run: Measured, seen: View, layer: str | None, empty: Array) -> Measured:
    """Return the same run, which watches the strongest map of a layer as well; without maps it stays as it is."""
    node = layer_of(run.model, run.tape, run.units[0].nodes[0], layer)
    if node is None:
        return run
    channel = strongest_channel(run.tape, node)
    base = float(totals(run.tape[node], channel)[0])
    projection = projected(run.model, seen, node, channel, "this photo")
    return replace(
        run, strongest=StrongestMap(node, channel, empty, base, projection), totals=np.full(empty.size, np.nan)
    )


def square_shown(model: Model, x: Array, shown: Filling, size: int) -> Array:
    """Return what the occluder shows in the middle of a picture, (size, size, 3) uint8."""
    top, left = middle_of(x.shape[2:], size)
    patch = covered(x, [(top, left)], size, shown)
    return picture_of(model, patch.spread(whole_map((x.shape[2], x.shape[3])), x))[top : top + size, left : left + size]
