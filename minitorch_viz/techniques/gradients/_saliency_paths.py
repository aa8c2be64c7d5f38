"""The gradient as a sum over paths: those of positive product, those of negative product, and what cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import Sheet, robust_max, show_magnitude, show_signed
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rules, Tape
from minitorch_viz.layers import Layer
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.paths import path_magnitudes, positive_paths
from minitorch_viz.rules.shares import positive_part
from minitorch_viz.techniques.explain.maps import one_map
from minitorch_viz.techniques.explain.view import names_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.gradients.saliency import SaliencyMap

MODE = "positive-paths"


class Paths(NamedTuple):
    """Hold sums over the paths from the value to each pixel, each path as the product of its derivatives.

    The gradient is `above - below`. `signal` is a part of `above`: an even number of negative derivatives makes a
    positive product, too.
    """

    signal: Array  # (C, h, w): the paths whose derivatives are all positive
    above: Array  # (C, h, w): the paths of positive product
    below: Array  # (C, h, w), not negative: the magnitudes of those of negative product
    left: float  # what does not cancel: sum |above - below| / sum (above + below), over all pixels and colours, 0 to 1
    blank: str  # why `signal` is nothing to draw; "" if it is something

    @property
    def cancelled(self) -> float:
        """Return the share that cancels, 1 - `left`: 0 where all paths to each pixel have one sign; 0 without paths."""
        return 1 - self.left


def paths_at(model: Model, x: Array, tape: Tape, objective: Objective, gradient: Array) -> Paths:
    """Return what the paths add up to whose sum is `gradient` (C, h, w), on the tape of one image x (1, C, h, w).

    There are so many paths that their magnitudes may overflow single precision; then all is done again in double.
    A seed is the path's first derivative: where it is negative no path has positive derivatives only.
    """
    try:
        signal, sizes = _both_passes(model.net, tape, objective)
        if not np.isfinite(sizes).all() and np.isfinite(gradient).all():
            double = model.astype(np.float64)
            signal, sizes = _both_passes(
                double.net, double.net.forward(x.astype(np.float64), upto=objective.nodes), objective
            )
    except SettingError as error:
        return _none(gradient, f"there is no such sum: {str(error)[:-1]}")
    if not (np.isfinite(sizes).all() and np.isfinite(gradient).all()):
        return _none(gradient, "the sums of so many paths are no finite numbers")
    exact = gradient.astype(np.float64)
    sizes = np.maximum(sizes, np.abs(exact))  # to rounding they are so already
    left = float(np.abs(exact).sum() / total) if (total := sizes.sum()) else 1.0
    blank = "" if signal.any() else "no path from it to a pixel has positive derivatives only"
    return Paths(signal, (sizes + exact) / 2, (sizes - exact) / 2, left, blank)


def _both_passes(net: Net, tape: Tape, objective: Objective) -> tuple[Array, Array]:
    """Return the sums over the positive paths and over all magnitudes, (C, h, w) each in double precision."""
    seeds, pixels = objective.seeds(tape), net.inputs[0]
    sums = []
    with np.errstate(over="ignore", invalid="ignore"):
        for rule, part in ((positive_paths, positive_part), (path_magnitudes, np.abs)):
            starts = {name: part(seed) for name, seed in seeds.items()}
            rules: Rules = {Layer: rule}
            sums.append(kernels.to_cpu(net.backward(tape, starts, rules=rules)[pixels])[0].astype(np.float64))
    return sums[0], sums[1]


def _none(gradient: Array, why: str) -> Paths:
    nothing = np.zeros(gradient.shape)
    return Paths(nothing, nothing, nothing, 1.0, why)


def in_words(paths: Paths) -> str:
    """Return how much cancels: "97.3 % of all paths' magnitude cancels"; of nearly all, what is left."""
    if paths.left >= 0.001:
        return f"{100 * paths.cancelled:.1f} % of all paths' magnitude cancels"
    return f"all but {paths.left:.1g} of all paths' magnitude cancels"


def path_titles(result: SaliencyMap) -> list[list[str | None]]:
    """Return the titles of the row that `draw_paths` draws; no row where there are no paths."""
    paths = result.paths
    if paths is None or not paths.above.any():
        return []
    top = f"{_top(paths):.2g}"
    row: list[str | None] = [
        None,
        f"paths of positive product: white at {top}",
        f"less those of negative product: white at {top}",
    ]
    return [[*row, f"are the gradient: full at ±{top}", *[None] * (len(result.signals) - 3)]]


def draw_paths(result: SaliencyMap, sheet: Sheet) -> None:
    """Draw the two sums and their difference on one scale, in the last row: what is left of so much."""
    paths, aspect = result.paths, result.pixel_aspect
    if paths is None or not paths.above.any():
        return
    top, (words, above, below, gradient, *_) = _top(paths), sheet.axes[-1]
    show_magnitude(above, one_map(paths.above, "gradient"), pixel_aspect=aspect, scale=top)
    show_magnitude(below, one_map(paths.below, "gradient"), pixel_aspect=aspect, scale=top)
    show_signed(gradient, paths.above - paths.below, pixel_aspect=aspect, scale=top, names=names_of(result))
    told = in_words(paths)
    sheet.write(words, ("The gradient as a sum over paths, all on one scale:", f"{told[0].upper()}{told[1:]}."))


def _top(paths: Paths) -> float:
    return max(robust_max(one_map(values, "gradient")) for values in (paths.above, paths.below))
