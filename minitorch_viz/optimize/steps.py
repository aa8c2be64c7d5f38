"""What a stage does to gradient and picture, as values: `Blurred(2.5, 0.78)` is a blur that shrinks along the stage.

Each is called once a step, and is one line of a published recipe. The arithmetic is the regularizers'.
"""

from __future__ import annotations

from dataclasses import dataclass

from minitorch_viz._types import Array
from minitorch_viz.optimize.regularizers import blur, decay, laplacian_normalized, normalized
from minitorch_viz.optimize.regularizers.normalized import Measure
from minitorch_viz.optimize.stage import Moment


@dataclass(frozen=True)
class BlurredGradient:
    """Blur the gradient by `start` pixels in the first step to `end` in the last."""

    start: float
    end: float

    def __call__(self, gradient: Array, moment: Moment) -> Array:
        return blur(gradient, moment.between(self.start, self.end))


@dataclass(frozen=True)
class Normalized:
    """Bring the gradient to one size, each picture's on its own."""

    by: Measure = "mean"

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return normalized(gradient, self.by)


@dataclass(frozen=True)
class LaplacianNormalized:
    """Make every scale of the gradient as strong as the others."""

    levels: int = 4

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return laplacian_normalized(gradient, self.levels)


@dataclass(frozen=True)
class Clipped:
    """Bring the pixels back into 0..255."""

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return moment.units.clip(x)


@dataclass(frozen=True)
class Decayed:
    """Take a share of the way back to the mean colour."""

    share: float

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return decay(x, self.share)


@dataclass(frozen=True)
class Blurred:
    """Blur the picture by `start` pixels in the first step to `end` in the last, in every `every`-th step."""

    start: float
    end: float
    every: int = 1

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return x if moment.step % self.every else blur(x, moment.between(self.start, self.end))
