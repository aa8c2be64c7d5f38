"""How well a cell tells what a hypothesis says: AUC and R^2 of every cell at once, and what is left of it by chance.

x (T, H) is what the cells do, y (T,) what is true. A yes or no is scored by the AUC: how often the cell is higher at a
letter where it is true than at one where it is not, ties counted half; 0.5 is chance. A number is scored by R^2 of the
straight line from the cell to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array


class Line(NamedTuple):
    """Hold the straight line a + b x, fitted to a part of the text."""

    a: float
    b: float


def ranks(x: Array) -> Array:
    """Return the rank of each value in its column, (T, H) float32 from 1; equal ones share their mean rank."""
    rows = np.ascontiguousarray(x.T)  # sorting goes along the memory
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    result = np.empty(rows.shape, np.float32)
    np.put_along_axis(result, order, np.arange(1, len(x) + 1, dtype=np.float32)[None], axis=1)
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        from scipy.stats import rankdata

        result[tied] = rankdata(rows[tied], axis=1)
    return result.T


def aucs(x: Array, y: Array) -> Array:
    """Return the AUC (K, H) of each of H cells x (T, H) for K hypotheses y (T, K) bool; NaN where all are one."""
    count, true = len(x), y.sum(axis=0).astype(np.float64)[:, None]  # (K, 1)
    # Ranks from the middle: float32 keeps the sums of a hundred thousand.
    sums = (y.T.astype(np.float32) @ (ranks(x) - np.float32((count + 1) / 2))).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = 0.5 + sums / (true * (count - true))
    return result


def correlations(x: Array, y: Array) -> Array:
    """Return Pearson's r (K, H) of each cell x (T, H) with K numbers y (T, K); NaN in y is left out, letter by letter.

    A cell or a number that does not change has r 0.
    """
    is_told = np.isfinite(y)
    shift = x.mean(axis=0, dtype=np.float64).astype(x.dtype)
    centred = x - shift  # so that float32 squares keep the small differences
    with np.errstate(invalid="ignore", divide="ignore"):
        count = is_told.sum(axis=0)[:, None]  # (K, 1)
        mean_y = np.where(count[:, 0] > 0, np.nansum(y, axis=0) / count[:, 0], 0)
        y0 = np.where(is_told, y - mean_y, 0).astype(x.dtype)  # (T, K)
        weights = is_told.astype(x.dtype).T
        mean_x = (weights @ centred) / count
        covariance = y0.T @ centred  # y0 sums to 0, so that the mean of x is out already
        variance_x = (weights @ centred**2) - count * mean_x**2
        spread = np.sqrt(np.maximum(variance_x, 0) * (y0.astype(np.float64) ** 2).sum(axis=0)[:, None])
        flat = np.ptp(x, axis=0) == 0
        result: Array = np.where((spread > 0) & ~flat, covariance / spread, 0)
    return np.clip(result, -1, 1)


def auc(x: Array, y: Array) -> float:
    """Return the AUC of one cell x (T,) for y (T,) bool."""
    count, true = len(x), int(y.sum())
    if true in (0, count):
        return float("nan")
    sums = (ranks(x[:, None])[:, 0].astype(np.float64) - (count + 1) / 2)[y].sum()
    return float(0.5 + sums / (true * (count - true)))


def fitted(x: Array, y: Array) -> Line:
    """Return the line of least squares from x (T,) to y (T,), whose NaN are left out."""
    is_told = np.isfinite(y)
    x, y = x[is_told].astype(np.float64), y[is_told]
    spread = ((x - x.mean()) ** 2).sum()
    b = float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread > 0 else 0.0
    return Line(float(y.mean() - b * x.mean()), b)


def r2(x: Array, y: Array, line: Line) -> float:
    """Return 1 - (what the line leaves) / (what the mean of y (T,) leaves): below 0 where the line is worse than that.

    The mean is that of y itself, the line of another part of the text.
    """
    is_told = np.isfinite(y)
    x, y = x[is_told].astype(np.float64), y[is_told]
    total = ((y - y.mean()) ** 2).sum() if len(y) else 0.0
    return float(1 - ((y - line.a - line.b * x) ** 2).sum() / total) if total > 0 else float("nan")


def threshold(x: Array, y: Array, direction: int) -> float:
    """Return the value of x (T,) that parts the true y (T,) bool from the others best (Youden 1950).

    direction: 1 if the cell is higher where y is true, -1 if it is lower. The threshold lies between two values.
    """
    order = np.argsort(x, kind="stable")
    ordered, is_true = x[order].astype(np.float64), y[order]
    true, false = max(int(y.sum()), 1), max(int((~y).sum()), 1)
    above = direction * ((is_true.sum() - np.cumsum(is_true)) / true - ((~is_true).sum() - np.cumsum(~is_true)) / false)
    above[:-1][ordered[1:] == ordered[:-1]] = -np.inf  # equal values are on one side
    place = int(above[:-1].argmax()) if len(x) > 1 else 0
    return float((ordered[place] + ordered[min(place + 1, len(x) - 1)]) / 2)


def chance(x: Array, y: Array, direction: int) -> float:
    """Return how likely x (T,) would fit y (T,) as well if the two had nothing to do with each other.

    The letters of a text are not independent, so that shuffling them would find everything significant. Here y is
    shifted against x by every number of letters, what falls out at the end comes in at the start: its runs and its
    rhythm stay, and only what connects it with the cell is lost. The p-value is the share of shifts, none among them,
    that fit at least as well, in the direction that was chosen before. All of them are one product of Fourier
    transforms.
    """
    is_told = np.isfinite(y) if y.dtype.kind == "f" else np.ones(len(y), bool)
    x, values = x[is_told], y[is_told].astype(np.float64)
    x = ranks(x[:, None])[:, 0].astype(np.float64) if y.dtype == bool else x.astype(np.float64)
    x, values = x - x.mean(), values - values.mean()
    fits = np.fft.irfft(np.fft.rfft(x) * np.conj(np.fft.rfft(values)), len(x)) * direction
    margin = 1e-9 * np.sqrt((x**2).sum() * (values**2).sum())
    return float((fits >= fits[0] - margin).mean()) if len(x) else 1.0
