"""The search for c, the weight of being fooled against that of the change's size: the least that fools.

    minimize  |x - x0|^2 + c (how far the net is from being fooled)

A larger c fools more surely, with a larger change. c is ten times larger after each try that does not fool; from the
first that does, it lies halfway between the largest that did not and the least that did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from minitorch_viz._types import Array

GROWTH = 10  # of c, while nothing fools


@dataclass(frozen=True, eq=False)
class Search:
    """Hold where the searches of N pictures stand."""

    c: Array  # (N,): that of the present try
    low: Array  # (N,): the largest that did not fool; 0: there is none
    high: Array  # (N,): the least that fooled; infinity: there is none
    fooling: Array  # (N,) bool: whether the present try has fooled

    @classmethod
    def begin(cls, count: int, c: float) -> Self:
        """Return the searches of so many pictures before their first try."""
        return cls(np.full(count, float(c)), np.zeros(count), np.full(count, np.inf), np.zeros(count, bool))

    @classmethod
    def of(cls, inner: Mapping[str, Any]) -> Self:
        """Return the searches that an attempt's inner state holds."""
        return cls(*(inner[field.name] for field in fields(cls)))

    def inner(self) -> dict[str, Array]:
        """Return what is to be kept in an attempt's inner state."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_fooling(self, rows: Array) -> Self:
        """Return the searches after the tries of some pictures (n,) have fooled."""
        fooling = self.fooling.copy()
        fooling[rows] = True
        return replace(self, fooling=fooling)

    def next(self, rows: Array | slice = slice(None)) -> Self:
        """Return the searches with the next try of all pictures, or of some."""
        c, low, high, fooling = (getattr(self, field.name).copy() for field in fields(self))
        low[rows] = np.where(fooling, low, c)[rows]
        high[rows] = np.where(fooling, c, high)[rows]
        unknown = np.isinf(high)
        c[rows] = np.where(unknown, GROWTH * c, (low + np.where(unknown, 0, high)) / 2)[rows]
        fooling[rows] = False
        return type(self)(c, low, high, fooling)
