"""Deletion and insertion: take the hottest pixels away, or put them in first, and watch the class's probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError, near, need_whole
from minitorch_viz.grading.checks import need_map, need_number

Probability: TypeAlias = Callable[[Array], Array]  # inputs (B, C, h, w) -> the class's probability (B,)
Baseline = Literal["blur", "mean"]
BLUR = 0.1  # of the shorter side: the blur's standard deviation


@dataclass(frozen=True, eq=False)
class Curve:
    """Hold a class's probability while pixels change, hottest first."""

    shares: Array  # (steps + 1,): of the pixels that have changed, 0 to 1
    values: Array  # (steps + 1,): the probability then, 0..1

    @property
    def area(self) -> float:
        """Return the area below the curve, 0..1 (trapezoids)."""
        return float(np.trapezoid(self.values, self.shares))


def deletion(
    probability: Probability, x: Array, heat: Array, *, background: Array, steps: int = 16, seed: int = 0
) -> Curve:
    """Measure the probability while the hottest pixels are replaced by the background; a lower area is better.

    A map that found what the net uses makes the probability fall at once. It grades the map by the net, not by the
    truth: a net that goes by the background is served by a map of the background.

    probability: inputs (B, C, h, w) -> (B,). x (1, C, h, w): the net's input. heat (h, w). background (1, C, h, w):
    what stands in (see `baseline_of`). steps: how often the net is asked; equal numbers of pixels each time.
    Pixels of equal heat come in an order drawn from `seed`.

    Raises ShapeError if the arrays do not fit, SettingError for fewer steps than 1.

    Paper: Petsiuk, Das, Saenko 2018 (RISE).
    """
    x, background, heat = _fitting(x, background, heat)
    return _curve(probability, x, background, _order(heat, seed), steps)


def insertion(
    probability: Probability, x: Array, heat: Array, *, background: Array, steps: int = 16, seed: int = 0
) -> Curve:
    """Measure the probability while the hottest pixels appear on the background; a higher area is better.

    Arguments, errors and paper as in `deletion`; there the background was a blurred picture, which hides shapes without
    new edges.
    """
    x, background, heat = _fitting(x, background, heat)
    return _curve(probability, background, x, _order(heat, seed), steps)


def baseline_of(x: Array, kind: Baseline = "blur", blur: float = BLUR) -> Array:
    """Return what replaces pixels, (1, C, h, w): a blurred copy of x, or its mean colour.

    blur: the standard deviation, as a share of the shorter side.
    """
    if kind not in ("blur", "mean"):
        raise SettingError(f"There is no baseline {kind!r}; {near(kind, ('blur', 'mean'), 'baseline')}.")
    x = _image(x, "x")
    if kind == "mean":
        mean: Array = np.broadcast_to(x.mean(axis=(2, 3), keepdims=True), x.shape).astype(x.dtype)
        return mean
    from scipy.ndimage import gaussian_filter

    sigma = need_number("blur", blur, 0, 1) * min(x.shape[2:])
    blurred: Array = gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest")
    return blurred


def _curve(probability: Probability, start: Array, goal: Array, order: Array, steps: int) -> Curve:
    """Go from `start` to `goal`, pixel by pixel in `order`."""
    steps = need_whole("number of steps", steps, 1, order.size)
    counts = np.round(np.linspace(0, order.size, steps + 1)).astype(int)
    rank = np.empty(order.size, int)
    rank[order] = np.arange(order.size)
    changed = rank.reshape(1, 1, *start.shape[2:]) < counts[:, None, None, None]  # (steps + 1, 1, h, w)
    values = np.asarray(probability(np.where(changed, goal, start)), np.float64)
    if values.shape != counts.shape:
        raise ShapeError(
            f"probability must return one number for each of {len(counts)} inputs, but returned shape {values.shape}."
        )
    return Curve(counts / order.size, values)


def _order(heat: Array, seed: int) -> Array:
    """Return the pixels' numbers, hottest first; ties in random order, so that no corner is preferred."""
    ties = np.random.default_rng(need_whole("seed", seed, 0)).permutation(heat.size)
    order: Array = np.lexsort((ties, -heat.ravel()))
    return order


def _fitting(x: Any, background: Any, heat: Any) -> tuple[Array, Array, Array]:
    x, background, heat = _image(x, "x"), _image(background, "background"), need_map(heat)
    if background.shape != x.shape:
        raise ShapeError(f"background has shape {background.shape}, but x has {x.shape}; see baseline_of.")
    if heat.shape != x.shape[2:]:
        raise ShapeError(f"heat has shape {heat.shape}, but the net's input has {x.shape[2:]} pixels; resize the map.")
    return x, background, heat


def _image(x: Any, label: str) -> Array:
    if not isinstance(x, np.ndarray) or x.ndim != 4 or len(x) != 1 or x.dtype.kind != "f":
        given = f"{x.dtype} of shape {x.shape}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
        raise ShapeError(f"{label} must be one input of the net, floats (1, C, h, w), but got {given}.")
    return x
