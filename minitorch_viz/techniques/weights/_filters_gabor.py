"""The best Gabor for each filter: a wave under a Gaussian, in one colour, and how much of the filter it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import NUMBER_SIZE, in_rows, panels
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.weights._filters_of import Chosen, FilterResult, draw_filter, full_scale, need_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

PAIRS = 6  # filters side by side, each with its Gabor
SIDE = 0.72  # inches
STARTS = 4  # of the coarse grid's best
NOISE = 8  # filters of noise that are fitted for comparison
SHAPE = 7  # numbers of a Gabor beside its colour
STEP, TINY = 1e-7, 1e-12
AT_ONCE = 24  # starts that are measured at once: a filter may be as large as a picture
LEAST, MOST = 3, 64  # the sides of a filter in which a Gabor can be told apart, and in which it takes no minutes


class Fit(NamedTuple):
    """Hold one Gabor: colour * exp(-u^2 / 2 su^2 - v^2 / 2 sv^2) * cos(2 pi f u + phase), u along the wave."""

    shape: Array  # (7,): row and column of the middle, angle, su, sv, waves a pixel, phase
    colour: Array  # (C,)
    r2: float  # 1 - squares of the rest / squares of the filter about its mean
    values: Array  # (C, kh, kw)


@dataclass(frozen=True, eq=False)
class Gabors(FilterResult):
    """Hold filters, and the Gabor that is nearest to each."""

    gabors: Array  # (k, C, kh, kw)
    shapes: Array  # (k, 7): row, column, angle, deviations along and across the wave, waves a pixel, phase
    r2: Array  # (k,): the share of each filter's variance that its Gabor is; NaN of a filter without any
    noise_r2: float  # the mean of the same for filters of random numbers

    @property
    def caption(self) -> str:
        shares = self.r2[np.isfinite(self.r2)]
        median = f"the median is {np.median(shares):.2f}" if len(shares) else "there is none"
        return (
            f"{self.shown}: each, and right of it the nearest Gabor, a wave under a Gaussian in one colour, with R², "
            f"the share of the filter's variance that it is; {median}. Filters of random numbers reach "
            f"{self.noise_r2:.2f}: what is not above has not shown that it is a Gabor. Mid-grey or white is 0; a "
            "filter and its Gabor share one scale, the filter's largest weight."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        _, channels, high, wide = self.weights.shape
        numbers, needed = channels * high * wide, SHAPE + channels
        few = f"A filter is {numbers} numbers and a Gabor {needed}, so that nearly anything fits: R² says little here."
        return (*super().notes, *((few,) if numbers < 4 * needed else ()))

    def drawn(self, figure: Figure) -> None:
        """Draw each filter with its Gabor at its right."""
        count, _, high, wide = self.weights.shape
        pairs = math.ceil(count / math.ceil(count / PAIRS))
        titles = [
            title
            for number, r2 in zip(self.numbers, self.r2, strict=True)
            for title in (str(number), f"R² {r2:.2f}" if np.isfinite(r2) else "none")
        ]
        heading = f"Filters of {self.node}, and the nearest Gabor of each; R² of noise: {self.noise_r2:.2f}"
        sheet = panels(
            figure, in_rows(titles, 2 * pairs), high / wide, heading=heading, side=SIDE, size=NUMBER_SIZE, least=6.0
        )
        panes = sheet.axes.reshape(-1, 2)
        for weights, gabor, (left, right) in zip(self.weights, self.gabors, panes, strict=False):
            for axes, values in ((left, weights), (right, gabor)):
                draw_filter(axes, values, full_scale(weights), self.colour)


def gabors(model: Model, chosen: Chosen, seed: int = 0) -> Gabors:
    """Return filters with the Gabor that is nearest to each in the sense of least squares, and its R².

    Raises SettingError unless the filters look at the net's own input, and their sides are 3 to 64.
    """
    need_pixels(model, chosen, "gabor")
    high, wide = chosen.weights.shape[2:]
    if min(high, wide) < LEAST or max(high, wide) > MOST:
        raise SettingError(
            f"Waves are looked for in filters of at least {LEAST} x {LEAST} pixels, in which they can be seen, and of "
            f"at most {MOST} x {MOST}; those of {chosen.node!r} are {high} x {wide}."
        )
    fits = [fit_gabor(weights) for weights in chosen.weights]
    noise = np.random.default_rng(seed).standard_normal((NOISE, *chosen.weights.shape[1:]))
    return Gabors(
        *chosen,
        np.stack([fit.values for fit in fits]),
        np.stack([fit.shape for fit in fits]),
        np.array([fit.r2 for fit in fits]),
        float(np.mean([fit_gabor(weights).r2 for weights in noise])),
    )


def fit_gabor(weights: Array, starts: int = STARTS) -> Fit:
    """Return the Gabor nearest to a filter (C, kh, kw), from the best of a coarse grid of starts.

    The colour is not searched for: for a given wave the best one is a projection. The middle stays inside the filter,
    the deviations between half a pixel and the filter's longer side, and the wave below one in two pixels.
    """
    from scipy.optimize import least_squares

    size = weights.shape[1:]
    pixels = weights.reshape(len(weights), -1).astype(np.float64)
    total = float(((pixels - pixels.mean()) ** 2).sum())
    if not total:
        return Fit(np.zeros(SHAPE), np.zeros(len(weights)), float("nan"), np.zeros(weights.shape))
    pixels = pixels / np.sqrt((pixels**2).sum())

    def rests(shapes: Array) -> Array:
        """Return (n, C * kh * kw): what shapes (n, 7) leave of the filter, each in its best colour."""
        waves = _waves(shapes, size)
        colours = waves @ pixels.T / np.maximum((waves**2).sum(axis=1), TINY)[:, None]
        left: Array = (pixels - colours[:, :, None] * waves[:, None]).reshape(len(shapes), -1)
        return left

    def slopes(shape: Array) -> Array:
        """Return (C * kh * kw, 7), by differences, all in one call."""
        left = rests(np.concatenate([shape[None], shape + STEP * np.eye(SHAPE)]))
        differences: Array = ((left[1:] - left[0]) / STEP).T
        return differences

    longest = float(max(size))
    low = [0.0, 0.0, -np.inf, 0.5, 0.5, 0.0, -np.inf]
    high = [size[0] - 1.0, size[1] - 1.0, np.inf, longest, longest, 0.5, np.inf]
    grid = _grid(pixels, size)
    parts = [grid[start : start + AT_ONCE] for start in range(0, len(grid), AT_ONCE)]
    left = np.concatenate([(rests(part) ** 2).sum(axis=1) for part in parts])
    best, least = grid[0], np.inf
    for start in grid[np.argsort(left, kind="stable")[:starts]]:
        inside = np.clip(start, np.array(low) + 1e-6, np.array(high) - 1e-6)
        optimum = least_squares(lambda shape: rests(shape[None])[0], inside, slopes, bounds=(low, high), max_nfev=150)
        if optimum.cost < least:
            best, least = optimum.x, optimum.cost
    wave = _waves(best[None], size)[0]
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    colour = flat @ wave / max(float(wave @ wave), TINY)
    values = np.outer(colour, wave)
    r2 = 1 - float(((flat - values) ** 2).sum()) / total
    return Fit(best, colour, r2, values.reshape(weights.shape))


def _waves(shapes: Array, size: tuple[int, int]) -> Array:
    """Return Gabors without colour, (n, kh * kw), of shapes (n, 7)."""
    row, column, angle, along, across, frequency, phase = (shapes[:, i, None] for i in range(SHAPE))
    rows, columns = (axis.ravel() for axis in np.mgrid[: size[0], : size[1]])
    down, right = rows - row, columns - column
    u = np.cos(angle) * right + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * right
    waves: Array = np.exp(-(u**2) / (2 * along**2) - v**2 / (2 * across**2)) * np.cos(2 * np.pi * frequency * u + phase)
    return waves


def _grid(pixels: Array, size: tuple[int, int]) -> Array:
    """Return shapes to start from (n, 7): twelve directions, five frequencies, two phases, two middles, two widths."""
    energy = (pixels**2).sum(axis=0)
    rows, columns = (axis.ravel() for axis in np.mgrid[: size[0], : size[1]])
    centroid = (float(energy @ rows), float(energy @ columns))
    peak = int(energy.argmax())
    middles = (centroid, (float(rows[peak]), float(columns[peak])))
    shapes = [
        (*middle, angle, width, width, frequency, phase)
        for middle in middles
        for angle in np.arange(12) * np.pi / 12
        for width in (min(size) / 6, min(size) / 3)
        for frequency in (0.02, 0.1, 0.18, 0.28, 0.4)
        for phase in (0.0, np.pi / 2)
    ]
    return np.array(shapes)
