"""A spectrum as a curve: how tall waves are at each frequency, whatever their direction; and spectra from it."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.parametrizations.spectrum import frequencies, spectrum_of
from minitorch_viz.optimize.units import Units

BINS = 40
FILE = Path(__file__).with_name("spectrum.json")


def bin_edges(side: int) -> Array:
    """Return the edges (BINS + 1,) of bins of frequency, in cycles a pixel: of equal width in its logarithm."""
    edges: Array = np.geomspace(0.75 / side, np.sqrt(0.5) + 1e-9, BINS + 1)
    return edges


def curve_of(spectrum: Array, side: int) -> tuple[Array, Array]:
    """Return the mean magnitudes (BINS + 1, C) of a square spectrum, and the frequencies (BINS + 1,) they stand at.

    spectrum: (C, side, side // 2 + 1). They are over `side`, so that they are those of any size; the first is that of
    frequency 0, and bins that hold no wave are left to their neighbours.
    """
    f, edges = frequencies((side, side)), bin_edges(side)
    centres, means = [0.0], [spectrum[:, 0, 0] / side]
    for low, high in itertools.pairwise(edges):
        inside = (f >= low) & (f < high)
        if inside.any():
            centres.append(float(f[inside].mean()))
            means.append(spectrum[:, inside].mean(axis=1) / side)
    return np.array(centres), np.array(means)


def from_curve(centres: Array, means: Array, size: Pair) -> Array:
    """Return the spectrum (C, H, W // 2 + 1) of a curve, straight between its points on logarithmic axes.

    Slower waves than the curve's slowest are as tall as that one.
    """
    f = np.clip(frequencies(size), centres[1], centres[-1])
    tall = np.stack([np.exp(np.interp(np.log(f), np.log(centres[1:]), np.log(row[1:]))) for row in means.T])
    tall[:, 0, 0] = means[0]
    spectrum: Array = tall * np.sqrt(size[0] * size[1])
    return spectrum


def bundled_spectrum(channels: int, size: Pair) -> Array:
    """Return the magnitudes (C, H, W // 2 + 1) of 500 photos: of their decorrelated colours "maco", or of their grey.

    Of channel counts other than 3 every channel has that of grey.
    """
    curves = _bundled()
    centres, means = curves["colour" if channels == 3 else "grey"]
    return from_curve(centres, means if channels == 3 else np.repeat(means, channels, axis=1), size)


@functools.cache
def _bundled() -> dict[str, tuple[Array, Array]]:
    """Return the bundled curves: frequencies (B,) and magnitudes (B, C) by kind."""
    text = json.loads(FILE.read_text())
    return {kind: (np.array(text["frequencies"]), np.array(text[kind])) for kind in ("colour", "grey")}


def measured(pictures: Iterable[Array], units: Units, side: int) -> tuple[Array, Array]:
    """Return the curve of pictures x (C, side, side): `curve_of` their spectrum."""
    matrix = colour_matrix("maco", units.channels)
    return curve_of(spectrum_of(pictures, matrix, units, (side, side)), side)
