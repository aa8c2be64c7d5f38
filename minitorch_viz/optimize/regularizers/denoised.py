"""A picture with less total variation."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError

WHITE = 255.0


def denoised(x: Array, weight: float) -> Array:
    """Return u (N, C, H, W) near x with little total variation: least sum |grad u| + weight / 2 sum (u - x)^2.

    weight: of being like x, where black to white counts as 1: the smaller, the flatter. Each channel on its own.
    The minimum is approached by split Bregman iteration (scikit-image's). Paper: Goldstein and Osher 2009; in ascents,
    Nguyen et al. 2016, "Multifaceted feature visualization".
    """
    from skimage.restoration import denoise_tv_bregman

    if not (np.isfinite(weight) and weight > 0):
        raise SettingError(f"Denoising takes a weight above 0, but got {weight!r}.")
    flatter = [[WHITE * denoise_tv_bregman(channel / WHITE, weight) for channel in picture] for picture in x]
    return np.asarray(flatter, x.dtype)
