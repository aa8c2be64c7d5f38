"""One step of Yosinski et al. 2015: ascent, decay, blur, masks, in the order of their program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.optimize.regularizers.blur import blur
from minitorch_viz.optimize.regularizers.decay import decay
from minitorch_viz.optimize.regularizers.masks import small_contributions, small_norms, small_values
from minitorch_viz.optimize.units import Units


@dataclass(frozen=True)
class YosinskiStep:
    """Take x to the next picture: clip, x + rate gradient, decay, blur every some steps, masks.

    decay: share of the way to the mean colour. radius: of the blur, in pixels, every `every` steps from the first on;
    either at 0: no blur. values, norms, contributions: percentages of the masks, in this order.
    Contributions are those of the picture after the blur, by the gradient of the picture before the step.
    Paper: Yosinski et al. 2015.
    """

    decay: NumberField = NumberField(1e-4, least=0, most=1)
    radius: NumberField = NumberField(1.0, least=0)
    every: WholeField = WholeField(4, least=0)
    values: NumberField = NumberField(0.0, least=0, most=100)
    norms: NumberField = NumberField(0.0, least=0, most=100)
    contributions: NumberField = NumberField(0.0, least=0, most=100)

    def next(self, x: Array, gradient: Array, rate: float | Array, step: int, units: Units) -> Array:
        """Return the next picture (N, C, H, W).

        x is clipped to 0..255 before the ascent; the gradient (N, C, H, W) is the objective's, which is climbed. rate:
        a number, or (N, 1, 1, 1), such as `progress_rate`'s. step: counts from 0.
        """
        x = decay(units.clip(x) + rate * gradient, self.decay)
        if self.every and step % self.every == 0:
            x = blur(x, self.radius)
        if self.values:
            x = small_values(x, self.values)
        if self.norms:
            x = small_norms(x, self.norms)
        if self.contributions:
            x = small_contributions(x, gradient, self.contributions)
        return x


def progress_rate(gradient: Array, progress: float, most: float) -> Array:
    """Return (N, 1, 1, 1): the rate at which the objective rises by `progress`, to first order, but at most `most`.

    rate = progress / |gradient|^2; where the gradient is 0, `most`.
    """
    squares = np.sum(gradient**2, axis=(1, 2, 3), keepdims=True)
    smallest = np.asarray(progress / most, gradient.dtype)
    rate: Array = np.asarray(progress, gradient.dtype) / np.maximum(squares, smallest)
    return rate
