"""Gaussian blur, of a picture or of its gradient."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError


def blur(x: Array, sigma: float) -> Array:
    """Return x (N, C, H, W) blurred by a Gaussian of `sigma` pixels; borders are mirrored; 0 leaves x as it is.

    Of the picture, it takes away what is fine (Yosinski et al. 2015; Øygard 2015, deepdraw). Of the gradient, it keeps
    fine detail that is there and adds none (Øygard 2015). The map is linear and its own adjoint.
    """
    from scipy.ndimage import gaussian_filter

    if not (np.isfinite(sigma) and sigma >= 0):
        raise SettingError(f"A blur takes a radius of at least 0 pixels, but got {sigma!r}.")
    if sigma == 0:
        return x
    blurred: Array = gaussian_filter(x, (0, 0, sigma, sigma))
    return blurred
