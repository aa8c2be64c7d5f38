"""Lucid's redirected ReLU, for the first steps of an ascent: where no unit is on, pass what would switch one on.

An ascent on a unit that is off, or behind a layer of units that all are, has no gradient and never begins. Where
nothing of an image's signal comes through a ReLU, this rule passes

    dy where dy > 0      the signal that would raise a unit which is off (of a ReLU6 at its ceiling: dy < 0, lower it)

and everywhere else the gradient. A unit that is off and would be pushed lower gets nothing. dy is the
derivative of what is climbed; Lucid's code has the sign of a loss.

Olah, Mordvintsev, Schubert 2017, "Feature visualization"; lucid/misc/redirected_relu_grad.py. Lucid uses it for the
first 16 steps and goes on with the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Rules
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.layers.relu6 import ReLU6

STEPS = 16  # of an ascent, in which Lucid redirects


def redirected(layer: ReLU | ReLU6, dy: Array, saved: Any) -> Array:
    """Pass the gradient; for an image of which nothing comes through, the signal that leads units out of their ends.

    It looks at all of a map, so it is not `@local`. dy (K, ...) -> dx (K, ...).
    """
    passed: Array = np.where(saved.on, dy, 0)
    nothing = ~passed.reshape(len(dy), -1).any(axis=1).reshape(-1, *[1] * (dy.ndim - 1))
    at_ceiling = saved.y >= layer.limits[0] if layer.limits else False
    leads_out = saved.on | np.where(at_ceiling, dy < 0, dy > 0)
    return np.where(nothing & leads_out, dy, passed)


def redirected_relus() -> Rules:
    """Return the backward rules of an ascent's first steps: `net.backward(tape, seeds, rules=redirected_relus())`."""
    return {ReLU: redirected, ReLU6: redirected}
