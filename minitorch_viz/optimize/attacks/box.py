"""What an attack may change, and the way from there to what the net takes.

Of a picture these are its pixels, each from 0 to 255, whatever mean and std the net wants: both are inside. Of a row or
a series they are the numbers in the net's own units (in standard deviations, where its reader knows them), within the
range of what is attacked unless another one is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers import Bands, Numbers, Preprocessing
from minitorch_viz.optimize.units import WHITE, Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model

STEPS = 255  # in which a range is divided where a size is given in grey levels
OUTSIDE = 0.5  # grey levels that a pixel may lie outside 0..255, by rounding, and still count as one


@dataclass(frozen=True, eq=False)
class Box:
    """Hold the bounds of every value, and go between values (N, ...) and the net's input, (value - mean) / std.

    Arrays of values are float64, so that x + eps - x is eps; what the net takes is in its own precision.
    """

    low: float
    high: float
    mean: Array  # of one value's shape, or one that broadcasts: (C, 1, 1)
    std: Array
    dtype: npt.DTypeLike  # of the net
    pictures: bool  # whether the values are pixels 0..255
    words: str  # what the bounds are, a clause

    @classmethod
    def of(cls, model: Model, x: Array, low: float | None = None, high: float | None = None) -> Self:
        """Return the box of a net's inputs x (N, ...), as its reader gives them.

        low, high: of rows and series, in the net's own units; None: the range of x.
        Raises SettingError for a net that takes neither pictures nor numbers.
        """
        reader = model.reader()
        if isinstance(reader, Preprocessing):
            units = Units.of(reader)
            mean, std = (np.array(each, np.float64).reshape(-1, 1, 1) for each in (units.mean, units.std))
            pixels = x.astype(np.float64) * std + mean
            if pixels.min() >= -OUTSIDE and pixels.max() <= WHITE + OUTSIDE:
                return cls(0.0, WHITE, mean, std, model.dtype, True, "every pixel stays within 0 and 255")
        elif not isinstance(reader, Numbers) or reader.whole:
            raise SettingError(
                f"{model.name} takes {'whole numbers' if isinstance(reader, Numbers) else reader.noun}: there is "
                "nothing between two of them, so that no small change can be made."
            )
        lowest = float(x.min()) if low is None else float(low)
        highest = float(x.max()) if high is None else float(high)
        if not lowest < highest:
            lowest, highest = lowest - 1.0, highest + 1.0
        zero, unit = np.zeros(1), np.ones(1)
        noun = "channels" if isinstance(reader, Bands) or x.ndim == 4 else "numbers"
        words = f"the {noun} are no pixels of 0 to 255: each stays within {lowest:.4g} and {highest:.4g}"
        if low is None and high is None:
            words += ", the range of what was given"
        return cls(lowest, highest, zero, unit, model.dtype, False, words)

    @property
    def span(self) -> float:
        """Return the largest less the smallest value."""
        return self.high - self.low

    @property
    def grain(self) -> float:
        """Return a 255th of the range: of a picture 1, a grey level."""
        return self.span / STEPS

    def values(self, x: Array) -> Array:
        """Return the values of a net's input, float64, within the bounds."""
        return self.clip(x.astype(np.float64) * self.std + self.mean)

    def net(self, values: Array) -> Array:
        """Return the net's input for values (N, ...), in the net's precision."""
        return ((values - self.mean) / self.std).astype(self.dtype)

    def gradient(self, gradient: Array) -> Array:
        """Carry a gradient by the net's input back to the values: `net` is affine."""
        return gradient.astype(np.float64) / self.std

    def clip(self, values: Array) -> Array:
        """Return the nearest values within the bounds."""
        return np.clip(values, self.low, self.high)

    def rounded(self, values: Array) -> Array:
        """Return pixels as they would be saved, whole numbers; other numbers as they are."""
        return np.rint(values) if self.pictures else values
