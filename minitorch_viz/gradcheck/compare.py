"""One gradient against finite differences: every entry of a small tensor; of a large one a sample and a direction.

A random direction weighs all entries together at the price of a few forward passes. Where it disagrees although the
sampled entries are right, halving the tensor again and again finds the entry.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.gradcheck.diagnosis import Evidence, diagnose
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe, Slope, precision_of, random_weights
from minitorch_viz.gradcheck.problem import Conduct, Problem
from minitorch_viz.gradcheck.report import Entry, TensorResult, Verdict

BISECTIONS = 160  # directions spent on finding an entry, at most
TIES = (
    "moving all entries together, where the function has no kink, yours sums to {yours:.6g} and the measured "
    "derivative to {measured:.6g}: at ties (such as equal maxima of one pooling window) the gradient is handed out "
    "more than once, or not at all."
)


@dataclass(frozen=True)
class Settings:
    """What the caller chose."""

    step: float | None
    tolerance: float
    max_entries: int
    seed: int


@dataclass(frozen=True)
class Comparison:
    """One tensor: its probe, backward's answer for it, and the rules by which the two are compared."""

    probe: Probe
    yours: Array | None  # None if it does not have the tensor's shape
    typical: float  # size of a typical entry of the gradient
    tolerance: float

    def entry(self, index: tuple[int, ...]) -> Entry:
        """Measure one entry; its `attainable` is the absolute doubt."""
        line = Line(index, 1.0)
        slope = self.probe.measure(line, abs(float(self.probe.x[index])), self.typical)
        yours = float("nan") if self.yours is None else float(self.yours[index])
        entry = _entry(index, yours, slope)
        if self.error(entry) > self.tolerance:
            entry = _entry(index, yours, self.probe.confirm(line, slope))
        return entry

    def error(self, entry: Entry) -> float:
        """Relative error: an entry far smaller than the others, or than the doubt, is measured against those."""
        floor = max(1e-3 * self.typical, TRUST * entry.attainable / self.tolerance)
        scale = max(abs(entry.yours), abs(entry.measured), floor)
        return abs(entry.difference) / scale if scale else 0.0

    def unsure(self, entry: Entry) -> bool:
        """True where the doubt is larger than the tolerance."""
        return TRUST * entry.attainable > self.tolerance * max(abs(entry.measured), abs(entry.yours), self.typical)

    def direction(self, line: Line) -> tuple[Verdict, float, float]:
        """OK, WRONG or KINK (cannot tell) for a block of entries together; yours and measured."""
        assert self.yours is not None
        count = np.size(line.weights)
        typical = self.typical * float(np.sqrt(count))
        size = float(np.sqrt(np.mean(np.square(self.probe.x[line.part]))))
        slope = self.probe.measure(line, size, typical)
        yours = float(np.sum(self.yours[line.part] * slope.moved))
        allowed = self.tolerance * max(abs(slope.value), typical)
        if slope.finite and abs(yours - slope.value) > max(allowed, TRUST * slope.doubt):
            slope = self.probe.confirm(line, slope)
        if slope.finite and abs(yours - slope.value) > max(allowed, TRUST * slope.doubt):
            return Verdict.WRONG, yours, slope.value
        certain = slope.finite and (TRUST * slope.doubt <= allowed or not slope.kinked)
        return (Verdict.OK if certain else Verdict.KINK), yours, slope.value

    def locate(self, weights: Array, enough: int = 4) -> tuple[list[tuple[int, ...]], bool]:
        """Halve the tensor to find wrong entries; True as well if some blocks could not be judged for kinks."""
        queue = deque([tuple(slice(0, side) for side in weights.shape)])
        found: list[tuple[int, ...]] = []
        unclear = False
        for _ in range(BISECTIONS):
            if not queue or len(found) >= enough:
                break
            for half in _halves(queue.popleft()):
                verdict, _, _ = self.direction(Line(half, weights[half]))
                single = all(side.stop - side.start == 1 for side in half)
                if verdict == Verdict.WRONG and single:
                    found.append(tuple(side.start for side in half))
                elif verdict == Verdict.WRONG:
                    queue.appendleft(half)  # first to the bottom of what is wrong
                elif verdict == Verdict.KINK and not single:
                    queue.append(half)
                elif verdict == Verdict.KINK:
                    unclear = True
        return found, unclear or bool(queue)


def judge(problem: Problem, conduct: Conduct, name: str, settings: Settings) -> TensorResult:
    """The verdict on the gradient of one tensor, with all that led to it."""
    x, raw = problem.values[name], conduct.grads.get(name)
    result = TensorResult(name, x.shape, Verdict.OK)
    if raw is None:
        return replace(result, verdict=Verdict.NOT_GIVEN, sentence="backward returned no gradient for it.")
    if conduct.random:
        sentence = "forward gives different results for the same inputs; pass it a generator with a fixed seed."
        return replace(result, verdict=Verdict.RANDOM, sentence=sentence)
    if not np.all(np.isfinite(conduct.y)):
        sentence = f"forward returns {_not_finite(conduct.y)}."
        return replace(result, verdict=Verdict.NONFINITE, sentence=sentence)
    if raw.dtype.kind not in "fiub":
        return replace(result, verdict=Verdict.WRONG, sentence=f"backward returned {raw.dtype} numbers, not floats.")
    rng = np.random.default_rng(settings.seed)
    f = _function(problem, name, conduct)
    precision = precision_of(f, x, conduct.y, rng)
    y, dy = np.asarray(conduct.y, float), np.asarray(conduct.dy, float)
    probe = Probe(f, x, y, dy, precision, settings.tolerance, settings.step)
    yours = np.asarray(raw, float) if raw.shape == x.shape else None
    if not np.all(np.isfinite(raw)):
        worst: tuple[Entry, ...] = ()
        if yours is not None:
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(yours))[0])
            worst = (_entry(index, float(yours[index]), probe.measure(Line(index, 1.0), 1.0, 0.0)),)
        sentence = f"backward returns {_not_finite(raw)}."
        return replace(result, verdict=Verdict.NONFINITE, sentence=sentence, worst=worst)

    typical = 0.0 if yours is None else float(np.sqrt(np.mean(np.square(yours))))
    comparison = Comparison(probe, yours, typical, settings.tolerance)
    entries = [comparison.entry(index) for index in _chosen(x.shape, yours, settings.max_entries, rng)]
    if not all(np.isfinite(entry.measured) for entry in entries):
        index = next(entry.index for entry in entries if not np.isfinite(entry.measured))
        sentence = f"forward is not finite near entry {index} at any step: there is no derivative to compare with."
        return replace(result, verdict=Verdict.NONFINITE, sentence=sentence)
    return _verdict(problem, conduct, result, comparison, entries, raw, rng)


def _verdict(
    problem: Problem,
    conduct: Conduct,
    result: TensorResult,
    comparison: Comparison,
    entries: list[Entry],
    raw: Array,
    rng: Generator,
) -> TensorResult:
    """Weigh the measured entries, the direction, and how the functions behaved."""
    probe, yours, tolerance = comparison.probe, comparison.yours, comparison.tolerance
    x, name = probe.x, result.name
    diagnosis = list(conduct.complaints[name])
    sentence = ""
    errors = {entry.index: comparison.error(entry) for entry in entries}
    wrong = yours is None or any(error > tolerance for error in errors.values())
    weighed = False
    if yours is not None and not wrong and len(entries) < x.size:
        weights = random_weights(rng, x.shape)
        whole = Line((...,), weights)
        verdict, ours, measured = comparison.direction(whole)
        weighed = verdict == Verdict.OK
        if not weighed:
            found, unclear = comparison.locate(weights)
            located = [comparison.entry(index) for index in found]
            entries = located + [entry for entry in entries if entry.index not in found]
            errors |= {entry.index: comparison.error(entry) for entry in located}
            wrong = any(error > tolerance for error in errors.values())
            weighed = not unclear and not wrong and verdict != Verdict.WRONG
            if wrong:
                sentence = "The sampled entries are right; a random direction gave it away, and halving found the rest."
            elif verdict == Verdict.WRONG and not unclear:
                wrong = True
                sentence = (
                    f"Along a random direction yours is {ours:.9g} and the measured derivative {measured:.9g}, "
                    f"but no single entry stands out."
                )
    kinks = [entry for entry in entries if not wrong_at(errors, entry, tolerance) and _kinked(comparison, entry)]
    if yours is not None and kinks and not wrong:
        verdict, ours, measured = comparison.direction(Line((...,), np.ones(x.shape)))
        if verdict == Verdict.WRONG:
            wrong = True
            diagnosis.append(TIES.format(yours=ours, measured=measured))
    sure = [entry for entry in entries if entry not in kinks]
    kept = [errors[entry.index] for entry in sure]
    attainable = [entry.attainable / scale for entry in sure if (scale := _scale(entry, comparison))]
    result = replace(
        result,
        checked=len(entries),
        along_direction=weighed,
        kinks=tuple(entry.index for entry in kinks),
        largest_error=max(kept, default=float("nan")) if yours is not None else float("nan"),
        median_error=float(np.median(kept)) if kept and yours is not None else float("nan"),
        attainable=float(np.median(attainable)) if attainable else float("nan"),
    )
    if wrong or diagnosis:
        worst = sorted(sure, key=lambda entry: -abs(entry.difference)) if yours is not None else []
        verdict = Verdict.NOT_A_DERIVATIVE if name in conduct.not_linear else Verdict.WRONG
        if verdict == Verdict.NOT_A_DERIVATIVE:
            sentence = _departure(entries)
        if yours is None:
            sentence = f"backward returned shape {raw.shape}, but {name} has shape {x.shape}."
        if wrong and not diagnosis:
            mask = np.array([wrong_at(errors, entry, tolerance) for entry in sure], bool)
            evidence = Evidence(
                name, x, probe.y, probe.dy, raw, tuple(sure), mask, probe, problem.values, conduct.grads
            )
            diagnosis += diagnose(evidence)
        result = replace(result, verdict=verdict, diagnosis=tuple(diagnosis), worst=tuple(worst[:5]))
    elif not sure:
        sentence = "Every entry that was measured sits on a kink of the function; move the inputs a little."
        result = replace(result, verdict=Verdict.KINK)
    elif _too_coarse(comparison, sure):
        result = replace(result, verdict=Verdict.PRECISION)
        sentence = (
            f"The function computes as if in {probe.precision}: errors below {max(result.attainable, 0):.0e} cannot be "
            f"told from rounding, and none above was found. Give float64 and keep it throughout the function."
        )
    elif len(entries) < x.size and not weighed:
        sentence = "The random direction crosses kinks, so that only the sampled entries and parts of it are certain."
    if name in conduct.modified:
        result = replace(result, verdict=Verdict.MODIFIED)
        said = f"{conduct.modified[name]} writes into {name}, which belongs to the caller: work on a copy."
        sentence = f"{said} {sentence}".strip()
    return replace(result, sentence=sentence)


def wrong_at(errors: dict[tuple[int, ...], float], entry: Entry, tolerance: float) -> bool:
    return errors[entry.index] > tolerance


def _kinked(comparison: Comparison, entry: Entry) -> bool:
    return comparison.unsure(entry) and comparison.probe.precision == "float64" and not _zero(comparison, entry)


def _zero(comparison: Comparison, entry: Entry) -> bool:
    """Both gradients vanish up to rounding, as for a bias before a normalization."""
    size = float(np.linalg.norm(comparison.probe.dy * comparison.probe.y))
    return comparison.typical * max(1.0, float(np.abs(comparison.probe.x[entry.index]))) <= 1e-9 * size


def _scale(entry: Entry, comparison: Comparison) -> float:
    return max(abs(entry.measured), abs(entry.yours) if comparison.yours is not None else 0.0, comparison.typical)


def _too_coarse(comparison: Comparison, sure: list[Entry]) -> bool:
    unsure = [comparison.unsure(entry) and not _zero(comparison, entry) for entry in sure]
    return 2 * sum(unsure) > len(unsure)


def _departure(entries: list[Entry]) -> str:
    """How far a modified backward pass is from the derivative, in one sentence."""
    yours = np.array([entry.yours for entry in entries])
    measured = np.array([entry.measured for entry in entries])
    lengths = float(np.linalg.norm(yours) * np.linalg.norm(measured))
    cosine = f", cosine between them {float(yours @ measured) / lengths:.2f}" if lengths else ""
    return (
        f"This backward pass is not a derivative, by construction or by mistake: it differs from the measured one in "
        f"{int(np.sum(~np.isclose(yours, measured, rtol=1e-5, atol=1e-12)))} of {len(entries)} entries{cosine}."
    )


def _function(problem: Problem, name: str, conduct: Conduct) -> Callable[[Array], Array]:
    """y as a function of this one tensor."""

    def f(x: Array) -> Array:
        values = problem.fresh() if conduct.modified else dict(problem.values)
        return problem.forward(values | {name: x})[0]

    return f


def _chosen(shape: tuple[int, ...], yours: Array | None, count: int, rng: Generator) -> list[tuple[int, ...]]:
    """All entries of a small tensor; of a large one its corners, the largest of the gradient, and random ones."""
    size = int(np.prod(shape))
    if size <= count:
        return [tuple(int(i) for i in index) for index in np.ndindex(shape)]
    corners = list(itertools.islice(itertools.product(*({0, side - 1} for side in shape)), count // 4))
    flat = [] if yours is None else np.argsort(np.abs(yours), axis=None)[::-1][: count // 4].tolist()
    some = [*flat, *rng.choice(size, min(size, count), replace=False).tolist()]
    indices = corners + [tuple(int(i) for i in np.unravel_index(place, shape)) for place in some]
    return list(dict.fromkeys(indices))[:count]


def _halves(part: tuple[slice, ...]) -> list[tuple[slice, ...]]:
    axis = max(range(len(part)), key=lambda a: part[a].stop - part[a].start)
    start, stop = part[axis].start, part[axis].stop
    pieces = [slice(start, (start + stop) // 2), slice((start + stop) // 2, stop)]
    return [part[:axis] + (piece,) + part[axis + 1 :] for piece in pieces]


def _entry(index: tuple[int, ...], yours: float, slope: Slope) -> Entry:
    moved = float(slope.moved)
    return Entry(index, yours, slope.value / moved, slope.doubt / abs(moved))


def _not_finite(values: Any) -> str:
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    count = int(np.sum(~np.isfinite(values)))
    return f"{float(np.asarray(values)[index])} at {index}" + (f" and {count - 1} more" if count > 1 else "")
