"""Pixels as a hyperbolic tangent: whatever w is, they lie within their bounds, so that nothing need be clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks.box import Box

WITHIN = 0.999999  # of the way to black or white, which the tangent never reaches


@dataclass(frozen=True, eq=False)
class Squashed:
    """Go between w and x = low + span (tanh(w) + 1) / 2, in the net's precision."""

    low: float
    span: float
    start: Array  # (N, ...): w of the clean pictures
    begin: Array  # (N, ...): the pixels that these stand for, within WITHIN of the clean ones

    @classmethod
    def of(cls, box: Box, pixels: Array) -> Self:
        """Return the way to w and back for clean pictures (N, ...)."""
        centred = (pixels.astype(box.dtype) - box.low) * np.asarray(2 / box.span, box.dtype) - 1
        w = np.arctanh(centred * np.asarray(WITHIN, box.dtype))
        return cls(box.low, box.span, w, _pixels(np.tanh(w), box.low, box.span))

    def pixels(self, tangent: Array) -> Array:
        """Return x for tanh(w)."""
        return _pixels(tangent, self.low, self.span)

    def by_w(self, gradient: Array, tangent: Array) -> Array:
        """Carry a gradient by x back to w, given tanh(w)."""
        by_w: Array = gradient * (1 - tangent**2) * np.asarray(self.span / 2, gradient.dtype)
        return by_w


def _pixels(tangent: Array, low: float, span: float) -> Array:
    pixels: Array = low + (tangent + 1) * np.asarray(span / 2, tangent.dtype)
    return pixels
