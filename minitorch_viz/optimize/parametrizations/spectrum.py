"""Fourier coefficients of real pictures: waves to pixels and back, frequencies, natural spectra."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import DataFileError, ShapeError
from minitorch_viz.optimize.parametrizations.squashing import unsquashed
from minitorch_viz.optimize.units import Units


def frequencies(size: Pair) -> Array:
    """Return (H, W // 2 + 1): the frequency of each coefficient of `rfft2`, in cycles a pixel, 0 to 0.71."""
    height, width = size
    cycles: Array = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    return cycles


def waves(real: Array, imaginary: Array, size: Pair) -> Array:
    """Return the sum of waves (..., H, W) with the coefficients (..., H, W // 2 + 1): numpy's `irfft2`."""
    pixels: Array = np.fft.irfft2(real + 1j * imaginary, s=size)
    return pixels


def waves_adjoint(dx: Array) -> tuple[Array, Array]:
    """Carry a gradient (..., H, W) back to the coefficients' real and imaginary parts.

    A coefficient inside stands for two waves, itself and its mirror image; those of the first column (and of the last,
    where W is even) for one.
    """
    height, width = dx.shape[-2:]
    coefficients = np.fft.rfft2(dx)
    times = np.full(width // 2 + 1, 2.0)
    times[0] = 1.0
    if width % 2 == 0:
        times[-1] = 1.0
    coefficients = coefficients * (times / (height * width)).astype(dx.dtype)
    return coefficients.real, coefficients.imag


def natural_spectrum(channels: int, size: Pair) -> Array:
    """Return (C, H, W // 2 + 1): magnitudes that fall as 1 / f, as those of photos do on average; 0 for the mean.

    Paper: Field 1987.
    """
    height, width = size
    fall = np.sqrt(height * width) / np.maximum(frequencies(size), 1 / max(size))
    fall[0, 0] = 0
    return np.broadcast_to(fall, (channels, height, width // 2 + 1)).copy()


def spectrum_of(pictures: Iterable[Array], matrix: Array, units: Units, size: Pair) -> Array:
    """Return the mean magnitude (C, H, W // 2 + 1) over pictures x (C, H, W), one pass, one picture in memory.

    The pictures are taken back through the very sigmoid and colours that will be laid over the phases afterwards; left
    out, colours would be correlated twice. matrix: that of the colours. Raises DataFileError if there is no picture,
    ShapeError for one of another size.
    """
    shape, total, count = (units.channels, *size), np.zeros((units.channels, size[0], size[1] // 2 + 1)), 0
    for x in pictures:
        if x.shape != shape:
            raise ShapeError(
                f"A spectrum of {shape} needs pictures of that shape, but got {x.shape}; resize them first."
            )
        total += np.abs(np.fft.rfft2(unsquashed(x[None].astype(float), matrix, units)[0]))
        count += 1
    if not count:
        raise DataFileError("A spectrum is the mean over pictures, but there is none; give a folder with some.")
    return total / count
