"""Settings that change along a run: blur that shrinks, crops that close in."""

from __future__ import annotations

from minitorch_viz.errors import SettingError


def ramp(start: float, end: float, step: int, steps: int) -> float:
    """Return the number on the straight line from `start`, at step 0, to `end`, at the last step, steps - 1.

    Both ends are exact. A run of one step has `start`.

    >>> [ramp(2.5, 0.5, step, 5) for step in range(5)]
    [2.5, 2.0, 1.5, 1.0, 0.5]
    """
    if not 0 <= step < steps:
        raise SettingError(f"A run of {steps} steps has steps 0 to {steps - 1}, but got step {step}.")
    share = step / (steps - 1) if steps > 1 else 0.0
    return start * (1 - share) + end * share
