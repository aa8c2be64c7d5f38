"""The second opinion where noise forces large steps: a change is the integral of the gradient on the way.

Between x - h and x + h the function may bend, have kinks or oscillate without being seen, when its result is so large
that all this is below the last digit. A right gradient has the bends in it: its mean over the stretch is the measured
slope of the chord. A wrong one fails here, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe, Slope, moved
from minitorch_viz.gradcheck.noise import norm

PARTS = 32  # of the stretch
BETWEEN = np.array([-0.8211, -0.4373, -0.0618, 0.3214, 0.7062])  # where an oscillation in step with the parts shows


def explains(probe: Probe, line: Line, slope: Slope, yours_at: Callable[[Array], Array]) -> bool:
    """Return True if backward's own answers along the stretch add up to the measured change, or if this cannot be told.

    slope: was measured with steps up to slope.step; yours_at: backward's gradient of the tensor at another x.
    """
    weights = np.asarray(line.weights, float)

    def along(t: float) -> float:
        return float(np.sum(yours_at(moved(probe.x, line.part, t * weights))[line.part] * weights))

    with np.errstate(all="ignore"):
        places = np.linspace(-slope.step, slope.step, PARTS + 1)
        yours = np.array([along(t) for t in places])
        low, high, _ = probe.pair(line, slope.step)
        chord = float(np.sum(probe.dy * ((high - low) / (2 * slope.step))))
        fine, coarse = _mean(yours), _mean(yours[::2])
        changes = np.diff(yours)
        changes[np.abs(changes) < 1e-9 * np.max(np.abs(yours))] = 0  # rounding
        turns = int(np.sum(changes[1:] * changes[:-1] < 0))
        largest = float(np.max(np.abs(changes)))
        deviations = np.array([along(t) for t in BETWEEN * slope.step]) - np.interp(BETWEEN * slope.step, places, yours)
        jump = max(0.0, largest - 4 * float(np.median(np.abs(changes)))) / PARTS
        doubt = norm(probe.dy * probe.noise) / slope.step + 2 * abs(fine - coarse) / TRUST + jump / TRUST
    unresolved = turns > PARTS / 4 or np.any(np.abs(deviations) > largest + 1e-9 * np.max(np.abs(yours)))
    return bool(unresolved) or not abs(fine - chord) > TRUST * doubt  # nan: not finite somewhere on the way


def _mean(values: Array) -> float:
    """Return the mean of a function from an odd number of even points (Simpson)."""
    weights = np.ones(len(values))
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return float(weights @ values / weights.sum())
