"""Diagnoses that turn the whole wrong gradient into the right one: a factor, a transpose, a flip, a shift, a sum."""

from __future__ import annotations

import itertools

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence


def all_zeros(evidence: Evidence) -> str | None:
    """Say that the gradient is never filled in."""
    if np.any(evidence.yours):
        return None
    return "all zeros: this gradient is never filled in."


def constant_factor(evidence: Evidence) -> str | None:
    """Say that yours = r * measured, and why, if r has a name. A single entry proves nothing but a named r."""
    yours, measured = evidence.yours_there, evidence.measured
    if not np.any(measured):
        return None
    ratio = float(yours @ measured) / float(measured @ measured)
    if ratio == 0 or not evidence.fits(evidence.yours / ratio):
        return None
    if np.isclose(ratio, -1, rtol=1e-5):
        return "the sign: yours is minus the measured gradient."
    name = _factor_name(evidence, abs(ratio))
    if len(yours) == 1 and not name:
        return None
    sign = " and the sign is wrong" if ratio < 0 else ""
    return f"a constant factor: yours is {ratio:.6g} times the measured gradient{name}{sign}."


def _factor_name(evidence: Evidence, ratio: float) -> str:
    batch = evidence.y.shape[0] if evidence.y.ndim else evidence.x.shape[0] if evidence.x.ndim else 1
    if evidence.y.ndim == 0 and len(evidence.values) > 1:  # a loss: N is what the inputs share
        firsts = [value.shape[0] for value in evidence.values.values() if value.ndim]
        batch = max(set(firsts), key=firsts.count)
    sizes = {f"N = {batch}": float(batch)}
    sizes |= {f"axis {axis} of the output has {n}": float(n) for axis, n in enumerate(evidence.y.shape)}
    sizes |= {f"the output has {evidence.y.size} entries": float(evidence.y.size)}
    sizes |= {f"axis {axis} of {evidence.name} has {n}": float(n) for axis, n in enumerate(evidence.x.shape)}
    sizes |= {f"{evidence.name} has {evidence.x.size} entries": float(evidence.x.size)}
    sizes = {name: size for name, size in sizes.items() if size > 1}
    names = []
    if np.isclose(ratio, 2, rtol=1e-5):
        names.append("a factor 2 too many (or a missing 1/2)")
    if np.isclose(ratio, 0.5, rtol=1e-5):
        names.append("a missing factor 2 (or a 1/2 too many)")
    for words, form in (("a missing 1/{}", 1.0), ("divided by {} once too often", -1.0), ("a missing 1/sqrt({})", 0.5)):
        for name, size in sizes.items():
            if np.isclose(ratio, size**form, rtol=1e-5):
                short = "N" if name.startswith("N") else f"{size:g}"
                names.append(f"{words.format(short)} ({name})")
                break
    return f", {', or '.join(names)}" if names else ""


def axes_swapped(evidence: Evidence) -> str | None:
    """Say that the gradient is transposed, and how."""
    axes = range(evidence.yours.ndim)
    if len(axes) > 5:
        return None
    for order in itertools.permutations(axes):
        if order != tuple(axes) and evidence.fits(evidence.yours.transpose(order)):
            if len(axes) == 2:
                return "transposed: yours.T is the measured gradient."
            return f"transposed: yours.transpose{order} is the measured gradient."
    return None


def flipped(evidence: Evidence) -> str | None:
    """Say that the gradient is flipped, and along which axes."""
    axes = [axis for axis, side in enumerate(evidence.x.shape) if side > 1]
    for count in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, count):
            if evidence.fits(np.flip(evidence.yours, chosen)):
                kernel = count == 2 and chosen[1] == evidence.x.ndim - 1 and chosen[0] == chosen[1] - 1
                remark = " (rotated by 180 degrees, as by a kernel flipped once too often or too little)"
                return (
                    f"flipped: np.flip(yours, {chosen if count > 1 else chosen[0]}) is the measured gradient"
                    f"{remark if kernel else ''}."
                )
    return None


def shifted(evidence: Evidence) -> str | None:
    """Say that the gradient is shifted, by how much and along which axes."""
    steps = [1, -1, 2, -2]
    axes = [axis for axis, side in enumerate(evidence.x.shape) if side > 2]
    for axis, step in itertools.product(axes, steps):
        if evidence.fits(_shift(evidence.yours, {axis: step})):
            return f"shifted by {step} along axis {axis}: yours[i{step:+d}] is the measured gradient at i."
    for pair in itertools.combinations(axes, 2):
        for moves in itertools.product(steps[:2], steps[:2]):
            if evidence.fits(_shift(evidence.yours, dict(zip(pair, moves, strict=True)))):
                return f"shifted by {moves} along axes {pair}, such as padding that was cropped on the wrong side."
    return None


def _shift(array: Array, moves: dict[int, int]) -> Array:
    """Return result[i] = array[i + move], nan beyond the border."""
    result = np.asarray(array, float)
    for axis, move in moves.items():
        result = np.roll(result, -move, axis)
        beyond = slice(-move, None) if move > 0 else slice(0, -move)
        result[(slice(None),) * axis + (beyond,)] = np.nan
    return result


def of_another_input(evidence: Evidence) -> str | None:
    """Say that the gradient was returned for another input."""
    for name, grad in evidence.grads.items():
        if name != evidence.name and evidence.fits(np.asarray(grad, float)):
            return f"swapped: what backward returned for {name} is the gradient of {evidence.name}."
    return None


def misplaced(evidence: Evidence) -> str | None:
    """Say that the right numbers stand in another order."""
    yours, measured = np.sort(evidence.yours_there), np.sort(evidence.measured)
    slack = float(np.max(evidence.slack))
    if not evidence.dense or yours.size < 4 or np.any(np.abs(yours - measured) > slack):
        return None
    return "the right numbers at the wrong places: an index is off, or a reshape uses another order of the axes."


def not_summed(evidence: Evidence) -> str | None:
    """Say that yours has the shape of the output: the sum over the axes along which x was broadcast is missing."""
    yours, shape = np.asarray(evidence.yours, float), evidence.x.shape
    for count in range(1, yours.ndim + 1):
        for axes in itertools.combinations(range(yours.ndim), count):
            for keep in (False, True):
                if evidence.fits(yours.sum(axes, keepdims=keep)):
                    axis_words = f"axis {axes[0]}" if count == 1 else f"axes {axes}"
                    return f"not summed over a broadcast axis: sum over {axis_words} to get shape {shape}."
    for axis in range(yours.ndim):  # one entry of the axis has been picked already, or the values are wrong as well
        if yours.shape[:axis] + yours.shape[axis + 1 :] == shape:
            return f"not summed over a broadcast axis: axis {axis} is left over (the values differ as well)."
    return None


def reshaped(evidence: Evidence) -> str | None:
    """Say that only the shape is wrong."""
    yours, shape = evidence.yours, evidence.x.shape
    if yours.size == evidence.x.size and evidence.fits(np.asarray(yours, float).reshape(shape)):
        return f"the numbers are right, only the shape is not: reshape to {shape}."
    if yours.ndim == len(shape) and all(n >= m for n, m in zip(yours.shape, shape, strict=True)):
        for corner in itertools.product(*({0, (n - m) // 2, n - m} for n, m in zip(yours.shape, shape, strict=True))):
            part = tuple(slice(start, start + side) for start, side in zip(corner, shape, strict=True))
            if evidence.fits(np.asarray(yours, float)[part]):
                return f"padding that was not cropped: yours[{_slices(part)}] is the measured gradient."
    return None


def _slices(part: tuple[slice, ...]) -> str:
    return ", ".join(f"{side.start}:{side.stop}" for side in part)
