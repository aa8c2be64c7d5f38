"""What a stage does to gradient and picture, as values: `Blurred(2.5, 0.78)` is a blur that shrinks along the stage.

Each is called once a step, and is one line of a published recipe. The arithmetic is the regularizers'.

Radii are in pixels of a picture of `side` pixels, the paper's; of a smaller picture they are the same part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.parametrizations.colours import colour_matrix, mixed
from minitorch_viz.optimize.regularizers import (
    bilateral,
    blur,
    decay,
    denoised,
    laplacian_normalized,
    normalized,
    progress_rate,
    small_contributions,
    small_norms,
    small_values,
)
from minitorch_viz.optimize.regularizers.normalized import Measure
from minitorch_viz.optimize.stage import Moment

# Of the gradient.


@dataclass(frozen=True)
class BlurredGradient:
    """Blur the gradient by `start` pixels in the first step to `end` in the last."""

    start: float
    end: float
    side: int = 224

    def __call__(self, gradient: Array, moment: Moment) -> Array:
        return blur(gradient, moment.of_side(moment.between(self.start, self.end), self.side))


@dataclass(frozen=True)
class Normalized:
    """Bring the gradient to one size, each picture's on its own."""

    by: Measure = "mean"
    size: float = 1.0

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        even: Array = normalized(gradient, self.by) * np.asarray(self.size, gradient.dtype)
        return even


@dataclass(frozen=True)
class LaplacianNormalized:
    """Make every scale of the gradient as strong as the others."""

    levels: int = 4

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return laplacian_normalized(gradient, self.levels)


@dataclass(frozen=True)
class Decorrelated:
    """Turn the gradient towards what is straight uphill in colours without correlation: more brightness, less hue.

    With colour = M decorrelated, the gradient by the decorrelated colours is M' g, and moves the colours by M M' g.
    share: how far to turn, as the power of M M': 1 is that step, 0 the plain gradient.
    Only three channels have known colours; other gradients stay as they are. Paper: Lucid, Olah et al. 2017.
    """

    share: float = 1.0

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        matrix = colour_matrix("lucid", gradient.shape[1])
        strengths, axes = np.linalg.eigh(matrix @ matrix.T)
        return mixed((axes * strengths**self.share) @ axes.T, gradient)


@dataclass(frozen=True)
class Progress:
    """Multiply the gradient by the rate at which the score rises by `desired` a step, but at most by `most`.

    size: the mean magnitude of the gradients that `most` is stated for; None: `most` is as it is.
    """

    desired: float
    most: float
    size: float | None = None

    def __call__(self, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        most: float | Array = self.most
        if self.size is not None:
            magnitude = np.abs(gradient).mean(axis=(1, 2, 3), keepdims=True)
            most = self.most * self.size / np.maximum(magnitude, 1e-20)
        return gradient * progress_rate(gradient, self.desired, most)


@dataclass(frozen=True)
class Centred:
    """Weigh the gradient by a Gaussian about the middle, `spread` of each side wide: one object, not several."""

    spread: float

    def __call__(self, gradient: Array, moment: Moment) -> Array:
        rows, columns = (
            np.exp(-0.5 * (((np.arange(side) + 0.5) / side - 0.5) / self.spread) ** 2).astype(gradient.dtype)
            for side in moment.size
        )
        weighed: Array = gradient * rows[:, None] * columns
        return weighed


# Of the picture.


@dataclass(frozen=True)
class Clipped:
    """Bring the pixels back into 0..255."""

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        return moment.units.clip(x)


@dataclass(frozen=True)
class Bounded:
    """Shorten the colour of each pixel, pixel - mean over its channels, to a length of at most `length`."""

    length: float

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        lengths = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
        shorter: Array = x * (np.asarray(self.length, x.dtype) / np.maximum(lengths, self.length))
        return shorter


@dataclass(frozen=True)
class OnSphere:
    """Bring the picture to one length: the root of the mean of (pixel - mean)^2 over all its values is `spread`."""

    spread: float

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        on_sphere: Array = normalized(x, "length") * np.asarray(self.spread * np.sqrt(x[0].size), x.dtype)
        return on_sphere


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
    side: int = 224

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        if moment.step % self.every:
            return x
        return blur(x, moment.of_side(moment.between(self.start, self.end), self.side))


@dataclass(frozen=True)
class Smoothed:
    """Blur the picture but for its edges (`regularizers/bilateral.py`), by `start` pixels to `end` along the stage."""

    start: float
    end: float
    colour: float = 30.0
    window: int = 5
    side: int = 224

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        radius = moment.of_side(moment.between(self.start, self.end), self.side)
        return bilateral(x, self.colour, radius, self.window)


@dataclass(frozen=True)
class Denoised:
    """In the last step, take total variation out of the picture: the smaller the weight, the more."""

    weight: float
    side: int = 224

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        # In a picture half as large, an area is a quarter as many pixels, its edge only half as many.
        return denoised(x, self.weight / moment.of_side(1.0, self.side)) if moment.is_last else x


@dataclass(frozen=True)
class Masked:
    """Set to the mean colour what is small, percentages of the picture: values, then pixels, then what hardly counts.

    What counts is measured by the gradient that the picture was just moved along.
    """

    values: float = 0.0
    norms: float = 0.0
    contributions: float = 0.0

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        if self.values:
            x = small_values(x, self.values)
        if self.norms:
            x = small_norms(x, self.norms)
        if self.contributions:
            x = small_contributions(x, gradient, self.contributions)
        return x


@dataclass(frozen=True)
class Contrasted:
    """In the last step, bring the picture to a standard deviation of `spread` about its own mean, each on its own."""

    spread: float

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        if not moment.is_last:
            return x
        middle = x.mean(axis=(1, 2, 3), keepdims=True)
        contrasted: Array = middle + np.asarray(self.spread, x.dtype) * normalized(x - middle, "deviation")
        return contrasted
