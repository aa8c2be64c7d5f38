"""Single entries, and blocks of entries together, against finite differences.

A random direction weighs all entries of a block at the price of a few forward passes. Where it disagrees although the
sampled entries are right, halving the tensor again and again finds the entry.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe, Slope
from minitorch_viz.gradcheck.integral import explains
from minitorch_viz.gradcheck.noise import rms
from minitorch_viz.gradcheck.report import Entry, Verdict
from minitorch_viz.gradcheck.steps import confirm, search

BISECTIONS = 80  # blocks that are halved to find a wrong entry, at most
AT_KINKS = 8  # blocks that are halved because kinks hide what they sum to, at most
CANCELLED = 1e-6  # of a typical entry: an error below may be what is left of large terms in backward

Index = tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Compare one tensor's entries with their probe; holds backward's answer and the rules of comparison."""

    probe: Probe
    yours: Array | None  # None if it does not have the tensor's shape
    typical: float  # size of a typical entry of yours
    tolerance: float
    rounding: float = 0.0  # of a typical entry: what a backward in float32 leaves of an entry that is zero
    jitter: Callable[[], Array] | None = None  # how far rounding moves each entry of yours; called where it matters
    yours_at: Callable[[Array], Array] | None = None  # backward's answer at another x

    def entry(self, index: Index) -> Entry:
        """Measure one entry: at the first step if that settles it, else at the best one."""
        line, size = Line(index, 1.0), abs(float(self.probe.x[index]))
        slope = self.probe.slope(line, self.probe.first_step(size))
        entry = self._entry(index, slope)
        if self._settled(entry, slope):
            return entry

        def enough(slope: Slope) -> bool:
            size = max(abs(slope.value), 0.0 if self.yours is None else abs(float(self.yours[index])))
            return slope.finite and TRUST * slope.doubt <= self.tolerance * size

        slope = search(self.probe, line, slope, size, enough)
        entry = self._entry(index, slope)
        certain = enough(slope)
        if self.wrong(entry):
            entry = self._entry(index, confirm(self.probe, line, slope))
            if not self.wrong(entry):  # two steps disagree: compare many
                slope, certain = search(self.probe, line, slope, size, enough, climb=True), False
                entry = self._entry(index, slope)
        if self.wrong(entry) and not certain:
            entry = self._entry(index, self._second_opinion(line, slope, abs(entry.difference)))
        return entry

    def _second_opinion(self, line: Line, slope: Slope, difference: float) -> Slope:
        """Return the same slope, in doubt by the whole difference if a bend that noise hides explains it."""
        if self.yours_at is None or not explains(self.probe, line, slope, self.yours_at):
            return slope
        doubt = max(slope.doubt, difference * float(np.max(np.abs(slope.moved))))
        return replace(slope, doubt=doubt, rounding=doubt)

    def _entry(self, index: Index, slope: Slope) -> Entry:
        step = float(slope.moved) or 1.0
        yours = float("nan") if self.yours is None else float(self.yours[index])
        measured, doubt = slope.value / step, slope.doubt / abs(step)
        accurate = TRUST * doubt <= self.tolerance * max(abs(measured), abs(yours), self.typical)
        kink = slope.edge or (slope.kinked and not accurate and self.probe.precision == "float64")
        return Entry(index, yours, measured, doubt, kink)

    def _settled(self, entry: Entry, slope: Slope) -> bool:
        """Return True if no better step is needed: the two agree, or both are zero beside the others."""
        if not slope.finite:
            return False
        doubt = TRUST * entry.attainable
        if self.yours is None:
            return not slope.kinked
        size = max(abs(entry.yours), abs(entry.measured))
        agree = abs(entry.difference) <= self.tolerance * size and doubt <= self.tolerance * max(size, self.typical)
        return agree or size <= doubt <= 1e-3 * self.tolerance * self.typical

    def error(self, entry: Entry) -> float:
        """Return the relative error; of an entry below the doubt or the rounding of yours, relative to those."""
        floor = max(TRUST * entry.attainable, self.rounding * self.typical) / self.tolerance
        scale = max(abs(entry.yours), abs(entry.measured), floor)
        error = abs(entry.difference) / scale if scale else 0.0
        if self.tolerance < error and abs(entry.difference) <= CANCELLED * self.typical:
            scale = max(scale, TRUST * float(self._jitters[entry.index]) / self.tolerance)
            error = abs(entry.difference) / scale
        return error

    @cached_property
    def _jitters(self) -> Array:
        return np.zeros(self.probe.x.shape) if self.jitter is None else self.jitter()

    @property
    def is_rounding(self) -> bool:
        """Return True if yours is zero, or only what rounding makes of a zero, as for a bias before a normalization."""
        return self.yours is not None and rms(self.yours) <= 5 * rms(self._jitters)

    def wrong(self, entry: Entry) -> bool:
        """Return whether an entry is wrong. At a kink none is: yours need not lie between the one-sided slopes."""
        return not entry.kink and self.error(entry) > self.tolerance

    def relative_doubt(self, entry: Entry) -> float:
        """Return the relative error that is attainable at this entry."""
        scale = max(abs(entry.measured), 0.0 if self.yours is None else abs(entry.yours), self.typical)
        if scale == 0:
            return 0.0 if entry.attainable < 1e-290 else float("inf")
        return entry.attainable / scale

    def block(self, line: Line) -> tuple[Verdict, float, float]:
        """Return OK, WRONG or KINK (cannot tell) for a block of entries together; yours and the measured slope."""
        assert self.yours is not None
        typical = self.typical * float(np.sqrt(np.size(line.weights)))
        size = rms(self.probe.x[line.part]) / (rms(line.weights) or 1.0)
        slope = self.probe.slope(line, self.probe.first_step(size))

        def allowed(slope: Slope) -> float:
            return self.tolerance * max(abs(slope.value), typical)

        def yours(slope: Slope) -> float:
            return float(np.sum(np.asarray(self.yours)[line.part] * slope.moved))

        def disagrees(slope: Slope) -> bool:
            return slope.finite and abs(yours(slope) - slope.value) > max(allowed(slope), TRUST * slope.doubt)

        if disagrees(slope) or not TRUST * slope.doubt <= allowed(slope):
            slope = search(self.probe, line, slope, size, lambda slope: TRUST * slope.doubt <= allowed(slope))
        if disagrees(slope):
            slope = confirm(self.probe, line, slope)
        if disagrees(slope) and TRUST * slope.doubt > allowed(slope):
            slope = self._second_opinion(line, slope, abs(yours(slope) - slope.value))
        undecided = not slope.finite or (TRUST * slope.doubt > allowed(slope) and slope.kinked)
        if not undecided and disagrees(slope):
            return Verdict.WRONG, yours(slope), slope.value
        return (Verdict.KINK if undecided else Verdict.OK), yours(slope), slope.value

    def locate(self, weights: Array, most: int = 4) -> tuple[list[Index], bool]:
        """Halve the tensor to find wrong entries; True as well if some blocks could not be judged, for kinks."""
        wrong, hidden = deque([tuple(slice(0, side) for side in weights.shape)]), deque[tuple[slice, ...]]()
        indices: list[Index] = []
        undecided = False
        for budget, queue in ((BISECTIONS, wrong), (AT_KINKS, hidden)):
            for _ in range(budget):
                if not (wrong or queue) or len(indices) >= most:
                    break
                for half in _halves((wrong or queue).popleft()):
                    verdict, _, _ = self.block(Line(half, weights[half]))
                    single = weights[half].size == 1
                    if verdict == Verdict.WRONG and single:
                        indices.append(tuple(side.start for side in half))
                    elif verdict == Verdict.WRONG:
                        wrong.appendleft(half)  # first to the bottom of what is wrong
                    elif verdict == Verdict.KINK and not single:
                        hidden.append(half)
                    undecided = undecided or (verdict == Verdict.KINK and single)
        return indices, undecided or bool(wrong or hidden)


def chosen_entries(shape: Index, yours: Array | None, count: int, rng: Generator) -> list[Index]:
    """Return all entries of a small tensor; of a large one corners, the largest of the gradient, and random ones."""
    size = int(np.prod(shape))
    if size <= count:
        return list(np.ndindex(*shape))
    corners = list(itertools.islice(itertools.product(*({0, side - 1} for side in shape)), max(1, count // 4)))
    largest = [] if yours is None else np.argsort(np.abs(yours), axis=None)[::-1][: count // 4].tolist()
    places = largest + rng.choice(size, count, replace=False).tolist()
    indices = corners + [tuple(int(i) for i in np.unravel_index(place, shape)) for place in places]
    return list(dict.fromkeys(indices))[:count]


def _halves(part: tuple[slice, ...]) -> list[tuple[Any, ...]]:
    axis = max(range(len(part)), key=lambda a: part[a].stop - part[a].start)
    start, stop = part[axis].start, part[axis].stop
    middle = (start + stop) // 2
    pieces = (slice(start, middle), slice(middle, stop))
    return [(*part[:axis], piece, *part[axis + 1 :]) for piece in pieces]
