"""Diagnoses of the sum in a gradient: which outputs' contributions are missing, which factor, which term."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence


def _explains(evidence: Evidence, guesses: list[float]) -> bool:
    """Return True if the guesses are what backward gave at the suspects, and not all of them are zero."""
    yours, slack = evidence.yours_there[evidence.suspects], evidence.slack[evidence.suspects]
    size = np.max(np.abs(evidence.measured), initial=0.0)
    return bool(np.any(yours)) and bool(np.all(np.abs(np.array(guesses) - yours) <= slack + 1e-6 * size))


def matrix_not_transposed(evidence: Evidence) -> str | None:
    """Say that backward multiplies dy by the forward matrix: J dy, where the chain rule needs J transposed times dy."""
    probe = evidence.probe
    if evidence.y.shape != evidence.x.shape:
        return None
    step = probe.first_step(probe.size) / max(1.0, float(np.abs(probe.dy).max()))
    plus, minus = (np.asarray(probe.f(evidence.x + sign * step * probe.dy), float) for sign in (1, -1))
    pushed = evidence.at((plus - minus) / (2 * step))  # how y moves when x moves along dy: J dy, entry by entry
    equal = np.abs(pushed - evidence.yours_there) <= evidence.slack + 1e-6 * np.max(np.abs(pushed), initial=0.0)
    if np.all(equal) and np.any(pushed):
        return (
            "a matrix is not transposed: yours is dy pushed forwards through the layer (dy @ w), but the gradient is "
            "dy carried backwards (dy @ w.T). With a square matrix the shapes fit either way."
        )
    return None


def own_output_only(evidence: Evidence) -> str | None:
    """Say that backward keeps only the term of the input's own output, where each reads many inputs."""
    if evidence.y.shape != evidence.x.shape or evidence.x.size < 2 or not len(evidence.suspects):
        return None
    guesses = [
        float(parts[evidence.entries[place].index])
        for place, parts in zip(evidence.suspects, evidence.contributions, strict=True)
    ]
    if _explains(evidence, guesses):
        return (
            "the cross terms are missing: every output depends on several inputs (softmax, normalization), "
            "but yours is only the contribution of each input's own output."
        )
    return None


def one_output_missing(evidence: Evidence) -> str | None:
    """Say through which of several outputs the gradient that comes in is forgotten."""
    if len(evidence.outputs) < 2 or not len(evidence.suspects):
        return None
    ends = np.cumsum([size for _, size in evidence.outputs])
    shares = [[float(part.sum()) for part in np.split(parts, ends[:-1])] for parts in evidence.contributions]
    for place, (name, _) in enumerate(evidence.outputs):
        if _explains(evidence, [sum(share) - share[place] for share in shares]):
            return f"what flows in through {name} is missing: yours counts only the other outputs."
    return None


def one_index_only(evidence: Evidence) -> str | None:
    """Say that backward sums over one index of an output axis instead of all, or leaves one out."""
    if len(evidence.suspects) < min(2, evidence.x.size):
        return None
    for axis, side in enumerate(evidence.y.shape):
        other_axes = tuple(a for a in range(evidence.y.ndim) if a != axis)
        rows = [parts.sum(other_axes) for parts in evidence.contributions]
        if side < 2 or not rows or sum(np.count_nonzero(row) == side for row in rows) < len(rows) / 2:
            continue  # only where all indices contribute does one of them stand out
        axis_name = f"axis {axis} of the output" + (" (the batch)" if axis == 0 and side > 1 else "")
        for index in range(side):
            position = "the first" if index == 0 else "the last" if index == side - 1 else f"index {index}"
            if _explains(evidence, [float(row[index]) for row in rows]):
                return f"only {position} of the {side} along {axis_name} counts: not summed, or overwritten in a loop."
            if side > 2 and _explains(evidence, [float(row.sum() - row[index]) for row in rows]):
                return f"{position} of the {side} along {axis_name} is left out of the sum."
    return None


def assigned_instead_of_added(evidence: Evidence) -> str | None:
    """Say that backward keeps one contribution where several outputs read the same input."""
    if evidence.y.size < 2:
        return None
    terms = [parts[np.nonzero(parts)] for parts in evidence.contributions]
    if not terms or any(len(term) < 2 for term in terms):
        return None
    for position, place in (("last", -1), ("first", 0)):
        if _explains(evidence, [float(term[place]) for term in terms]):
            return (
                f"contributions overwritten instead of added (= for +=): where several outputs share an input, as in "
                f"overlapping windows, yours is only the {position} one's."
            )
    return None


def other_function(evidence: Evidence) -> str | None:
    """Say, for a function of single entries, that dy is multiplied by another simple expression."""
    x, y, dy = evidence.x, evidence.y, evidence.probe.dy
    if y.shape != x.shape or x.size < 3:
        return None
    forms = {"x": x, "y": y, "(1 - x**2)": 1 - x**2, "(1 - y**2)": 1 - y**2, "x (1 - x)": x * (1 - x)}
    forms |= {"y (1 - y)": y * (1 - y), "exp(x)": np.exp(np.minimum(x, 100)), "1": np.ones_like(x), "cos(x)": np.cos(x)}
    forms |= {"2 x": 2 * x, "sin(x)": np.sin(x), "-sin(x)": -np.sin(x)}
    right_labels = [label for label, form in forms.items() if evidence.fits(dy * form)]
    wrong_labels = [
        label
        for label, form in forms.items()
        if np.all(np.abs(evidence.at(dy * form) - evidence.yours_there) <= evidence.slack)
    ]
    if not (right_labels and wrong_labels):
        return None
    return (
        f"another function's derivative: yours is dy times {wrong_labels[0]}, the measured gradient dy times "
        f"{right_labels[0]}."
    )


def missing_factor(evidence: Evidence) -> str | None:
    """Say that measured / yours is a quantity of the problem, or depends on one axis only."""
    yours, measured = evidence.yours_there, evidence.measured
    usable = (yours != 0) & (np.abs(measured) > evidence.slack)
    if usable.sum() < max(2, 0.5 * len(yours)):
        return None
    ratio = np.ones_like(yours)
    ratio[usable] = measured[usable] / yours[usable]
    for label, factor in _quantities(evidence):
        factor_there = evidence.at(factor)
        if np.ptp(factor_there) == 0:
            continue
        if evidence.fits(evidence.grid(yours * factor_there)):
            return f"a missing factor: yours times {label} is the measured gradient."
        with np.errstate(all="ignore"):
            if evidence.fits(evidence.grid(yours / factor_there)):
                return f"a factor too many: yours divided by {label} is the measured gradient."
    for axis, side in enumerate(evidence.x.shape):
        if side == 1 or side == evidence.x.size:
            continue
        firsts = {int(i): float(ratio[evidence.index[axis] == i][0]) for i in set(evidence.index[axis].tolist())}
        factors = np.array([firsts[int(i)] for i in evidence.index[axis]])
        if np.ptp(factors) and len(firsts) < len(yours) / 2 and evidence.fits(evidence.grid(yours * factors)):
            listed = ", ".join(f"{firsts[i]:.4g}" for i in sorted(firsts)[:4]) + (", ..." if side > 4 else "")
            return f"a missing factor that depends only on axis {axis}: measured / yours is {listed} along it."
    return None


def _quantities(evidence: Evidence) -> Iterator[tuple[str, Array]]:
    """Yield arrays of x's shape that backward may have forgotten to multiply by, and what they are called."""
    shape, name, x = evidence.x.shape, evidence.name, evidence.x
    yield name, x
    if evidence.y.shape == shape:
        y = evidence.y
        yield from (("y", y), ("1 - y", 1 - y), ("y (1 - y)", y * (1 - y)), ("1 - y**2", 1 - y**2))
        yield "dy", evidence.probe.dy
    for other, value in evidence.values.items():
        if other == name or value.dtype.kind != "f":
            continue
        forms = [value, value.reshape(value.shape + (1,) * (len(shape) - 2))] if value.ndim == 1 else [value]
        for form in forms:
            if _fits_into(form.shape, shape):
                yield other, np.broadcast_to(form, shape)
                break


def _fits_into(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Return True if an array of the small shape broadcasts to the shape."""
    pairs = zip(small[::-1], shape[::-1], strict=False)
    return len(small) <= len(shape) and all(a in (1, b) for a, b in pairs)


def missing_term(evidence: Evidence) -> str | None:
    """Say that measured - yours has a simple form: proportional to x or y, or the same along some axes."""
    x = evidence.x
    if not evidence.dense or x.size < 4:
        return None
    difference = evidence.grid(evidence.measured - evidence.yours_there)
    slack = evidence.grid(evidence.slack) + 1e-6 * float(np.max(np.abs(evidence.measured)))
    if evidence.wrong.sum() < 0.7 * x.size:
        return None
    terms = {f"{evidence.name} (such as a regularizer's)": x}
    if evidence.y.shape == x.shape:
        terms["dy (such as a skip connection's)"] = evidence.probe.dy
    for label, term in terms.items():
        scale = float(np.sum(difference * term) / np.sum(term * term)) if np.any(term) else 0.0
        if scale and np.all(np.abs(difference - scale * term) <= slack):
            return f"a missing term: measured - yours is {scale:.6g} * {label}."
    axes = [axis for axis, side in enumerate(x.shape) if side > 1]
    for count in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, count):
            axis_words = f"axis {chosen[0]}" if count == 1 else f"axes {chosen}"
            if np.all(np.abs(difference - difference.mean(chosen, keepdims=True)) <= slack):
                return f"a missing term: measured - yours is the same all along {axis_words} (a mean's or sum's path)."
            entries = int(np.prod([x.shape[axis] for axis in chosen]))
            if entries >= 3 and evidence.y.shape == x.shape and _proportional(difference, evidence.y, chosen, slack):
                return (
                    f"the cross terms are missing: measured - yours is proportional to the output along {axis_words} "
                    f"(softmax's sum, or the path through a normalization's deviation)."
                )
            if entries >= 4 and _affine(difference, x, chosen, slack):
                return (
                    f"a missing term: measured - yours grows linearly with {evidence.name} along {axis_words} "
                    f"(the path through a variance, or through mean and variance)."
                )
    return None


def _proportional(difference: Array, y: Array, axes: tuple[int, ...], slack: Array) -> bool:
    scale = np.sum(difference * y, axes, keepdims=True) / np.maximum(np.sum(y * y, axes, keepdims=True), 1e-300)
    return bool(np.all(np.abs(difference - scale * y) <= slack))


def _affine(difference: Array, x: Array, axes: tuple[int, ...], slack: Array) -> bool:
    centered = difference - difference.mean(axes, keepdims=True)
    return _proportional(centered, x - x.mean(axes, keepdims=True), axes, slack)
