"""Single entries, and blocks of entries together, against finite differences.

A random direction weighs all entries of a block at the price of a few forward passes. Where it disagrees although the
sampled entries are right, halving the tensor again and again finds the entry.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.gradcheck.differences import EPS, TRUST, Line, Probe, Slope
from minitorch_viz.gradcheck.report import Entry, Verdict

BISECTIONS = 80  # blocks that are halved to find a wrong entry, at most
AT_KINKS = 8  # blocks that are halved because kinks hide what they sum to, at most

Index = tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """One tensor: its probe, backward's answer for it, and the rules by which the two are compared."""

    probe: Probe
    yours: Array | None  # None if it does not have the tensor's shape
    typical: float  # size of a typical entry of yours
    tolerance: float

    def entry(self, index: Index) -> Entry:
        """Measure one entry."""
        line = Line(index, 1.0)
        slope = self.probe.measure(line, abs(float(self.probe.x[index])), self.typical)
        entry = self._entry(index, slope)
        if self.wrong(entry):
            entry = self._entry(index, self.probe.confirm(line, slope))
        return entry

    def _entry(self, index: Index, slope: Slope) -> Entry:
        moved = float(slope.moved)
        yours = float("nan") if self.yours is None else float(self.yours[index])
        measured, doubt = slope.value / moved, slope.doubt / abs(moved)
        accurate = TRUST * doubt <= self.tolerance * max(abs(measured), abs(yours), self.typical)
        kink = slope.kinked and not accurate and self.probe.precision == "float64"
        return Entry(index, yours, measured, doubt, kink)

    def error(self, entry: Entry) -> float:
        """Relative error: an entry far smaller than the others, or than the doubt, is measured against those."""
        floor = max(1e-3 * self.typical, TRUST * entry.attainable / self.tolerance, self.rounding / self.tolerance)
        scale = max(abs(entry.yours), abs(entry.measured), floor)
        return abs(entry.difference) / scale if scale else 0.0

    @cached_property
    def rounding(self) -> float:
        """What rounding alone makes of a gradient that is zero."""
        size = float(np.linalg.norm(self.probe.dy * self.probe.y))
        return 10 * EPS[self.probe.precision] * size / max(1.0, self.probe.size)

    def wrong(self, entry: Entry) -> bool:
        """At a kink no value is wrong: by the chain rule, yours need not even lie between the one-sided slopes."""
        return not entry.kink and self.error(entry) > self.tolerance

    def relative_doubt(self, entry: Entry) -> float:
        """The relative error that is attainable at this entry."""
        scale = max(abs(entry.measured), 0.0 if self.yours is None else abs(entry.yours), self.typical)
        return entry.attainable / scale if scale else 0.0

    def block(self, line: Line) -> tuple[Verdict, float, float]:
        """OK, WRONG or KINK (cannot tell) for a block of entries together; yours and the measured slope."""
        assert self.yours is not None
        typical = self.typical * float(np.sqrt(np.size(line.weights)))
        size = float(np.sqrt(np.mean(np.square(self.probe.x[line.part]))))
        slope = self.probe.measure(line, size, typical)
        yours = float(np.sum(self.yours[line.part] * slope.moved))
        allowed = self.tolerance * max(abs(slope.value), typical)
        if self._off(yours, slope, allowed):
            slope = self.probe.confirm(line, slope)
        unclear = not slope.finite or (TRUST * slope.doubt > allowed and slope.kinked)
        if not unclear and self._off(yours, slope, allowed):
            return Verdict.WRONG, yours, slope.value
        return (Verdict.KINK if unclear else Verdict.OK), yours, slope.value

    @staticmethod
    def _off(yours: float, slope: Slope, allowed: float) -> bool:
        return slope.finite and abs(yours - slope.value) > max(allowed, TRUST * slope.doubt)

    def locate(self, weights: Array, enough: int = 4) -> tuple[list[Index], bool]:
        """Halve the tensor to find wrong entries; True as well if some blocks could not be judged, for kinks."""
        wrong, hidden = deque([tuple(slice(0, side) for side in weights.shape)]), deque[tuple[slice, ...]]()
        found: list[Index] = []
        unclear = False
        for budget, queue in ((BISECTIONS, wrong), (AT_KINKS, hidden)):
            for _ in range(budget):
                if not (wrong or queue) or len(found) >= enough:
                    break
                for half in _halves((wrong or queue).popleft()):
                    verdict, _, _ = self.block(Line(half, weights[half]))
                    single = weights[half].size == 1
                    if verdict == Verdict.WRONG and single:
                        found.append(tuple(side.start for side in half))
                    elif verdict == Verdict.WRONG:
                        wrong.appendleft(half)  # first to the bottom of what is wrong
                    elif verdict == Verdict.KINK and not single:
                        hidden.append(half)
                    unclear = unclear or (verdict == Verdict.KINK and single)
        return found, unclear or bool(wrong or hidden)


def chosen_entries(shape: Index, yours: Array | None, count: int, rng: Generator) -> list[Index]:
    """All entries of a small tensor; of a large one its corners, the largest of the gradient, and random ones."""
    size = int(np.prod(shape))
    if size <= count:
        return list(np.ndindex(*shape))
    corners = list(itertools.islice(itertools.product(*({0, side - 1} for side in shape)), max(1, count // 4)))
    largest = [] if yours is None else np.argsort(np.abs(yours), axis=None)[::-1][: count // 4].tolist()
    some = largest + rng.choice(size, count, replace=False).tolist()
    indices = corners + [tuple(int(i) for i in np.unravel_index(place, shape)) for place in some]
    return list(dict.fromkeys(indices))[:count]


def _halves(part: tuple[slice, ...]) -> list[tuple[Any, ...]]:
    axis = max(range(len(part)), key=lambda a: part[a].stop - part[a].start)
    start, stop = part[axis].start, part[axis].stop
    middle = (start + stop) // 2
    pieces = (slice(start, middle), slice(middle, stop))
    return [(*part[:axis], piece, *part[axis + 1 :]) for piece in pieces]
