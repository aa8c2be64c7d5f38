"""What a diagnosis may use: one wrong gradient, its measured entries, and the function around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe
from minitorch_viz.gradcheck.report import Entry


@dataclass(frozen=True)
class Evidence:
    """Hold one wrong gradient: `yours` is backward's whole answer; k entries of it are measured, if small all."""

    name: str
    yours: Array  # as backward returned it, of any shape
    entries: tuple[Entry, ...]  # k of them, those at kinks left out
    wrong: Array  # (k,) bool
    probe: Probe
    values: dict[str, Array]  # all inputs
    grads: dict[str, Any]  # all that backward returned
    outputs: tuple[
        tuple[str, int], ...
    ] = ()  # of a function with several: the names and sizes of its outputs, in y's order

    function: Callable[[dict[str, Array]], Array] | None = None  # y with some of the inputs replaced

    @property
    def x(self) -> Array:
        return self.probe.x

    @property
    def y(self) -> Array:
        return self.probe.y

    @cached_property
    def index(self) -> tuple[Array, ...]:
        """Return where the measured entries are: indexes an array of x's shape, giving (k,)."""
        places = np.array([entry.index for entry in self.entries], int).reshape(len(self.entries), self.x.ndim)
        return tuple(places.T)

    @cached_property
    def measured(self) -> Array:
        return np.array([entry.measured for entry in self.entries])

    @cached_property
    def yours_there(self) -> Array:
        """Return (k,) backward's answer at the measured entries; only if its shape is right."""
        return np.asarray(self.at(np.asarray(self.yours, float)))

    @cached_property
    def slack(self) -> Array:
        """Return (k,) how near to the measured value counts as equal."""
        doubt = TRUST * np.array([entry.attainable for entry in self.entries])
        rms = np.sqrt(np.mean(np.square(self.measured)))
        return np.asarray(1e-5 * np.abs(self.measured) + doubt + 1e-7 * rms)

    @property
    def right_shape(self) -> bool:
        return bool(self.yours.shape == self.x.shape)

    @property
    def dense(self) -> bool:
        """Return True if every entry was measured."""
        return len(self.entries) == self.x.size

    def at(self, array: Array) -> Array:
        """Return the measured places of an array of x's shape."""
        return np.broadcast_to(array[self.index], (len(self.entries),))

    def grid(self, values: Array) -> Array:
        """Return (k,) values as an array of x's shape, nan where nothing was measured."""
        grid = np.full(self.x.shape, np.nan)
        grid[self.index] = values
        return grid

    def fits(self, candidate: Array) -> bool:
        """Return True if this gradient is what was measured; nan entries, at most half, are left open."""
        if candidate.shape != self.x.shape:
            return False
        guesses = self.at(candidate)
        finite = np.isfinite(guesses)
        if 2 * finite.sum() < len(finite) or not np.any(self.measured[finite]):
            return False
        return bool(np.all(np.abs(guesses - self.measured)[finite] <= self.slack[finite]))

    @cached_property
    def suspects(self) -> Array:
        """Return the places in `entries` of up to 12 wrong ones, largest difference first."""
        order = np.argsort(-np.abs(self.yours_there - self.measured))
        return np.array([place for place in order if self.wrong[place]][:12], int)

    @cached_property
    def contributions(self) -> list[Array]:
        """Return what every output adds to each suspect's gradient: y's shape, summing to the measured."""
        contributions = []
        for place in self.suspects:
            index = self.entries[place].index
            contributions.append(
                self.probe.contributions(Line(index, 1.0), self.probe.first_step(abs(float(self.x[index]))))
            )
        return contributions
