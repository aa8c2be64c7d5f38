"""How fast the power of a picture falls with frequency: of natural photos as its square."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

LEAST_SIDE = 8  # pixels of a picture, for a slope


def spectrum_slope(picture: Array) -> float:
    """Return the slope of the power spectrum of a picture (h, w, C), both on logarithmic scales; NaN where it has none.

    The picture's mean over colours, less its mean, in a Hann window; the power is averaged over rings of whole
    frequencies from 1 to half the shorter side, and a line is fitted to the logarithms. Natural photos have about -2.
    """
    grey = picture.astype(np.float64).mean(axis=2)
    high, wide = grey.shape
    most = min(high, wide) // 2
    if min(high, wide) < LEAST_SIDE or np.ptp(grey) == 0:
        return float("nan")
    window = np.outer(np.hanning(high + 2)[1:-1], np.hanning(wide + 2)[1:-1])
    centred = (grey - np.average(grey, weights=window)) * window
    power = np.abs(np.fft.fft2(centred)) ** 2
    side = min(high, wide)
    rows, columns = np.fft.fftfreq(high)[:, None] * side, np.fft.fftfreq(wide)[None] * side
    ring = np.round(np.hypot(rows, columns)).astype(int).ravel()
    means = (np.bincount(ring, power.ravel()) / np.maximum(np.bincount(ring), 1))[1 : most + 1]
    if not (means > 0).all():
        return float("nan")
    return float(np.polyfit(np.log(np.arange(1, most + 1)), np.log(means), 1)[0])
