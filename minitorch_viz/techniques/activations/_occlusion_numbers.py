"""Occlusion of what is no picture: one column of a row after another, one window of each curve of a series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.techniques.activations._occlusion_reading import Measured, begun, filled
from minitorch_viz.techniques.activations._occlusion_squares import covers, places_on
from minitorch_viz.techniques.explain.given import Given
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.activations.occlusion import OcclusionMap
    from minitorch_viz.techniques.explain.view import View


class Windows(NamedTuple):
    """Hold what is covered: curve by curve, window by window."""

    curves: Array  # (C,) the curves, or [0] of a row
    firsts: Array  # (W,) where each window begins: the columns of a row
    size: int  # steps that a window covers; 1 of a row
    stand_in: Array  # (1, ...): what is put in its place, in the net's units

    def covered(self, given: Given, x: Array, places: list[int]) -> Array:
        """Return x (1, ...) with the windows of these places covered, (K, ...)."""
        copies = np.repeat(kernels.to_cpu(x), len(places), axis=0)
        for copy, place in zip(copies, places, strict=True):
            curve, window = divmod(place, len(self.firsts))
            first = int(self.firsts[window])
            steps = slice(max(first, 0), first + self.size)
            at = steps if given.kind == "row" else (steps, curve) if given.steps == 0 else (curve, steps)
            copy[at] = self.stand_in[0][at]
        return kernels.to_device(copies, kernels.device_of(x))


def windows_of(model: Model, seen: View, given: Given, size: int | None, stride: int | None, fill: str) -> Windows:
    """Return what is covered of a row or a series; SettingError for settings that do not fit.

    size, stride: steps of a series; a row is covered column by column. fill: "mean", what the net's reader subtracts,
    of a series each curve's own mean; "black" is zero; or a number in the user's units.
    """
    stand_in = _stand_in(model, seen, given, fill)
    if given.kind == "row":
        if size not in (None, 1) or stride not in (None, 1):
            raise SettingError("A row is covered one column at a time; leave out size= and stride=.")
        return Windows(np.array([0]), np.arange(len(given.values)), 1, stand_in)
    count, steps = given.by_curve(given.values).shape
    size = need_whole("occluder's size", max(1, round(steps / 10)) if size is None else size, 1, steps)
    stride = need_whole("occluder's stride", max(1, size // 2) if stride is None else stride, 1, steps)
    return Windows(np.arange(count), places_on(steps, size, stride), size, stand_in)


def _stand_in(model: Model, seen: View, given: Given, fill: str) -> Array:
    x = kernels.to_cpu(seen.x)
    if fill == "mean":
        if given.kind == "row":
            return np.zeros_like(x)
        return np.broadcast_to(x.mean(axis=1 + given.steps, keepdims=True), x.shape)
    try:
        level = 0.0 if fill == "black" else float(fill)
    except (TypeError, ValueError):
        level = float("nan")
    if not np.isfinite(level):
        raise SettingError(f"Of numbers fill is mean, black (zero) or a number, but got {fill!r:.40}.")
    filled: Array = model.reader().read(np.full(x.shape[1:], level), x.dtype)
    return filled


def spread(given: Given, drop: Array, measured: Array, firsts: Array, size: int) -> Array:
    """Return what covering takes away, (C, W), in the input's own shape: the mean over the windows of each place."""
    if given.kind == "row":
        return np.asarray(drop[0])
    windows = covers(firsts, size, given.values.shape[given.steps])  # (W, T)
    curves = (drop @ windows) / np.maximum(measured @ windows, 1)
    return given.by_curve(curves)  # (C, T), or turned again


def over_numbers(
    frame: OcclusionMap, run: Measured, seen: View, windows: Windows, fill: str, batch: int, state: State | None
) -> Iterator[OcclusionMap]:
    """Cover one column, or one window of a curve, after another; each asks the whole net."""
    given = seen.given
    assert given is not None  # what the caller has asked
    mean = "the mean that the net's reader subtracts" if given.kind == "row" else "the mean of its curve"
    frame = replace(
        frame,
        values=np.full((len(windows.curves), len(windows.firsts)), np.nan),
        tops=windows.curves,
        lefts=windows.firsts,
        size=windows.size,
        fill={"mean": mean, "black": "zero"}.get(fill, str(fill)),
    )
    count = frame.values.size
    run = begun(run.model, run.tape, run.units, run.readings, count)
    done, pace = run.go_on(state), Pace()
    while done < count:
        places = list(range(done, min(done + batch, count)))
        answers = run.model.net.forward(windows.covered(given, seen.x, places), upto=run.nodes, fuse=True)
        run.outputs[places] = run.read(answers.values)
        done += len(places)
        if done < count and pace.due():
            yield filled(frame, run, done)
    yield filled(frame, run, done)
