"""The verdict in words: what the measurements of one gradient and the conduct of the functions come to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.compare import Comparison
from minitorch_viz.gradcheck.diagnosis import diagnose
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence
from minitorch_viz.gradcheck.differences import TRUST, Probe
from minitorch_viz.gradcheck.noise import EPS, random_weights
from minitorch_viz.gradcheck.problem import Conduct, Problem
from minitorch_viz.gradcheck.report import Entry, TensorResult, Verdict

COARSE = 1e-4  # relative doubt at a single entry above which a gradient is not called right


@dataclass(frozen=True)
class Findings:
    """Hold what the numbers say about one tensor."""

    comparison: Comparison
    smooth: tuple[Entry, ...]  # measured, not at a kink
    kinks: tuple[Entry, ...]
    wrong: bool
    weighed: bool  # the entries that were not measured agree along a random direction
    sentence: str = ""
    diagnosis: tuple[str, ...] = ()


def verdict_in_words(
    problem: Problem, conduct: Conduct, result: TensorResult, findings: Findings, raw: Array
) -> TensorResult:
    """Turn findings and conduct into a verdict in words."""
    comparison, smooth = findings.comparison, findings.smooth
    errors = [comparison.error(entry) for entry in smooth] if comparison.yours is not None else []
    doubts = [comparison.relative_doubt(entry) for entry in smooth]
    precision = comparison.probe.precision
    coarse = 10 * EPS[precision] if _rounded_to(conduct.y, precision) else 0.0
    result = replace(
        result,
        sentence=findings.sentence,
        checked=len(smooth) + len(findings.kinks),
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
            candidates = [e for e in smooth if comparison.wrong(e)] or (
                findings.kinks if findings.diagnosis else smooth
            )
            worst = sorted(candidates, key=lambda entry: -abs(entry.difference))
            result = replace(result, worst=tuple(worst[:5]))
        if result.name in conduct.not_linear or problem.rules:
            return replace(result, verdict=Verdict.NOT_A_DERIVATIVE, sentence=_departure(smooth))
        if smooth and not result.diagnosis:
            mask = np.array([comparison.yours is None or comparison.wrong(entry) for entry in smooth])
            evidence = Evidence(
                result.name,
                raw,
                smooth,
                mask,
                comparison.probe,
                problem.values,
                conduct.grads,
                tuple(problem.outputs),
                lambda changed: problem.forward({**problem.fresh(), **changed})[0],
            )
            result = replace(result, diagnosis=tuple(diagnose(evidence)))
        return result
    if not smooth:
        sentence = "Every entry that was measured sits on a kink of the function; move the inputs a little."
        return replace(result, verdict=Verdict.KINK, sentence=sentence)
    excess = max(result.attainable / comparison.tolerance, max(doubts) / max(COARSE, comparison.tolerance))
    if excess > 1 and not (comparison.is_rounding and _flat(comparison.probe)):
        return replace(result, verdict=Verdict.PRECISION, sentence=_not_checkable(result, comparison, smooth))
    return replace(result, sentence=" ".join(filter(None, [result.sentence, _too_faint(comparison, smooth)])))


def _too_faint(comparison: Comparison, entries: tuple[Entry, ...]) -> str:
    """Name the entries that are right only as far as all as small: an error of their size would not be seen.

    What rounding alone leaves of a zero is none of them.
    """
    dust = 16 * EPS["float64"] * comparison.typical
    faint = [entry for entry in entries if dust < abs(entry.yours) <= TRUST * entry.attainable]
    if not faint:
        return ""
    largest = max(faint, key=lambda entry: abs(entry.yours))
    verb = "entries are" if len(faint) > 1 else "entry is"
    return (
        f"{len(faint)} {verb} too small beside the others to be resolved: an error as large as the entry itself would "
        f"not be seen (the largest, {largest.yours:.1e} at {largest.index})."
    )


def _not_checkable(result: TensorResult, comparison: Comparison, entries: tuple[Entry, ...]) -> str:
    """Say what error can be told from rounding, and why not a smaller one."""
    probe = comparison.probe
    if _rounded_to(probe.y, probe.precision):
        reason = f"the function computes in {probe.precision}. Give float64 and keep it throughout."
    elif probe.precision != "float64":
        reason = "forward loses digits inside: large numbers that cancel, or something made in float32 on the way."
    elif comparison.is_rounding:
        reason = (
            "yours is zero, and so is what was measured, as far as the rounding of forward's result lets it be seen."
        )
    else:
        reason = "the result of forward is much larger than its changes (a large loss, a gradient that vanishes)."
    absolute = TRUST * float(np.median([entry.attainable for entry in entries]))
    relative = f"{TRUST * result.attainable:.0e}" if TRUST * result.attainable < 1 else f"{absolute:.0e} (all of it)"
    return f"Errors below {relative} cannot be told from rounding, none above was found: {reason}"


def _departure(entries: tuple[Entry, ...]) -> str:
    """Say how far a modified backward pass is from the derivative, in one sentence."""
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
    """Return True if all numbers of y are numbers of a precision below float64."""
    return precision != "float64" and bool(np.all(y.astype(precision) == y))


def _flat(probe: Probe) -> bool:
    """Return True if f does not change, up to rounding, however far x is moved."""
    direction = random_weights(np.random.default_rng(2), probe.x.shape) * max(1.0, probe.size)
    with np.errstate(all="ignore"):
        changes = [np.abs(probe.f(probe.x + sign * direction) - probe.y) for sign in (-1, 1)]
    return all(bool(np.all(change <= 20 * probe.noise)) for change in changes)
