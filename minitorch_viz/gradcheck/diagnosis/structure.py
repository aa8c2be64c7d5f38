"""Diagnoses of a layer's structure: swapped gates, filters flipped or transposed in backward, normalization's sums."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence
from minitorch_viz.gradcheck.differences import Line

BLOCKS = (2, 3, 4, 6, 8)  # gates side by side along one axis
EPSILONS = (0.0, 1e-5, 1e-8, 1e-6, 1e-3, 1e-12)  # added to a variance


def blocks_swapped(evidence: Evidence) -> str | None:
    """Say which equal blocks along an axis, such as the gates of an LSTM, stand in another order."""
    for axis, side in enumerate(evidence.x.shape):
        for count in BLOCKS:
            if side % count or side == count == 2:
                continue
            blocks = np.split(np.asarray(evidence.yours, float), count, axis)
            order = [_source(evidence, blocks, axis, place) for place in range(count)]
            if None in order or order == list(range(count)) or len(set(order)) < count:
                continue
            if evidence.fits(np.concatenate([blocks[source] for source in order], axis)):  # type: ignore[index]
                width = side // count
                places = [place for place, source in enumerate(order) if source != place]
                names = [f"{p * width}-{(p + 1) * width - 1}" if width > 1 else f"{p * width}" for p in places]
                verb = "are swapped" if len(places) == 2 else "stand in another order"
                return (
                    f"the indices {', '.join(names[:-1])} and {names[-1]} of axis {axis} {verb} "
                    f"(blocks of {width}, such as the gates of an LSTM or GRU)."
                )
    return None


def _source(evidence: Evidence, blocks: list[Array], axis: int, place: int) -> int | None:
    """Return which block of yours is what was measured at this place."""
    width = blocks[0].shape[axis]
    mask = evidence.index[axis] // width == place
    sources: list[int] = [place, *range(len(blocks))]
    for source in sources:
        candidate = np.concatenate([blocks[source]] * len(blocks), axis)
        if mask.any() and np.all(np.abs(evidence.at(candidate) - evidence.measured)[mask] <= evidence.slack[mask]):
            return source
    return None


def of_turned_input(evidence: Evidence) -> str | None:
    """Say that yours is the gradient that another input would give if it were flipped or transposed."""
    if evidence.function is None or not len(evidence.suspects):
        return None
    yours = evidence.yours_there[evidence.suspects]
    slack = evidence.slack[evidence.suspects] + 1e-6 * np.max(np.abs(evidence.measured), initial=0.0)
    for other, value in evidence.values.items():
        if other == evidence.name or value.dtype.kind != "f":
            continue
        for turned_value, words in _turns(value):
            guesses = []
            for place in evidence.suspects:
                line = Line(evidence.entries[place].index, 1.0)
                step = evidence.probe.first_step(abs(float(evidence.x[line.part])))
                low, high = (
                    evidence.function({evidence.name: _moved(evidence.x, line.part, t), other: turned_value})
                    for t in (-step, step)
                )
                if low.shape != evidence.y.shape:
                    break
                guesses.append(float(np.sum(evidence.probe.dy * (high - low)) / (2 * step)))
            if len(guesses) == len(yours) and np.any(yours) and np.all(np.abs(np.array(guesses) - yours) <= slack):
                return f"{other} is {words} in backward: yours is the gradient with {other} so turned."
    return None


def _turns(value: Array) -> Iterator[tuple[Array, str]]:
    """Yield the other input, turned in ways that keep its shape, and the words for it."""
    if value.ndim >= 3 and value.shape[-1] > 1 and value.ndim != 3:
        yield value[..., ::-1, ::-1], "rotated by 180 degrees (flipped filters)"
    if value.ndim >= 2 and value.shape[-1] > 1:
        yield value[..., ::-1], "flipped along its last axis"
    if value.ndim == 2 and value.shape[0] > 1 and value.shape[1] > 1:
        yield value[::-1, ::-1], "rotated by 180 degrees (flipped filters)"
    for axes in itertools.combinations(range(value.ndim), 2):
        if value.shape[axes[0]] == value.shape[axes[1]] > 1:
            yield np.swapaxes(value, *axes), f"transposed (axes {axes[0]} and {axes[1]})"


def _moved(x: Array, part: tuple[int, ...], move: float) -> Array:
    x = np.array(x, float)
    x[part] += move
    return x


def normalization(evidence: Evidence) -> str | None:
    """Say which sums of a normalization's gradient are over the wrong axis, or lack their 1/N.

    With g the gradient behind scale and shift, dx = (g - a mean(g) - b xhat mean(g xhat)) / std with a = b = 1.
    """
    x, shape = evidence.x, evidence.x.shape
    if evidence.y.shape != shape or x.ndim < 2:
        return None
    for axes, g, xhat, std in _normalized(evidence):
        count = int(np.prod([shape[axis] for axis in axes]))
        for other_axes in _axes(x.ndim):
            first, second = g.mean(other_axes, keepdims=True), xhat * (g * xhat).mean(other_axes, keepdims=True)
            basis = [evidence.at(np.broadcast_to(part / std, shape)) for part in (first, second)]
            residual = evidence.at(g / std) - evidence.yours_there
            (a, b), *_ = np.linalg.lstsq(np.array(basis).T, residual, rcond=None)
            errors = np.abs(a * basis[0] + b * basis[1] - residual)
            if not np.all(errors <= evidence.slack + 1e-7 * np.max(np.abs(evidence.measured))):
                continue
            coefficients = [round(float(c), 4) for c in (a, b)]
            if other_axes != axes and coefficients == [1.0, 1.0]:
                wrong = f"forward's means run over {_words(axes)}, yours over {_words(other_axes)}"
                return f"normalized over the wrong axis: {wrong}."
            if other_axes == axes and coefficients != [1.0, 1.0] and all(c in (0.0, 1.0, count) for c in coefficients):
                paths_without = [name for name, c in zip(("mean", "variance"), coefficients, strict=True) if c == count]
                if paths_without:
                    path_names = " and the ".join(paths_without)
                    return f"a missing 1/N (N = {count}, along {_words(axes)}) in the path through the {path_names}."
    return None


def _normalized(evidence: Evidence) -> Iterator[tuple[tuple[int, ...], Array, Array, Array]]:
    """Yield axes, gradient, xhat and deviation with which the measured gradient is that of a normalization."""
    x, dy = evidence.x, evidence.probe.dy
    scales: list[Array] = [np.ones(())]
    for name, value in evidence.values.items():
        if name != evidence.name and value.dtype.kind == "f" and value.size > 1:
            wide = value.reshape(value.shape + (1,) * (x.ndim - 2)) if value.ndim == 1 and x.ndim > 2 else value
            if wide.ndim <= x.ndim and all(m in (1, n) for m, n in zip(wide.shape[::-1], x.shape[::-1], strict=False)):
                scales.append(wide)
    for axes, scale, epsilon in itertools.product(_axes(x.ndim), scales, EPSILONS):
        std = np.sqrt(x.var(axes, keepdims=True) + epsilon)
        if not np.all(std > 0):
            continue
        xhat, g = (x - x.mean(axes, keepdims=True)) / std, dy * scale
        right = (g - g.mean(axes, keepdims=True) - xhat * (g * xhat).mean(axes, keepdims=True)) / std
        if evidence.fits(right):
            yield axes, g, xhat, std
            return


def softmax_axis(evidence: Evidence) -> str | None:
    """Say that a softmax's backward sums over another axis than its forward."""
    y, dy = evidence.y, evidence.probe.dy
    if y.shape != evidence.x.shape or y.ndim < 2:
        return None
    forms = {axes: y * (dy - np.sum(dy * y, axes, keepdims=True)) for axes in _axes(y.ndim)}
    right = next((axes for axes, form in forms.items() if evidence.fits(form)), None)
    for axes, form in forms.items():
        equal = np.abs(evidence.at(form) - evidence.yours_there) <= evidence.slack
        if right is not None and axes != right and np.all(equal):
            return (
                f"normalized over the wrong axis: forward's sum runs over {_words(right)}, yours over {_words(axes)}."
            )
    return None


def _axes(ndim: int) -> list[tuple[int, ...]]:
    return [axes for count in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), count)]


def _words(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
