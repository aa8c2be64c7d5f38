"""Which step to take where the first one leaves too much doubt.

Small steps are local but noisy, large ones are quiet but may reach another part of the function. So: down, until kinks
and the edges of the function's domain lie outside; then up by factors of two, extrapolating (Neville's scheme, to order
h^8), for as long as each step agrees with the smaller ones within their doubts (Lepski's rule). The step with the least
doubt wins, and its doubt is what can be attained in this precision.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe, Slope, power_of_two
from minitorch_viz.gradcheck.noise import norm

DOWN = 16.0  # each smaller step is the one before divided by this
TRIES = 14  # smaller steps, at most
ORDER = 3  # extrapolations of the central differences: the error falls like h^8
FINEST = 8 * float(np.finfo(float).eps)  # the smallest step, relative to the entries
LARGEST_STEP = 4.0  # the largest step, for entries up to twice as large
NOISE_IN_BENDS = 70**0.5  # of 1, -4, 6, -4, 1, in units of the noise of a single result
HIDDEN = 300  # times the measured noise may show up later, not more: that would be an oscillation
PATIENCE = 6  # larger steps that bring nothing, before the search ends

Enough = Callable[[Slope], bool]


def search(probe: Probe, line: Line, first: Slope, size: float, enough: Enough, climb: bool = False) -> Slope:
    """Return the slope along a line at the step that leaves the least doubt, or the first one with which it is enough.

    first: the slope at the first step; size: of the entries that move; climb: compare many steps in any case.
    """
    limit = power_of_two(max(LARGEST_STEP, 0.5 * size))
    noise, remaining_doubt = _noise_along(probe, line, limit)
    slope = probe.slope(line, first.step, noise)
    if not slope.finite or slope.kinked or 0 < size < first.step:
        slope, at_kink = _smaller_steps(probe, line, slope, size, noise)
        if at_kink or not slope.finite:
            return slope
    slope = dataclasses.replace(slope, rounding=slope.rounding + remaining_doubt, doubt=slope.doubt + remaining_doubt)
    if enough(slope) and not climb:
        return slope
    start = max(slope.step / 4, power_of_two(FINEST * size) if size else 0.0)
    better = _Ladder(probe, line, np.abs(probe.dy * noise), remaining_doubt).climb(start, limit, enough)
    return better if better is not None and (climb or better.doubt < slope.doubt) else slope


def confirm(probe: Probe, line: Line, slope: Slope) -> Slope:
    """Return the same slope with more doubt if an eight times smaller step disagrees (kinks in even rows).

    What came from climbing has been compared with smaller steps already.
    """
    if slope.climbed:
        return slope
    smaller_slope = probe.slope(line, slope.step / 8, probe.noise)
    if not smaller_slope.finite:
        return slope
    distance = abs(slope.value - smaller_slope.value) - TRUST * smaller_slope.rounding
    return dataclasses.replace(slope, doubt=max(slope.doubt, distance))


def _noise_along(probe: Probe, line: Line, step: float) -> tuple[Array, float]:
    """Return the noise of the outputs that the line moves, and the doubt left about those that it never moves."""
    low, high, _ = probe.pair(line, step)
    unmoved = (low == probe.y) & (high == probe.y)
    return np.where(unmoved, 0.0, probe.noise), norm(probe.dy[unmoved] * probe.noise[unmoved]) / step


def _smaller_steps(probe: Probe, line: Line, slope: Slope, size: float, noise: Array) -> tuple[Slope, bool]:
    """Try smaller steps, until what bends the function lies outside; True if it lies at x itself."""
    step, stalled = slope.step, 0
    for tries in range(TRIES):
        jump = tries == 0 and 0 < size / 8 < step / DOWN  # a tiny entry
        step = power_of_two(size / 8 if jump else step / DOWN)
        if step < FINEST * size or step < np.finfo(float).tiny:
            break
        smaller = probe.slope(line, step, noise)
        stalled = stalled + 1 if 0.5 * slope.doubt < smaller.doubt < 2 * slope.doubt else 0
        if smaller.finite:
            slope = smaller
        if smaller.finite and not smaller.kinked:
            return smaller, False
        if stalled == 2:  # a kink at x itself does not go away
            return slope, True
    if not slope.finite:
        low, high, _ = probe.pair(line, step)
        one_sided = bool(np.all(np.isfinite(low))) != bool(np.all(np.isfinite(high)))
        return dataclasses.replace(slope, edge=one_sided), one_sided
    return slope, False


@dataclass
class _Ladder:
    """Extrapolate central differences at h, 2h, 4h, ... to h = 0."""

    probe: Probe
    line: Line
    loudness: Array  # of each output: |dy| times its noise
    still: float
    noise: float = 0.0  # of all outputs together
    trusted: list[Slope] = field(default_factory=list)  # what the smaller steps gave
    row: list[tuple[float, Array]] = field(
        default_factory=list
    )  # the differences at this step, extrapolated more and more
    last: list[tuple[float, Array]] = field(default_factory=list)  # and those at the step before
    pair: tuple[Array, Array] | None = None
    roughs: list[Array] = field(default_factory=list)  # how far each output bends, the last step first
    bends: list[float] = field(default_factory=list)  # all outputs together, not divided by the step

    def climb(self, start: float, limit: float, enough: Enough) -> Slope | None:
        """Go up as long as the steps agree; None if not even two did."""
        self.noise = norm(self.loudness)
        step, since = start, 0
        while step <= limit and since < PATIENCE and self._take(step):
            slope = self._least(step)
            if slope is not None and not self._agrees(slope):
                if not self._louder():
                    break
                slope = self._least(step)
                if slope is None or not self._agrees(slope):
                    break
            if slope is not None:
                since = since + 1 if any(other.doubt <= slope.doubt for other in self.trusted) else 0
                self.trusted.append(slope)
                if enough(slope):
                    break
            step *= 2
        return min(self.trusted, key=lambda slope: slope.doubt, default=None)

    def _take(self, step: float) -> bool:
        """Move by one step; False if the function is not finite there."""
        probe, y, dy = self.probe, self.probe.y, self.probe.dy
        low, high, moved = probe.pair(self.line, step)
        with np.errstate(all="ignore"):
            value = float(np.sum(dy * ((high - low) / (2 * step))))
            if not np.isfinite(value):
                return False
            self.last, self.row = self.row, _neville(self.row, (value, moved))
            if self.pair is not None:
                bend = high - 4 * self.pair[1] + 6 * y - 4 * self.pair[0] + low
                self.roughs = [dy * (bend / (2 * step)), *self.roughs[: ORDER - 1]]
                self.bends.append(abs(float(np.sum(dy * bend))))
            self.pair = low, high
        return True

    def _least(self, step: float) -> Slope | None:
        """Return the extrapolation that leaves the least doubt, of those that the step before gave as well."""
        slopes = []
        for order in range(1, min(len(self.row), len(self.last))):
            smallest = step / 2**order
            value, moved = self.row[order]
            rounding = self.noise / smallest + self.still
            trend = 2 * max(0.0, abs(value - self.last[order][0]) - rounding)
            kink = _kink(self.roughs[:order], self.loudness / smallest)
            slopes.append(Slope(value, moved, rounding, rounding + trend + kink, step, climbed=True))
        return min(slopes, key=lambda slope: slope.doubt, default=None)

    def _agrees(self, slope: Slope) -> bool:
        return all(abs(slope.value - other.value) <= 1.5 * (slope.doubt + other.doubt) for other in self.trusted)

    def _louder(self) -> bool:
        """Raise the noise to what the last bends show, if they are of one size: a kink or a curve would grow."""
        _, middle, largest = sorted(self.bends[-3:]) if len(self.bends) >= 3 else (0.0, 0.0, 1.0)
        noise = 2 * middle / NOISE_IN_BENDS
        if 6 * middle < largest or not self.noise < noise < HIDDEN * norm(self.probe.dy * self.probe.noise):
            return False
        gain, self.noise = noise / self.noise, noise
        self.loudness = self.loudness * gain
        for place, other in enumerate(self.trusted):
            extra = (gain - 1) * (other.rounding - self.still)
            self.trusted[place] = dataclasses.replace(other, rounding=other.rounding + extra, doubt=other.doubt + extra)
        return True


def _neville(row_before: list[tuple[float, Array]], difference: tuple[float, Array]) -> list[tuple[float, Array]]:
    """Extrapolate the differences to h = 0 once, twice, ..., each from its own steps and those before."""
    row = [difference]
    for order, (value, moved) in enumerate(row_before[:ORDER], start=1):
        gain = 4.0**order
        row.append(((gain * value - row[-1][0]) / (gain - 1), (gain * moved - row[-1][1]) / (gain - 1)))
    return row


def _kink(roughs: list[Array], loudness: Array) -> float:
    """Return what is left of the bends as h goes to 0: nothing if smooth, the jump of the slope at a kink.

    roughs: each output's share at the largest step first. On a smooth function they fall like h^3, and what they leave
    like h^5.
    """
    for gain in (8.0, 32.0):
        if len(roughs) > 1:
            roughs = [(gain * small - large) / (gain - 1) for large, small in itertools.pairwise(roughs)]
    remainder = roughs[-1]
    loud = float(
        np.sum(np.abs(remainder), where=np.abs(remainder) > 10 * loudness)
    )  # may cancel in the sum, not at the kink
    return max(loud, abs(float(np.sum(remainder))) - 5 * norm(loudness), 0.0)
