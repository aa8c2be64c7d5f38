"""The verdict on one gradient: how the functions behaved, every entry that was measured, and the direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import MinitorchVizError, ShapeError
from minitorch_viz.gradcheck.compare import Comparison, chosen_entries
from minitorch_viz.gradcheck.diagnosis import diagnose
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence
from minitorch_viz.gradcheck.differences import TRUST, Line, Probe
from minitorch_viz.gradcheck.noise import EPS, precision_of, random_weights, rms
from minitorch_viz.gradcheck.problem import Conduct, Problem, Values, observe
from minitorch_viz.gradcheck.report import Entry, Report, TensorResult, Verdict
from minitorch_viz.gradcheck.steps import search

TIES = (
    "ties: moving all entries together, where the function has no kink, yours sums to {:.6g} and the measured "
    "derivative to {:.6g}. Where several inputs are equal (maxima of one pooling window) the gradient is handed out "
    "more than once, or not at all."
)

COARSE = 1e-4  # relative doubt at a single entry above which a gradient is not called right


@dataclass(frozen=True)
class Settings:
    """What the caller chose."""

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
    """The verdict on the gradient of one tensor, with all that led to it."""
    result = _compared(problem, conduct, name, settings)
    if name in conduct.modified:
        said = f"{conduct.modified[name]} writes into {name}, which belongs to the caller: work on a copy."
        return replace(result, verdict=Verdict.MODIFIED, sentence=f"{said} {result.sentence}".strip())
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
    return _said(problem, conduct, result, findings, raw)


@dataclass(frozen=True)
class _Findings:
    """What the numbers say about one tensor."""

    comparison: Comparison
    sure: tuple[Entry, ...]  # measured, not at a kink
    kinks: tuple[Entry, ...]
    wrong: bool
    weighed: bool  # the entries that were not measured agree along a random direction
    sentence: str = ""
    diagnosis: tuple[str, ...] = ()


def _weigh(comparison: Comparison, entries: list[Entry], rng: Generator) -> _Findings:
    x = comparison.probe.x
    if comparison.yours is None:
        return _Findings(comparison, *_at_kinks(entries), wrong=True, weighed=False)
    wrong = any(comparison.wrong(entry) for entry in entries)
    weighed, sentence, diagnosis = False, "", []
    if not wrong and len(entries) < x.size:
        weights = random_weights(rng, x.shape)
        verdict, yours, measured = comparison.block(Line((...,), weights))
        weighed = verdict == Verdict.OK
        if not weighed:
            found, unclear = comparison.locate(weights)
            entries = [comparison.entry(i) for i in found] + [entry for entry in entries if entry.index not in found]
            if any(comparison.wrong(entry) for entry in entries):
                wrong = True
                sentence = "The sampled entries are right; a random direction disagreed, and halving found the entry."
            elif verdict == Verdict.WRONG and not unclear:
                wrong = True
                sentence = f"Along a random direction yours is {yours:.9g} and the measured derivative {measured:.9g}."
            elif unclear:
                sentence = "Kinks lie along the random direction: only parts of the tensor could be weighed together."
            else:
                weighed = True
    sure, kinks = _at_kinks(entries)
    if kinks and not wrong:
        verdict, yours, measured = comparison.block(Line((...,), np.ones(x.shape)))
        if verdict == Verdict.WRONG:
            wrong = True
            diagnosis.append(TIES.format(yours, measured))
    return _Findings(comparison, sure, kinks, wrong, weighed, sentence, tuple(diagnosis))


def _at_kinks(entries: list[Entry]) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The entries with a derivative, and those that are skipped."""
    return tuple(entry for entry in entries if not entry.kink), tuple(entry for entry in entries if entry.kink)


def _said(problem: Problem, conduct: Conduct, result: TensorResult, findings: _Findings, raw: Array) -> TensorResult:
    """Findings and conduct, in words."""
    comparison, sure = findings.comparison, findings.sure
    errors = [comparison.error(entry) for entry in sure] if comparison.yours is not None else []
    doubts = [comparison.relative_doubt(entry) for entry in sure]
    precision = comparison.probe.precision
    coarse = 10 * EPS[precision] if _rounded_to(conduct.y, precision) else 0.0
    result = replace(
        result,
        sentence=findings.sentence,
        checked=len(sure) + len(findings.kinks),
        along_direction=findings.weighed,
        kinks=tuple(entry.index for entry in findings.kinks),
        largest_error=max(errors, default=float("nan")),
        median_error=float(np.median(errors)) if errors else float("nan"),
        attainable=max(coarse, float(np.median(doubts))) if doubts else float("nan"),
    )
    complaints = tuple(conduct.complaints[result.name])
    if findings.wrong or complaints:
        result = replace(result, verdict=Verdict.WRONG, diagnosis=complaints + findings.diagnosis)
        if comparison.yours is None:
            sentence = f"backward returned shape {raw.shape}, but {result.name} has shape {result.shape}."
            result = replace(result, sentence=sentence)
        else:
            shown = [e for e in sure if comparison.wrong(e)] or (findings.kinks if findings.diagnosis else sure)
            worst = sorted(shown, key=lambda entry: -abs(entry.difference))
            result = replace(result, worst=tuple(worst[:5]))
        if result.name in conduct.not_linear or problem.rules:
            return replace(result, verdict=Verdict.NOT_A_DERIVATIVE, sentence=departure(sure))
        if sure and not result.diagnosis:
            mask = np.array([comparison.yours is None or comparison.wrong(entry) for entry in sure])
            evidence = Evidence(
                result.name,
                raw,
                sure,
                mask,
                comparison.probe,
                problem.values,
                conduct.grads,
                tuple(problem.outputs),
                lambda changed: problem.forward({**problem.fresh(), **changed})[0],
            )
            result = replace(result, diagnosis=tuple(diagnose(evidence)))
        return result
    if not sure:
        sentence = "Every entry that was measured sits on a kink of the function; move the inputs a little."
        return replace(result, verdict=Verdict.KINK, sentence=sentence)
    beyond = max(result.attainable / comparison.tolerance, max(doubts) / max(COARSE, comparison.tolerance))
    if beyond > 1 and not (comparison.is_rounding and _flat(comparison.probe)):
        return replace(result, verdict=Verdict.PRECISION, sentence=_not_checkable(result, comparison, sure))
    return result


def _not_checkable(result: TensorResult, comparison: Comparison, entries: tuple[Entry, ...]) -> str:
    """What error can be told from rounding, and why not a smaller one."""
    probe = comparison.probe
    if _rounded_to(probe.y, probe.precision):
        why = f"the function computes in {probe.precision}. Give float64 and keep it throughout."
    elif probe.precision != "float64":
        why = "forward loses digits inside: large numbers that cancel, or something made in float32 on the way."
    elif comparison.is_rounding:
        why = "yours is zero, and so is what was measured, as far as the rounding of forward's result lets it be seen."
    else:
        why = "the result of forward is much larger than its changes (a large loss, a gradient that vanishes)."
    absolute = TRUST * float(np.median([entry.attainable for entry in entries]))
    relative = f"{TRUST * result.attainable:.0e}" if TRUST * result.attainable < 1 else f"{absolute:.0e} (all of it)"
    return f"Errors below {relative} cannot be told from rounding, none above was found: {why}"


def departure(entries: tuple[Entry, ...]) -> str:
    """How far a modified backward pass is from the derivative, in one sentence."""
    yours = np.array([entry.yours for entry in entries])
    measured = np.array([entry.measured for entry in entries])
    differ = int(
        np.sum(~np.isclose(yours, measured, rtol=1e-5, atol=1e-9 * float(np.max(np.abs(measured), initial=0))))
    )
    lengths = float(np.linalg.norm(yours) * np.linalg.norm(measured))
    cosine = f"; the cosine between the two is {float(yours @ measured) / lengths:.2f}" if lengths else ""
    return (
        f"This backward pass is not a derivative, by design or by mistake: {differ} of {len(entries)} entries "
        f"differ from the measured ones{cosine}."
    )


def _rounded_to(y: Array, precision: str) -> bool:
    """True if all numbers of y are numbers of a precision below float64."""
    return precision != "float64" and bool(np.all(y.astype(precision) == y))


def _flat(probe: Probe) -> bool:
    """True if f does not change, up to rounding, however far x is moved."""
    direction = random_weights(np.random.default_rng(2), probe.x.shape) * max(1.0, probe.size)
    with np.errstate(all="ignore"):
        changes = [np.abs(probe.f(probe.x + sign * direction) - probe.y) for sign in (-1, 1)]
    return all(bool(np.all(change <= 20 * probe.noise)) for change in changes)


def _jitter(problem: Problem, conduct: Conduct, name: str) -> Array:
    """How far each entry of a gradient moves when dy and all inputs move by their last digits."""
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
    """Backward's gradient at other values; nan where there is none."""
    shape = problem.values[name].shape
    try:
        grad = problem.backward(dy.copy(), problem.forward(values)[1]).get(name)
    except (ArithmeticError, ValueError, AssertionError):
        grad = None
    return np.asarray(grad, float) if grad is not None and np.shape(grad) == shape else np.full(shape, np.nan)


def _first_bad(probe: Probe, yours: Array | None) -> tuple[Entry, ...]:
    """The first entry that is not finite, beside its measured value."""
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
    """y as a function of this one tensor."""

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
