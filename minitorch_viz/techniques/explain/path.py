"""Gradients along the straight way from a baseline to a photo: the integral behind integrated gradients.

    share_i = (x_i - b_i) * integral of d score / d x_i at b + a (x - b), for a from 0 to 1

The shares add up to score(x) - score(b) as far as the sum over the steps is the integral (completeness).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.techniques.explain.signals import CHUNK_IMAGES, parts, stem, through_stem
from minitorch_viz.techniques.explain.unit import value_of
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State

Rule = Literal["gauss-legendre", "midpoint"]

MANY_STEPS = 512  # steps


class Path(NamedTuple):
    """Hold what was met on the way."""

    shares: Array  # (C, h, w)
    places: Array  # (steps,) a, from 0 (the baseline) to 1 (the photo)
    weights: Array  # (steps,) of the sum; they add up to 1
    values: Array  # (steps,) the unit's value at each place; NaN where the walk has not been yet
    slopes: Array  # (steps,) its derivative along the way; their weighted sum is the sum of the shares
    ends: tuple[float, float]  # the unit's value at the baseline and at the photo
    done: int  # the steps that have been walked
    state: State  # "signal", (1, ...): the weighted sum of the gradients where the walk begins

    @property
    def gap(self) -> float:
        """Return how far the shares miss the difference of the ends, as a share of it; infinite if there is none.

        NaN on the way, before all steps are walked.
        """
        rise, total = self.ends[1] - self.ends[0], float(self.weights @ self.slopes)
        if rise == 0:
            return 0.0 if total == 0 else float("inf")
        return abs(total - rise) / abs(rise)


def nodes_of(rule: Rule, steps: int) -> tuple[Array, Array]:
    """Return places and weights of a sum that stands for the integral from 0 to 1."""
    if rule == "midpoint":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
    if steps > MANY_STEPS:  # NumPy's time grows with the cube of the steps: many minutes for 10,000, here some seconds
        from scipy.special import roots_legendre

        places, weights = roots_legendre(steps)
    else:
        places, weights = np.polynomial.legendre.leggauss(steps)
    return (1 + places) / 2, weights / 2


def walk(
    net: Net,
    x: Array,
    base: Array,
    objective: Objective,
    rule: Rule,
    steps: int,
    chunk: int = CHUNK_IMAGES,
    pace: Pace | None = None,
    begun: Path | None = None,
) -> Iterator[Path]:
    """Walk from `base` to `x`, both (1, C, h, w), and yield what has been met so far; the last has all steps.

    An affine first layer maps the straight way to a straight way, so the walk begins above it, and one backward pass
    through it with the sum of the signals is the same as one for each step.
    pace: how often to yield on the way; None: at the end only.
    begun: a path of the same walk, which is gone on from; one with all steps is yielded as it is.
    """
    places, weights = nodes_of(rule, steps)
    device = kernels.device_of(x)
    name = stem(net, objective) or net.inputs[0]
    low, high = (net.predict(end, upto=name) if name in net else end for end in (base, x))
    difference = high - low
    total = np.zeros_like(difference.ravel())
    values, slopes, done = np.full(steps, np.nan), np.full(steps, np.nan), 0
    if begun is not None:
        total += kernels.to_device(begun.state.arrays["signal"].ravel(), device)
        values[:], slopes[:], done = begun.values, begun.slopes, begun.done
        if done == steps:
            yield begun
    first, last = (value_of(objective, net.forward(end, upto=objective.nodes)) for end in (base, x))
    for part in parts(steps, chunk):
        if part.stop <= done:
            continue
        a = kernels.to_device(places[part].astype(x.dtype), device).reshape(-1, *[1] * (difference.ndim - 1))
        images = a * difference
        images += low
        tape = net.forward(given={name: images}, upto=objective.nodes, fuse=True)
        signals = net.backward(tape, objective.seeds(tape), wrt=name)[name].reshape(len(a), -1)
        values[part] = kernels.to_cpu(objective.value(tape))
        slopes[part] = kernels.to_cpu(kernels.matmul(signals, difference.reshape(-1, 1)))[:, 0]
        total += kernels.matmul(kernels.to_device(weights[None, part].astype(x.dtype), device), signals)[0]
        if part.stop == steps or (pace is not None and pace.due()):
            signal = total.reshape(difference.shape)
            gradient = through_stem(net, name, x, signal) if name in net else signal
            shares = kernels.to_cpu(gradient * (x - base))[0]
            sums = State({"signal": kernels.to_cpu(signal).copy()}, {})
            yield Path(shares, places, weights, values.copy(), slopes.copy(), (first, last), part.stop, sums)


def follow(
    net: Net, x: Array, base: Array, objective: Objective, rule: Rule, steps: int, chunk: int = CHUNK_IMAGES
) -> Path:
    """Walk the whole way from `base` to `x`, both (1, C, h, w)."""
    *_, path = walk(net, x, base, objective, rule, steps, chunk)
    return path
