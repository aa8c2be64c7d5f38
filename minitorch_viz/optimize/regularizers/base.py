"""What every penalty is: a number an image, and its gradient."""

from __future__ import annotations

from typing import Self

from minitorch_viz._types import Array


class Penalty:
    """Be the base of penalties of pictures (N, C, H, W), pixel - mean in steps of 0..255: frozen settings.

    What is subtracted from an objective that is climbed, or added to a loss, each times a weight of its own.
    """

    def value(self, x: Array) -> Array:
        """Return (N,), one number a picture, at least 0, in x's dtype."""
        raise NotImplementedError

    def gradient(self, x: Array) -> Array:
        """Return (N, C, H, W): the derivative of each picture's number by its own values."""
        raise NotImplementedError

    @classmethod
    def examples(cls) -> list[Self]:
        """Return settings worth testing."""
        raise NotImplementedError
