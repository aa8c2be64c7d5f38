"""Schedules: the rate of every step. A schedule is any function step -> rate; these six have settings.

Steps count from 0; past its end a schedule stays at its last rate.

>>> cosine = Cosine(0.1, steps=100)
>>> [round(cosine(step), 3) for step in (0, 50, 100)]
[0.1, 0.05, 0.0]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import index
from typing import TypeAlias

from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField, WholeField

Schedule: TypeAlias = Callable[[int], float]


@dataclass(frozen=True)
class Constant:
    """Give the same rate at every step."""

    rate: NumberField = NumberField(least=0)

    def __call__(self, step: int) -> float:
        _checked(step)
        return self.rate


@dataclass(frozen=True)
class StepDecay:
    """Give the rate times `factor` after every `every` steps: 0.1, 0.1, ..., 0.01, 0.01, ..."""

    rate: NumberField = NumberField(least=0)
    every: WholeField = WholeField(least=1)
    factor: NumberField = NumberField(0.1, least=0)

    def __call__(self, step: int) -> float:
        return self.rate * self.factor ** (_checked(step) // self.every)


@dataclass(frozen=True)
class Cosine:
    """Go from `rate` at step 0 along half a cosine to `end` at step `steps` (Loshchilov, Hutter 2017, one period)."""

    rate: NumberField = NumberField(least=0)
    steps: WholeField = WholeField(least=1)
    end: NumberField = NumberField(0.0, least=0)

    def __call__(self, step: int) -> float:
        step = min(_checked(step), self.steps)
        return (self.rate - self.end) * 0.5 * (1 + math.cos(math.pi * step / self.steps)) + self.end


@dataclass(frozen=True)
class OneCycle:
    """Go up to `peak` and down to nearly nothing in one cycle of `steps` steps, both along half a cosine.

    Smith and Topin 2018. Step 0 has peak / start, the step that is the share `warmup` of the way has `peak`, and the
    last step, steps - 1, has peak / (start * end): PyTorch's OneCycleLR, where start and end are called div_factor and
    final_div_factor.
    """

    peak: NumberField = NumberField(least=0)
    steps: WholeField = WholeField(least=2)
    warmup: NumberField = NumberField(0.3, least=0, most=1)
    start: NumberField = NumberField(25.0, least=1)
    end: NumberField = NumberField(1e4, least=1)

    def __call__(self, step: int) -> float:
        last = self.steps - 1
        step = min(_checked(step), last)
        top = min(max(self.warmup * self.steps - 1, 0.0), last)  # where the peak is, in steps; PyTorch's place
        first, lowest = self.peak / self.start, self.peak / (self.start * self.end)
        if step <= top and top > 0:
            return _along_cosine(first, self.peak, step / top)
        return _along_cosine(self.peak, lowest, (step - top) / (last - top)) if last > top else self.peak


@dataclass(frozen=True)
class Triangle:
    """Go in a straight line from 0 up to `peak`, which is the share `top` of the way, and down to 0 at step `steps`.

    The cyclic schedule of Smith 2017 in one cycle, as Wong, Rice and Kolter 2020 train with.
    """

    peak: NumberField = NumberField(least=0)
    steps: WholeField = WholeField(least=2)
    top: NumberField = NumberField(0.4, least=0, most=1)

    def __call__(self, step: int) -> float:
        step, top = min(_checked(step), self.steps), self.top * self.steps
        return self.peak * (step / top if step < top else (self.steps - step) / max(self.steps - top, 1e-9))


@dataclass(frozen=True)
class Warmup:
    """Go in a straight line from 0 to another schedule's first rate over `steps` steps, then follow that schedule."""

    then: Schedule
    steps: WholeField = WholeField(least=1)

    def __post_init__(self) -> None:
        if not callable(self.then):
            raise SettingError(f"Warmup's then must be a schedule such as Cosine(0.1, 1000), but got {self.then!r}.")

    def __call__(self, step: int) -> float:
        step = _checked(step)
        return self.then(0) * step / self.steps if step < self.steps else self.then(step - self.steps)


def _along_cosine(first: float, last: float, share: float) -> float:
    """Return the rate along half a cosine from `first` (share 0) to `last` (share 1)."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))


def _checked(step: int) -> int:
    try:
        number = index(step)
    except TypeError:
        number = -1
    if number < 0 or isinstance(step, bool):
        raise SettingError(f"A schedule's step must be a whole number of at least 0, but got {step!r}.")
    return number
