"""Numbers as small pictures on one scale, and how they are spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import resize

LARGEST = 32  # places a side: larger maps are shown smaller
BINS = 24
ACROSS = 32  # numbers in a row, where a node has one a channel
SLICES = 8  # input channels of a filter that are shown
MATRIX = 96  # inputs of a linear layer that are shown
FEW = 1000  # numbers: of fewer the largest magnitude is at full colour


class Spread(NamedTuple):
    """Hold how many numbers lie where."""

    least: float
    most: float
    mean: float
    deviation: float
    zeros: float  # the share of those that are exactly 0
    counts: Array  # (24,) int: of the others, in equal steps; the outermost hold what lies beyond
    edges: Array  # (25,)


class Sheet(NamedTuple):
    """Hold numbers as small pictures, on one scale."""

    pictures: Array  # (k, h, w), or (k, 3, h, w) in the photo's colours; NaN: nothing there
    columns: int  # pictures in a row; 0: as many as suit the place
    full: float  # the magnitude at full colour: the 99.5th percentile of all the numbers, of few the largest
    words: str  # which ones they are
    spread: Spread  # of all the numbers


def sheet_of(values: Array, chosen: Array, colour: bool = False) -> Sheet:
    """Return a node's numbers as pictures: the chosen maps, all channels of a picture, a matrix, or rows of numbers."""
    if values.ndim == 3 and colour and len(values) == 3:
        return _shown(values, _smaller(values, 4 * LARGEST)[None], 1, "the picture")
    if values.ndim == 3:
        size = " x ".join(map(str, values.shape[1:]))
        small = "" if max(values.shape[1:]) <= LARGEST else ", shown smaller"
        words = f"{len(chosen)} of {len(values)} channels, {size}{small}"
        return _shown(values, np.stack([_smaller(values[channel]) for channel in chosen]), 0, words)
    if values.ndim == 2:
        return _shown(
            values, _smaller(values, 4 * LARGEST)[None], 1, f"{len(values)} channels x {values.shape[1]} steps"
        )
    return _shown(values, _in_rows(values), 1, f"{len(values)} numbers, row by row")


def _in_rows(values: Array, most: int = 1024) -> Array:
    """Return numbers (C,) as a picture (1, rows, columns), row by row."""
    values = values[:most].astype(np.float32)
    columns = min(ACROSS, len(values))
    padded = np.append(values, np.full(-len(values) % columns, np.nan, np.float32))
    return padded.reshape(1, -1, columns)


def _smaller(values: Array, largest: int = LARGEST) -> Array:
    """Return a picture (..., h, w) with sides of at most `largest`, smoothed before it is thinned out."""
    high, wide = values.shape[-2:]
    step = max(high, wide) / largest
    if step <= 1:
        return values.astype(np.float32)
    size = max(1, round(high / step)), max(1, round(wide / step))
    maps = values.reshape(-1, high, wide).astype(np.float32)
    small: Array = np.stack([resize(each, size, smooth=True) for each in maps])
    return small.reshape(*values.shape[:-2], *size)


def _shown(values: Array, pictures: Array, columns: int, words: str) -> Sheet:
    finite = np.abs(values[np.isfinite(values)])
    full = float(np.percentile(finite, 99.5)) if finite.size >= FEW else 0.0
    full = full or float(finite.max(initial=0.0)) or 1.0
    return Sheet(pictures, columns, full, words, spread_of(values, full))


def spread_of(values: Array, full: float) -> Spread:
    """Return how numbers of any shape are spread; those that are not finite are left out.

    full: the magnitude at which the bars end; what lies beyond is in the outermost ones.
    """
    numbers = values[np.isfinite(values)].ravel()
    if not numbers.size:
        return Spread(np.nan, np.nan, np.nan, np.nan, 0.0, np.zeros(BINS, int), np.linspace(0, 1, BINS + 1))
    others = numbers[numbers != 0].astype(np.float64)
    low, high = (max(others.min(), -full), min(others.max(), full)) if others.size else (0.0, 1.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        middle, half = (low + high) / 2, abs(high) / 2 or 0.5
        low, high = middle - half, middle + half
    counts, edges = np.histogram(others.clip(low, high), BINS, (low, high))
    zeros = 1 - others.size / numbers.size
    mean, deviation = (float(f(numbers, dtype=np.float64)) for f in (np.mean, np.std))
    return Spread(float(numbers.min()), float(numbers.max()), mean, deviation, zeros, counts, edges)


def param_sheet(values: Array, chosen: Array, read: tuple[int, ...]) -> Sheet:
    """Return a parameter's numbers as pictures: filters, rows of a matrix as pictures of what they read, or numbers.

    chosen: the outputs whose weights are shown; read: the shape of the picture that a linear layer reads, () of none.
    """
    count = len(values)
    rows = chosen if len(chosen) and chosen.max() < count else np.arange(min(count, 16))
    if values.ndim == 4 and values.shape[2] * values.shape[3] > 1:
        if values.shape[1] == 3 and read:
            return _shown(values, values[rows].astype(np.float32), 0, f"{len(rows)} of {count} filters, in colour")
        slices = min(values.shape[1], SLICES)
        pictures = values[rows][:, :slices].reshape(-1, *values.shape[2:]).astype(np.float32)
        of = f"{len(rows)} of {count} filters" + f", a row each; the first {slices} of {values.shape[1]} inputs" * (
            slices > 1
        )
        return _shown(values, pictures, slices if slices > 1 else 0, of)
    if values.ndim == 2 and read and values.shape[1] == np.prod(read):
        pictures = _smaller(values[rows].reshape(len(rows), *read))
        words = f"{len(rows)} of {count} rows as pictures of {read[1]} x {read[2]}"
        return _shown(values, pictures[:, 0] if read[0] == 1 else pictures, 0, words)
    if values.ndim >= 2:
        matrix = values.reshape(count, -1)
        words = (
            f"{len(rows)} of {count} outputs, a row each; {min(matrix.shape[1], MATRIX)} of {matrix.shape[1]} inputs"
        )
        return _shown(values, matrix[rows][:, :MATRIX].astype(np.float32)[None], 1, words)
    return _shown(values, _in_rows(values.reshape(-1)), 1, f"{values.size} numbers, row by row")
