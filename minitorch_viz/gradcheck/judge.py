"""Judging one gradient: how the functions behaved, every entry that is measured, and a direction through the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import MinitorchVizError, ShapeError
from minitorch_viz.gradcheck.compare import Comparison, chosen_entries
from minitorch_viz.gradcheck.differences import Line, Probe
from minitorch_viz.gradcheck.noise import EPS, precision_of, random_weights, rms
from minitorch_viz.gradcheck.problem import Conduct, Problem, Values, observe
from minitorch_viz.gradcheck.report import Entry, Report, TensorResult, Verdict
from minitorch_viz.gradcheck.steps import search
from minitorch_viz.gradcheck.verdict import Findings, verdict_in_words

TIES = (
    "ties: moving all entries together, where the function has no kink, yours sums to {:.6g} and the measured "
    "derivative to {:.6g}. Where several inputs are equal (maxima of one pooling window) the gradient is handed out "
    "more than once, or not at all."
)


@dataclass(frozen=True)
class Settings:
    """Hold what the caller chose."""

    step: float | None
    tolerance: float
    max_entries: int
    seed: int


def report_on(problem: Problem, settings: Settings) -> Report:
    """Observe the functions, then judge every gradient."""
    conduct = observe(problem, np.random.default_rng(settings.seed))
    results = []
    for name, value in problem.values.items():
        if value.dtype.kind == "f":
            results.append(judge(problem, conduct, name, settings))
        else:
            sentence = f"{value.dtype} values have no derivative; passed along."
            results.append(TensorResult(name, value.shape, Verdict.INTEGER, sentence))
    return Report(problem.title, tuple(results), conduct.notes, settings.tolerance)


def judge(problem: Problem, conduct: Conduct, name: str, settings: Settings) -> TensorResult:
    """Return the verdict on the gradient of one tensor, with all that led to it."""
    result = _compared(problem, conduct, name, settings)
    if name in conduct.modified:
        sentence = f"{conduct.modified[name]} writes into {name}, which belongs to the caller: work on a copy."
        return replace(result, verdict=Verdict.MODIFIED, sentence=f"{sentence} {result.sentence}".strip())
    return result


def _compared(problem: Problem, conduct: Conduct, name: str, settings: Settings) -> TensorResult:
    x, raw = problem.values[name], conduct.grads.get(name)
    result = TensorResult(name, x.shape, Verdict.OK)
    if raw is None:
        if name in problem.without:
            return replace(result, verdict=Verdict.LEFT_OUT, sentence="no gradient was asked for.")
        sentence = f"backward returned no gradient for it. Where that is meant: check(..., without=[{name!r}])."
        return replace(result, verdict=Verdict.NOT_GIVEN, sentence=sentence)
    if conduct.random:
        sentence = "forward gives different results for the same inputs; pass it a generator with a fixed seed."
        return replace(result, verdict=Verdict.RANDOM, sentence=sentence)
    if not np.all(np.isfinite(conduct.y)):
        return replace(result, verdict=Verdict.NONFINITE, sentence=f"forward returns {_not_finite(conduct.y)}.")
    if raw.dtype.kind not in "fiub":
        return replace(result, verdict=Verdict.WRONG, sentence=f"backward returned {raw.dtype} numbers, not floats.")

    rng = np.random.default_rng(settings.seed)
    f = _function(problem, name, conduct)
    y, dy = np.asarray(conduct.y, float), np.asarray(conduct.dy, float)
    probe = Probe(f, x, y, dy, precision_of(f, x, conduct.y, rng), settings.tolerance, settings.step)
    yours = np.asarray(raw, float) if raw.shape == x.shape else None
    if not np.all(np.isfinite(raw)):
        sentence = f"backward returns {_not_finite(raw)}."
        return replace(result, verdict=Verdict.NONFINITE, sentence=sentence, worst=_first_bad(probe, yours))

    typical = 0.0 if yours is None else rms(yours)
    rounding = 16 * EPS[raw.dtype.name] if raw.dtype.name in ("float16", "float32") else 0.0
    comparison = Comparison(
        probe,
        yours,
        typical,
        settings.tolerance,
        rounding,
        jitter=lambda: _jitter(problem, conduct, name),
        yours_at=lambda x: _gradient(problem, {**problem.fresh(), name: x}, conduct.dy, name),
    )
    entries = [comparison.entry(index) for index in chosen_entries(x.shape, yours, settings.max_entries, rng)]
    if bad := [entry.index for entry in entries if not (entry.kink or np.isfinite(entry.measured))]:
        sentence = f"forward is not finite near entry {bad[0]} at any step: there is no derivative to compare with."
        return replace(result, verdict=Verdict.NONFINITE, sentence=sentence)
    findings = _weigh(comparison, entries, rng)
    return verdict_in_words(problem, conduct, result, findings, raw)


def _weigh(comparison: Comparison, entries: list[Entry], rng: Generator) -> Findings:
    x = comparison.probe.x
    if comparison.yours is None:
        return Findings(comparison, *_at_kinks(entries), wrong=True, weighed=False)
    wrong = any(comparison.wrong(entry) for entry in entries)
    weighed, sentence, diagnosis = False, "", []
    if not wrong and len(entries) < x.size:
        weights = random_weights(rng, x.shape)
        verdict, yours, measured = comparison.block(Line((...,), weights))
        weighed = verdict == Verdict.OK
        if not weighed:
            indices, undecided = comparison.locate(weights)
            entries = [comparison.entry(i) for i in indices] + [
                entry for entry in entries if entry.index not in indices
            ]
            if any(comparison.wrong(entry) for entry in entries):
                wrong = True
                sentence = "The sampled entries are right; a random direction disagreed, and halving found the entry."
            elif verdict == Verdict.WRONG and not undecided:
                wrong = True
                sentence = f"Along a random direction yours is {yours:.9g} and the measured derivative {measured:.9g}."
            elif undecided:
                sentence = "Kinks lie along the random direction: only parts of the tensor could be weighed together."
            else:
                weighed = True
    smooth, kinks = _at_kinks(entries)
    if kinks and not wrong:
        verdict, yours, measured = comparison.block(Line((...,), np.ones(x.shape)))
        if verdict == Verdict.WRONG:
            wrong = True
            diagnosis.append(TIES.format(yours, measured))
    return Findings(comparison, smooth, kinks, wrong, weighed, sentence, tuple(diagnosis))


def _at_kinks(entries: list[Entry]) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return the entries with a derivative, and those that are skipped."""
    return tuple(entry for entry in entries if not entry.kink), tuple(entry for entry in entries if entry.kink)


def _jitter(problem: Problem, conduct: Conduct, name: str) -> Array:
    """Return how far each entry of a gradient moves when dy and all inputs move by their last digits."""
    rng = np.random.default_rng(3)

    def shaken(value: Array) -> Array:
        last = 2 * EPS["float64"] * random_weights(rng, value.shape)
        return np.asarray(value * (1 + last)) if value.dtype.kind == "f" else value

    yours = np.asarray(conduct.grads[name], float)
    jitter = np.zeros(yours.shape)
    for _ in range(4):
        values = {key: shaken(value) for key, value in problem.fresh().items()}
        jitter = np.fmax(jitter, np.abs(_gradient(problem, values, shaken(conduct.dy), name) - yours))
    return jitter


def _gradient(problem: Problem, values: Values, dy: Array, name: str) -> Array:
    """Return backward's gradient at other values; nan where there is none."""
    shape = problem.values[name].shape
    try:
        grad = problem.backward(dy.copy(), problem.forward(values)[1]).get(name)
    except (ArithmeticError, ValueError, AssertionError):
        grad = None
    return np.asarray(grad, float) if grad is not None and np.shape(grad) == shape else np.full(shape, np.nan)


def _first_bad(probe: Probe, yours: Array | None) -> tuple[Entry, ...]:
    """Return the first entry that is not finite, beside its measured value."""
    if yours is None:
        return ()
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(yours))[0])
    size = abs(float(probe.x[index]))
    line = Line(index, 1.0)
    slope = search(probe, line, probe.slope(line, probe.first_step(size)), size, lambda slope: not slope.kinked)
    return (Entry(index, float(yours[index]), slope.value, slope.doubt),)


def _not_finite(values: Any) -> str:
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
    count = int(np.sum(~np.isfinite(values)))
    return f"{float(np.asarray(values)[index])} at {index}" + (f" and {count - 1} more" if count > 1 else "")


def _function(problem: Problem, name: str, conduct: Conduct) -> Callable[[Array], Array]:
    """Return y as a function of this one tensor."""

    def f(x: Array) -> Array:
        values = problem.fresh() if conduct.modified else problem.values
        try:
            y = problem.forward({**values, name: x})[0]
        except (ArithmeticError, ValueError, AssertionError) as error:  # log of a negative number, and the like
            if isinstance(error, MinitorchVizError):
                raise
            return np.full(conduct.y.shape, np.nan)
        if y.shape != conduct.y.shape:
            raise ShapeError(f"forward returned shape {conduct.y.shape} at first, but {y.shape} after {name} moved.")
        return y

    return f
