"""Diagnoses that say where a gradient is wrong: at the borders, in one channel, at one entry, where x < 0."""

from __future__ import annotations

import numpy as np

from minitorch_viz.gradcheck.diagnosis.evidence import Evidence


def gate_inverted(evidence: Evidence) -> str | None:
    """Say that yours is zero exactly where the measured gradient is not."""
    yours, measured = evidence.yours_there != 0, np.abs(evidence.measured) > evidence.slack
    if yours.any() and measured.any() and not np.any(yours & measured) and np.mean(yours | measured) > 0.8:
        return "an inverted gate: yours is zero exactly where the measured gradient is not, and the other way round."
    return None


def single_entry(evidence: Evidence) -> str | None:
    """Say which single entry is wrong."""
    if evidence.wrong.sum() != 1 or evidence.x.size < 4:
        return None
    place = int(np.argmax(evidence.wrong))
    index = evidence.entries[place].index
    corner = all(i in (0, side - 1) for i, side in zip(index, evidence.x.shape, strict=True))
    at = "a corner, " if corner and evidence.x.ndim > 1 else ""
    return f"a single entry: only {at}{index} of {evidence.x.size} entries is wrong{_how(evidence)}."


def by_sign_of_x(evidence: Evidence) -> str | None:
    """Say that a gradient is wrong exactly where x is of one sign."""
    negative = evidence.at(evidence.x) <= 0
    if not (negative.any() and (~negative).any()) or len(negative) < 6:
        return None
    for side, mask in (("<=", negative), (">", ~negative)):
        if np.array_equal(evidence.wrong, mask):
            gate = evidence.wrong & (np.abs(evidence.measured) <= evidence.slack)
            if np.array_equal(gate, evidence.wrong):
                return f"a missing gate: where {evidence.name} {side} 0 the derivative is zero, but yours is not."
            return f"only where {evidence.name} {side} 0 is it wrong{_how(evidence)}."
    return None


def borders(evidence: Evidence) -> str | None:
    """Say that only the first or last index of the last two axes is wrong."""
    axes = [axis for axis in range(evidence.x.ndim)[-2:] if evidence.x.shape[axis] > 2]
    if not axes:
        return None
    for depth in (1, 2):
        border = np.zeros(len(evidence.entries), bool)
        for axis in axes:
            place, side = evidence.index[axis], evidence.x.shape[axis]
            border |= (place < depth) | (place >= side - depth)
        sides = {
            (axis, bool(place < depth))
            for axis in axes
            for place in evidence.index[axis][evidence.wrong].tolist()
            if place < depth or place >= evidence.x.shape[axis] - depth
        }
        inside_right = np.sum(~border & ~evidence.wrong)
        if inside_right and not np.any(evidence.wrong & ~border) and len(sides) > len(axes):
            wide = "" if depth == 1 else " (two entries wide)"
            return f"only the borders{wide} are wrong; the inside is right (padding){_how(evidence)}."
    return None


def one_slice(evidence: Evidence) -> str | None:
    """Say that only one index, or a few neighbouring ones, of one axis are wrong."""
    best: tuple[float, str] | None = None
    for axis, side in enumerate(evidence.x.shape):
        places = evidence.index[axis][evidence.wrong]
        low, high = int(places.min()), int(places.max())
        within = (evidence.index[axis] >= low) & (evidence.index[axis] <= high)
        share = (high - low + 1) / side
        if share > 0.5 or np.mean(evidence.wrong[within]) < 0.3 or side < 2:
            continue
        indices = f"index {low}" if low == high else f"the indices {low} to {high}"
        last = ", the last" if high == side - 1 and low > 0 else ""
        axis_name = _axis_name(evidence, axis)
        are = "is" if low == high else "are"
        sentence = (
            f"only {indices} of axis {axis}{axis_name} {are} wrong ({high - low + 1} of {side}{last}){_how(evidence)}."
        )
        if best is None or share < best[0]:
            best = share, sentence
    return best[1] if best else None


def every_other(evidence: Evidence) -> str | None:
    """Say that only every second or third index of an axis is wrong."""
    for axis, side in enumerate(evidence.x.shape):
        for stride in (2, 3):
            for start in range(stride):
                within = evidence.index[axis] % stride == start
                if side >= 2 * stride and np.array_equal(evidence.wrong, within):
                    indices = f"{stride}. index of axis {axis}, from {start} on,"
                    return f"only every {indices} is wrong (a stride){_how(evidence)}."
    return None


def one_in_each(evidence: Evidence) -> str | None:
    """Say that one entry for each index of the first axis is wrong, such as the label's in a loss."""
    rows = evidence.index[0][evidence.wrong] if evidence.x.ndim == 2 and evidence.dense else np.zeros(0)
    if evidence.x.shape[-1] < 3 or not np.array_equal(np.sort(rows), np.arange(evidence.x.shape[0])):
        return None
    errors = (evidence.yours_there - evidence.measured)[evidence.wrong]
    same = f", always by {errors[0]:.6g}" if np.all(np.abs(errors - errors[0]) <= 1e-5 * abs(errors[0])) else ""
    return f"one entry in each row is wrong{same} (such as the true label's, in a loss){_how(evidence)}."


def nonzero_where_zero(evidence: Evidence) -> str | None:
    """Say that yours is not zero where the derivative is."""
    zero = np.abs(evidence.measured) <= evidence.slack
    if not zero.any() or not np.all(zero[evidence.wrong]):
        return None
    return (
        f"too generous: in {int(evidence.wrong.sum())} entries the derivative is zero, but yours is not "
        f"(inputs that do not reach the output: losers of a maximum, closed gates)."
    )


def zero_where_nonzero(evidence: Evidence) -> str | None:
    """Say that yours is zero where the derivative is not."""
    if np.any(evidence.yours_there[evidence.wrong]):
        return None
    return f"part of it is missing: yours is zero in {int(evidence.wrong.sum())} entries where the derivative is not."


def _axis_name(evidence: Evidence, axis: int) -> str:
    if evidence.x.ndim != 4:
        return ""
    return (" (images, or output channels)", " (channels)", " (rows)", " (columns)")[axis]


def _how(evidence: Evidence) -> str:
    """Say what is wrong at the wrong places, if that is simple."""
    yours, measured = evidence.yours_there[evidence.wrong], evidence.measured[evidence.wrong]
    if not np.any(yours):
        return ": yours is zero there"
    if not np.any(np.abs(measured) > evidence.slack[evidence.wrong]):
        return ": the derivative is zero there, but yours is not"
    ratio = float(yours @ measured / (measured @ measured))
    if np.all(np.abs(yours - ratio * measured) <= 1e-4 * np.abs(yours)):
        return f": yours is {ratio:.6g} times the measured gradient there"
    return ""
